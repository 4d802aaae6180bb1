# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a frame takes from the publisher's socket into the playlist.

A segment that is listed for the first time at T, and begins M seconds into its stream, is compared with the
publisher's log of when it sent the key frame of media time M, and of when it sent the key frame that closed the
segment.
"""

import re
import threading
import time

SLOW_S = 1.0    # between two looks while nothing is measured: no segment may slip through the window unseen
FAST_S = 0.004


class Listing(threading.Thread):
    """Follows one station's playlist from its start; measures between fast() and stop()."""

    def __init__(self, server, station):
        super().__init__(daemon=True)
        self.server, self.station = server, station
        self.interval = SLOW_S
        self.ended = threading.Event()
        self.next_sequence = None
        self.media_s = 0.0   # where the next segment begins
        self.listed = []     # (UTC seconds, begin, end) of segments that came up while looking fast

    def run(self):
        while not self.ended.wait(self.interval):
            fast = self.interval == FAST_S
            text = self.server.playlist(self.station)
            now = time.time()
            if text:
                self.take(text, now, fast)

    def take(self, text, now, fast):
        sequence = int((re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text) or [0, 0])[1])
        durations = [float(d) for d in re.findall(r"#EXTINF:([0-9.]+)", text)]
        if self.next_sequence is None:
            self.next_sequence = sequence
        if sequence > self.next_sequence:  # segments were missed: media time is not known any more
            self.ended.set()
            return
        fresh = durations[self.next_sequence - sequence:]
        for duration in fresh:
            if fast and len(fresh) == 1:
                self.listed.append((now, self.media_s, self.media_s + duration))
            self.media_s += duration
        self.next_sequence += len(fresh)

    def fast(self):
        self.interval = FAST_S

    def stop(self):
        self.ended.set()
        self.join()

    def delays_ms(self, keyframe_log):
        """(from a segment's first frame, from the key frame that closes it) to its being listed; two lists."""
        sent = {}
        for line in keyframe_log.splitlines():
            utc, media_ms = line.split()
            sent[int(media_ms)] = float(utc)
        first, last = [], []

        def near(media_s):  # durations are written with few digits
            at = min(sent, key=lambda ms: abs(ms - media_s * 1000), default=None)
            return sent[at] if at is not None and abs(at - media_s * 1000) < 100 else None
        for now, begin, end in self.listed:
            if (at := near(begin)) is not None:
                first.append((now - at) * 1000)
            if (at := near(end)) is not None:
                last.append((now - at) * 1000)
        return first, last
