# SPDX-License-Identifier: LGPL-2.1-or-later
"""Players that people use, on a node that has its troubles: in headless Chromium (tests/browser's formats.mjs), and ffprobe."""

import json
import pathlib
import shutil
import subprocess
import threading
import time

import probes
import recordings
from troubles import STANDARDS, STATION

BROWSER = pathlib.Path(__file__).resolve().parents[2] / "browser"
# What each is given to play.
STANDARD = {"hls": "hls", "dash": "dash", "shaka": "dash", "shaka-hls": "hls", "ffprobe": "hls"}
USUAL = ("hls", "dash", "shaka", "ffprobe")
PACKAGES = {"dash": "dashjs", "shaka": "shaka-player", "shaka-hls": "shaka-player"}
JUMP_S = 1.5  # a larger step of the video's time is a jump, not playing
END_S = 20  # with all encoders and the checkers on the same machine
STARVED_S = 0.75  # between two lines, of which there are four a second: the page got no processor meanwhile. What it shows then
# is not known, and is neither playing nor standing; how much of it there may be is judged


def why_not(names):
    """What is missing to run them; None: nothing is."""
    in_chromium = [name for name in names if name != "ffprobe"]
    if in_chromium and not shutil.which("node"):
        return "no Node.js"
    for name in in_chromium:
        package = BROWSER / "node_modules" / PACKAGES.get(name, "playwright-core")
        if not package.is_dir():
            return f"no {package.name}; run tools/setup browser"
    return None


class Player:
    """One that plays from now on until end()."""

    def __init__(self, name, url, errors):
        self.name = name
        self.lines = 0
        self.played = self.still = self.longest = self.starved = 0.0
        self.heights = {}  # seconds played of each
        self.last = None
        self.stands = []  # (when they ended, how long, where, what was buffered then) of more than two seconds
        self.began = time.monotonic()
        self.process = subprocess.Popen(["node", BROWSER / "formats.mjs", name.partition("-")[0], url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=errors, text=True)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        at = time.monotonic()
        for line in self.process.stdout:
            now, before, was = json.loads(line), self.last, at
            at = time.monotonic()
            self.last = now
            self.lines += 1
            if before is None:
                continue
            if at - was > STARVED_S:
                self.starved += at - was
            step = now["time"] - before["time"]
            if 0 < step < JUMP_S:
                self.played += step
                self.heights[now["height"]] = self.heights.get(now["height"], 0.0) + step
            if step > 0:
                if self.still > 2 and self.played > 0:
                    self.stands.append((round(at - self.began), round(self.still, 1), before["time"], before["buffered"]))
                self.still = 0.0
            elif self.played > 0 and at - was < STARVED_S:
                self.still += at - was
                self.longest = max(self.longest, self.still)

    def end(self):
        """What it did."""
        alive = self.process.poll() is None
        self.kill()
        last = self.last or {"problems": ["it never began"], "errors": [], "decoded": 0, "dropped": 0}
        if self.still > 2:
            self.stands.append((round(time.monotonic() - self.began), round(self.still, 1), last["time"], last["buffered"]))
        return {"player": self.name, "alive": alive, "played_s": round(self.played, 1), "longest_still_s": round(self.longest, 1),
                "still_at_end_s": round(self.still, 1), "heights": {height: round(s) for height, s in self.heights.items()},
                "stands": self.stands[:40], "problems": last["problems"], "errors": last["errors"][:10],
                "error_count": len(last["errors"]), "starved_s": round(self.starved, 1),
                "decoded": last["decoded"], "dropped": last["dropped"]}

    def kill(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.thread.join(timeout=END_S)


def start(node, names, errors):
    """Those of the names in Chromium, and ffprobe once for everything that is listed."""
    address = f"http://127.0.0.1:{node.http_port}"
    out = [Player(name, address + STANDARDS[STANDARD[name]], errors) for name in names if name != "ffprobe"]
    if "ffprobe" in names:
        base = address + STANDARDS["hls"].rpartition("/")[0] + "/"
        lists = ["index.m3u8", *recordings.uris(node, STATION, "index.m3u8")]
        out += [probes.Probe(f"ffprobe {uri}", base + uri, errors) for uri in lists]
        out.append(probes.ManifestProbe("ffprobe manifest.mpd", address + STANDARDS["dash"], errors))
    return out


def report(found):
    lines = [["player", "played s", "stood still", "at most s", "at its end", "starved s", "pictures", "by height", "trouble"]]
    for one in found:
        heights = ", ".join(f"{height}p {seconds} s" for height, seconds in sorted(one.get("heights", {}).items()))
        trouble = "; ".join([*one["problems"], *one["errors"]]) or "none"
        if "readings" in one:
            heights = f"{one['readings']} readings of up to {one['most']} Representations, {one['cut']} cut by a new Period"
            lines.append([one["player"], "", "", "", "", "", str(one["decoded"]), heights, trouble])
            continue
        lines.append([one["player"], f"{one['played_s']:.0f}", str(len(one["stands"])), f"{one['longest_still_s']:.1f}",
                      f"{one['still_at_end_s']:.1f}", f"{one['starved_s']:.1f}", str(one["decoded"]), heights, trouble])
    return lines
