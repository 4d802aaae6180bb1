# SPDX-License-Identifier: LGPL-2.1-or-later
"""A player that decodes nothing and forgets nothing: reads a live playlist again and again, fetches every segment,
and holds each reading against all before it (RFC 8216 6.2.1, 6.2.2)."""
import http.client
import re
import threading
import time
from datetime import datetime

ATTRIBUTE = re.compile(r'([A-Z-]+)=("[^"]*"|[^,]*)')


class Playlist:
    """One reading of a media playlist."""

    def __init__(self, text):
        lines = [line for line in text.splitlines() if line]
        assert lines and lines[0] == "#EXTM3U", f"not a playlist: {text[:80]!r}"
        self.sequence = self.discontinuity_sequence = self.target = 0
        self.ended = "#EXT-X-ENDLIST" in lines
        self.segments = []  # (msn, discontinuity number, seconds, uri, init uri, date)
        self.gaps = set()  # of the segments, those that are not there (EXT-X-GAP)
        seconds = date = init = None
        breaks = 0
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name == "#EXT-X-MEDIA-SEQUENCE":
                self.sequence = int(value)
            elif name == "#EXT-X-DISCONTINUITY-SEQUENCE":
                self.discontinuity_sequence = int(value)
            elif name == "#EXT-X-TARGETDURATION":
                self.target = int(value)
            elif name == "#EXT-X-DISCONTINUITY":
                breaks += 1
            elif name == "#EXT-X-PROGRAM-DATE-TIME":
                date = datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
            elif name == "#EXT-X-MAP":
                init = dict(ATTRIBUTE.findall(value))["URI"].strip('"')
            elif name == "#EXT-X-GAP":
                self.gaps.add(self.sequence + len(self.segments))
            elif name == "#EXTINF":
                seconds = float(value.split(",")[0])
            elif not line.startswith("#"):
                self.segments.append((self.sequence + len(self.segments), self.discontinuity_sequence + breaks, seconds,
                                      line, init, date))
                date = None


class Watcher:
    """Reads `station`'s playlist in a thread from now on. stop() ends it; `problems` is then what a player would have
    stumbled over; `silences` are the times (from, to) in which the node did not answer."""

    PERIOD_S = 0.25

    def __init__(self, node, station):
        self.node = node
        self.station = station
        self.problems = []
        self.silences = []
        self.seen = {}  # msn: segment
        self.fetched = {}  # uri: bytes
        self.last = None
        self.stopping = threading.Event()
        self.silent_since = None
        node.helpers.append(self)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def wait(self):
        self.stop()
        assert not self.problems, "a player would have stumbled:\n" + "\n".join(self.problems)
        return self

    def discontinuities(self):
        """Breaks between segments that were seen, by the first segment after each."""
        ordered = [self.seen[msn] for msn in sorted(self.seen)]
        return [after[0] for before, after in zip(ordered, ordered[1:]) if after[1] != before[1]]

    def seconds(self):
        return sum(segment[2] for segment in self.seen.values())

    def _run(self):
        multivariant = None
        while True:
            try:
                if multivariant is None:
                    multivariant = self._find()
                if multivariant:
                    self._read(multivariant)
            except (AssertionError, KeyError, ValueError) as problem:
                self.problems.append(repr(problem))
            if self.stopping.wait(self.PERIOD_S):
                return

    def _get(self, path):
        """The body, or None while the node does not answer or has nothing yet."""
        try:
            status, body = self.node.get(path)
        except (OSError, http.client.HTTPException):
            self.silent_since = self.silent_since or time.monotonic()
            return None
        if self.silent_since:
            self.silences.append((self.silent_since, time.monotonic()))
            self.silent_since = None
        # A node that has just come back may not have found its streams yet; a gone segment is another matter.
        return body if status == 200 else None

    def _find(self):
        base = f"/hls/{self.station}/"
        body = self._get(base + "index.m3u8")
        if body is None:
            return None
        # The stream as it was sent comes first.
        return base + next(line for line in body.decode().splitlines() if line and not line.startswith("#"))

    def _read(self, path):
        body = self._get(path)
        if body is None:
            return
        now = Playlist(body.decode())
        folder = path.rsplit("/", 1)[0] + "/"
        if self.last:
            self._compare(self.last, now)
        self.last = now
        for segment in now.segments:
            if segment[0] not in now.gaps:
                self._take(folder, segment, now)

    def _compare(self, before, now):
        if now.sequence < before.sequence:
            self.problems.append(f"media sequence went back from {before.sequence} to {now.sequence}")
        if now.discontinuity_sequence < before.discontinuity_sequence:
            self.problems.append(
                f"discontinuity sequence went back from {before.discontinuity_sequence} to {now.discontinuity_sequence}")
        if now.target != before.target:
            self.problems.append(f"target duration went from {before.target} to {now.target}")
        if before.segments and now.segments and now.segments[-1][0] < before.segments[-1][0]:
            self.problems.append(f"the last segment went back from {before.segments[-1][0]} to {now.segments[-1][0]}")

    def _take(self, folder, segment, now):
        msn, _, seconds, uri, init, _ = segment
        known = self.seen.setdefault(msn, segment)
        # The wall clock of a segment may not change either.
        if known != segment:
            self.problems.append(f"segment {msn} changed from {known} to {segment}")
            self.seen[msn] = segment
        if round(seconds) > now.target:
            self.problems.append(f"segment {msn} takes {seconds} s, the target duration is {now.target} s")
        for name in (init, uri):
            if name is None:
                self.problems.append(f"segment {msn} has no initialisation segment")
            elif name not in self.fetched:
                self._fetch(folder, name)

    def _fetch(self, folder, name):
        try:
            status, body = self.node.get(folder + name)
        except (OSError, http.client.HTTPException):
            return  # again at the next reading
        if status != 200 or len(body) < 100:
            self.problems.append(f"{name}: HTTP {status}, {len(body)} bytes")
        elif name.endswith(".m4s") and body[4:8] not in (b"moof", b"styp", b"prft", b"uuid"):
            self.problems.append(f"{name} begins with {body[:8]!r}")
        self.fetched[name] = len(body)
