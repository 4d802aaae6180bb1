# SPDX-License-Identifier: LGPL-2.1-or-later
"""Players that people use, on a node that has its troubles: in headless Chromium (tests/browser's formats.mjs), and ffprobe."""

import json
import pathlib
import shutil
import subprocess
import threading
import time

BROWSER = pathlib.Path(__file__).resolve().parents[2] / "browser"
# What each is given to play.
STANDARD = {"hls": "hls", "dash": "dash", "shaka": "dash", "shaka-hls": "hls", "ffprobe": "hls"}
PACKAGES = {"dash": "dashjs", "shaka": "shaka-player", "shaka-hls": "shaka-player"}
JUMP_S = 1.5  # a larger step of the video's time is a jump, not playing
END_S = 20  # with all encoders and the checkers on the same machine
STANDS_S = 4  # between two pictures that ffprobe reads, of segments of two seconds
STARVED_S = 0.75  # between two lines, of which there are four a second: the page got no processor meanwhile


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
        self.played = self.still = self.longest = 0.0
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


class Probe:
    """ffprobe, that reads each picture of the source as soon as it is listed, from now on until end()."""

    def __init__(self, url, errors):
        self.played = self.still = self.longest = 0.0
        self.pictures = 0
        self.newest = None  # of the pictures' times
        self.stands = []
        self.began = self.heard = time.monotonic()
        # A line for each picture, when it comes.
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of",
             "csv=p=0", url], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors = []
        self.log = errors
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self.listen, self.complain)]
        for one in self.threads:
            one.start()

    def listen(self):
        for line in self.process.stdout:
            at = float(line.strip().rstrip(","))
            now = time.monotonic()
            if self.pictures:
                self.longest = max(self.longest, now - self.heard)
                if now - self.heard > STANDS_S:
                    self.stands.append((round(now - self.began), round(now - self.heard, 1)))
            self.heard = now
            self.pictures += 1
            step = at - self.newest if self.newest is not None else 0
            if 0 < step < JUMP_S:
                self.played += step
            if self.newest is None or step > 0 or step < -JUMP_S:
                self.newest = at

    def complain(self):
        for line in self.process.stderr:
            self.log.write(line.encode())
            self.errors.append(line.strip())

    def end(self):
        alive = self.process.poll() is None
        errors = self.errors[:10]  # not of what ends it
        still = time.monotonic() - self.heard
        self.kill()
        return {"player": "ffprobe", "alive": alive, "played_s": round(self.played, 1),
                "longest_still_s": round(max(self.longest, still), 1), "still_at_end_s": round(still, 1), "heights": {},
                "stands": self.stands[:40], "problems": [], "errors": errors, "decoded": self.pictures, "dropped": 0}

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for one in self.threads:
            one.join(timeout=END_S)


def start(name, url, errors):
    return Probe(url, errors) if name == "ffprobe" else Player(name, url, errors)


def report(found):
    lines = [["player", "played s", "stood still", "at most s", "at its end", "pictures", "by height", "trouble"]]
    for one in found:
        heights = ", ".join(f"{height}p {seconds} s" for height, seconds in sorted(one["heights"].items()))
        trouble = "; ".join([*one["problems"], *one["errors"]]) or "none"
        lines.append([one["player"], f"{one['played_s']:.0f}", str(len(one["stands"])), f"{one['longest_still_s']:.1f}",
                      f"{one['still_at_end_s']:.1f}", str(one["decoded"]), heights, trouble])
    return lines


def judge(found, seconds, promises, most_still_s, lost_s):
    """Each has played all but what was missing, and goes on."""
    for one in found:
        least = round(max(seconds - lost_s, seconds / 2))
        promises.check(f"{one['player']}: played, s", f"{one['played_s']:.0f}", f">= {least}", one["played_s"] >= least)
        promises.check(f"{one['player']}: stood still for, s", f"{one['longest_still_s']:.1f}", f"<= {most_still_s:.0f}",
                       one["longest_still_s"] <= most_still_s)
        ends_well = one["alive"] and not one["problems"] and not one["errors"]
        promises.check(f"{one['player']}: trouble", "none" if ends_well else "some", "none", ends_well)
