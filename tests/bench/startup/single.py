# SPDX-License-Identifier: LGPL-2.1-or-later
"""One session after another on a node that idles: from `publish` to the first segment's being listed."""

import datetime
import threading
import time

from bench import Publisher

POLL_S = 0.003
SESSION_S = 12     # at most, from connecting to the first segment's being listed
BETWEEN_S = 0.25   # not a whole number of the node's ticks


class FirstListed(threading.Thread):
    """When a station's playlist first lists anything."""

    def __init__(self, server, station):
        super().__init__(daemon=True)
        self.server, self.station = server, station
        self.at = None
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(POLL_S):
            text = self.server.playlist(self.station)
            if text and "#EXTINF:" in text:
                self.at = time.time()
                return

    def stop(self):
        self.ended.set()
        self.join()


def utc(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def worker_of(node, station):
    """(worker's number, UTC at which its process began) of a station's session; (None, None) without one."""
    number = next((one["worker"] for one in node["sessions"] if one["station"] == station), None)
    pid = next((one["pid"] for one in node["workers"] if one["worker"] == number), None)
    since = next((utc(one["since_utc"]) for one in node["processes"] if one["pid"] == pid), None)
    return number, since


class Session:
    """One publisher and what was seen of it."""

    def __init__(self, headgate, server, folder, clip, station, seconds):
        self.server, self.station = server, station
        self.listed = FirstListed(server, station)
        self.listed.start()
        self.publisher = Publisher(headgate, server, folder, clip, str(station), seconds, name=f"single-{station}")
        self.worker = self.since = None

    def wait_listed(self):
        self.listed.join(SESSION_S)
        self.worker, self.since = worker_of(self.server.node(), self.station)

    def finish(self):
        try:
            return self.row(self.publisher.finish())
        finally:
            self.kill()

    def kill(self):
        self.publisher.kill()
        self.listed.stop()

    def row(self, sent):
        """Times in ms; None: it did not happen."""
        keyframes = [float(line.split()[0]) for line in self.publisher.keyframes.read_text().splitlines()]
        row = {"part": "single", "station": self.station, "listed_ms": None, "beyond_gop_ms": None, "gop_ms": None,
               "accept_ms": sent["accept_ms"]["max"], "connect_ms": sent["connect_ms"]["max"], "worker": self.worker,
               "warm": None, "refused": sent["refused"], "dropped": sent["dropped"]}
        if self.listed.at is None or len(keyframes) < 2:
            return row
        # The first key frame goes out when `publish` has been answered.
        asked = keyframes[0] - sent["accept_ms"]["max"] / 1000
        row["gop_ms"] = (keyframes[1] - keyframes[0]) * 1000
        row["listed_ms"] = (self.listed.at - asked) * 1000
        row["beyond_gop_ms"] = row["listed_ms"] - row["gop_ms"]
        row["warm"] = self.since is not None and self.since < asked
        return row


def run_in_turn(headgate, server, folder, clip, sessions):
    """Each ends before the next begins."""
    for station in range(1, sessions + 1):
        session = Session(headgate, server, folder, clip, station, SESSION_S)
        try:
            session.wait_listed()
            yield session.finish()
        finally:
            session.kill()
        time.sleep(BETWEEN_S)


def run_staying(headgate, server, folder, clip, sessions):
    """All stay until the last one is listed: they fill worker after worker."""
    running = []
    try:
        for station in range(1, sessions + 1):
            running.append(Session(headgate, server, folder, clip, station, SESSION_S * sessions))
            running[-1].wait_listed()
        for session in running:
            yield {**session.finish(), "part": "filling"}
    finally:
        for session in running:
            session.kill()
