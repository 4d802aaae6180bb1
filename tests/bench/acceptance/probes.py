# SPDX-License-Identifier: LGPL-2.1-or-later
"""ffprobe on everything that a stream lists: the multivariant playlist with all that is in it, each media playlist by itself,
and the manifest, again and again. What it says on standard error is counted."""

import json
import re
import subprocess
import threading
import time
import urllib.request

JUMP_S = 1.5  # a larger step of the pictures' times is a jump, not media
STILLS_JUMP_S = 5  # likewise of small pictures, of which each segment has one
STANDS_S = 4  # between two packets of segments of two seconds: the next one came a segment late
AGAIN_S = 2  # between two readings of the manifest
READ_S = 4  # of media in each reading of the manifest
PATIENCE_S = 30  # for such a reading; ffprobe waits for two segments that come in real time
END_S = 20
PERIOD = re.compile(r'\bid="([^"]*)"')
REPRESENTATION = re.compile(r'<Representation[^>]*\bid="([^"]*)"')


class Probe:
    """Reads one playlist as it goes on, from now until end(). Every packet of every stream in it."""

    def __init__(self, name, url, log):
        self.name, self.log = name, log
        self.jump_s = STILLS_JUMP_S if "/pictures/" in url else JUMP_S
        self.played = self.still = self.longest = 0.0
        self.packets = 0
        self.newest = {}  # of each stream's times
        self.stands = []
        self.began = self.heard = time.monotonic()
        # A line for each packet, when it comes.
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "ffprobe", "-v", "error", "-show_entries", "packet=stream_index,pts_time", "-of", "csv=p=0", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors = []
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self.listen, self.complain)]
        for one in self.threads:
            one.start()

    def listen(self):
        for line in self.process.stdout:
            stream, _, at = line.strip().rstrip(",").partition(",")
            now = time.monotonic()
            if self.packets:
                self.longest = max(self.longest, now - self.heard)
                if now - self.heard > STANDS_S:
                    self.stands.append((round(now - self.began), round(now - self.heard, 1)))
            self.heard = now
            self.packets += 1
            if at in ("", "N/A"):
                continue
            at = float(at)
            first = stream == min(self.newest, default=stream)
            newest = self.newest.get(stream)
            step = at - newest if newest is not None else 0
            if first and 0 < step < self.jump_s:
                self.played += step
            if newest is None or step > 0 or step < -self.jump_s:
                self.newest[stream] = at

    def complain(self):
        for line in self.process.stderr:
            self.log.write(f"{self.name}: {line}".encode())
            self.errors.append(line.strip())

    def end(self):
        alive = self.process.poll() is None
        errors = list(self.errors)  # not of what ends it
        still = time.monotonic() - self.heard
        self.kill()
        return {"player": self.name, "alive": alive, "played_s": round(self.played, 1),
                "longest_still_s": round(max(self.longest, still), 1), "still_at_end_s": round(still, 1), "heights": {},
                "stands": self.stands[:40], "problems": [], "errors": errors[:10], "error_count": len(errors),
                "decoded": self.packets, "dropped": 0, "starved_s": 0, "streams": len(self.newest)}

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for one in self.threads:
            one.join(timeout=END_S)


class ManifestProbe:
    """Reads the manifest and the newest of each Representation again and again, until end(). FFmpeg's demuxer takes none that
    has other Representations than when it began ("new manifest has mismatched no. of video representations"), nor another
    Period: a reading during which the stream had a new one says nothing, and is counted by itself."""

    def __init__(self, name, url, log):
        self.name, self.url, self.log = name, url, log
        self.readings = self.cut = self.packets = 0
        self.short = 0  # readings that lacked a Representation of the Period
        self.most = 0  # Representations
        self.errors = []
        self.process = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def played(self):
        return self.readings * READ_S

    def periods(self):
        """[(its id, its Representations' ids, but tiles of pictures)]; None: it cannot be had now."""
        try:
            with urllib.request.urlopen(self.url, timeout=PATIENCE_S) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        return [(PERIOD.search(one)[1], [name for media in one.split("<AdaptationSet")[1:]
                                         if 'contentType="image"' not in media for name in REPRESENTATION.findall(media)])
                for one in text.split("<Period")[1:]]

    def run(self):
        while not self.stopping.is_set():
            before = self.periods()
            self.process = subprocess.Popen(
                ["ffprobe", "-v", "error", "-count_packets", "-read_intervals", f"%+{READ_S}", "-show_entries",
                 "stream=index,nb_read_packets", "-of", "json", self.url],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                out, said = self.process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                out, said = self.process.communicate()
                said += f"no {READ_S} s of media within {PATIENCE_S} s\n"
            if self.stopping.is_set():
                return
            after = self.periods()
            if before and after and before[-1] == after[-1]:
                self.take(out, said, len(after[-1][1]))
            else:
                self.cut += 1
            self.stopping.wait(AGAIN_S)

    def take(self, out, said, expected):
        self.log.write("".join(f"{self.name}: {line}\n" for line in said.splitlines()).encode())
        self.errors += said.splitlines()
        streams = json.loads(out or "{}").get("streams", [])
        counts = [int(one.get("nb_read_packets", 0)) for one in streams]
        self.readings += 1
        self.packets += sum(counts)
        self.short += sum(count > 0 for count in counts) < expected
        self.most = max(self.most, expected)

    def end(self):
        self.kill()
        return {"player": self.name, "alive": True, "readings": self.readings, "cut": self.cut, "problems": [], "errors": self.errors[:10],
                "error_count": len(self.errors), "decoded": self.packets, "short": self.short, "most": self.most}

    def kill(self):
        self.stopping.set()
        if self.process and self.process.poll() is None:
            self.process.kill()
        self.thread.join(timeout=END_S)
