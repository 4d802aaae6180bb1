#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A received media byte is written to disk once: what the kernel says all processes of a node wrote, against what
came in."""
import os
import signal
import time

import media
import tap
from hls import Watcher
from node import Node, disk_bytes, records, wait_until
from volume import DiskVolume

SECONDS = 60
STATION = 3
MOST = 1.05
VOLUME_MIB = 1024
STILL_S = 2  # counters are told once a second


def test_written_to_received_bytes():
    with DiskVolume(VOLUME_MIB) as volume, Node(data=volume.path / "data") as node:
        if not on_disk(volume.path):
            raise tap.Skip("the kernel does not account for what is written here")
        pids = [process["pid"] for process in node.status()["processes"]]
        before = {pid: disk_bytes(pid) for pid in pids}
        publisher = media.ffmpeg(node, media.clip(60), node.url(STATION), loop=True)
        Watcher(node, STATION)
        node.wait_media(STATION, SECONDS, SECONDS + 30)
        # A whole session is measured, so that nothing is under way at either end: the publisher pauses until all it
        # sent is counted, then goes.
        publisher.process.send_signal(signal.SIGSTOP)
        received = settled(lambda: received_bytes(node))
        publisher.cut()
        (run,) = node.runs(STATION)
        wait_until("the run is closed", lambda: records(run, "end"))
        assert [process["pid"] for process in node.status()["processes"]] == pids, "a process was replaced meanwhile"
        written = {pid: disk_bytes(pid) - before[pid] for pid in pids}
        ratio = sum(written.values()) / received
        print(f"received {received} bytes, written {sum(written.values())}: {ratio:.4f}; by process {written}")
        rate = received * 8 / SECONDS / 1000
        assert 1000 < rate < 3000, f"the node counts {rate:.0f} kbit/s of a stream of about 1500"
        # Pages that somebody else's sync wrote half full are written again: only a low figure says something there.
        if volume.shared and ratio > MOST:
            raise tap.Skip(f"{ratio:.3f} bytes are written per byte received, in a folder that others sync too")
        assert ratio <= MOST, f"{ratio:.3f} bytes are written per byte received"
        # Something must have been written at all, or nothing was measured.
        assert ratio > 0.9, f"{ratio:.3f}: not all of it was measured"


def received_bytes(node):
    return next(one["received_bytes"] for one in node.status()["sessions"] if one["station"] == STATION)


def settled(measure):
    """A counter's value once it has stood still for longer than it takes to be told."""
    last = [measure(), time.monotonic()]

    def still():
        now = measure()
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > STILL_S
    wait_until("the counter stands still", still, 10)
    return last[0]


def on_disk(folder):
    """Whether the kernel accounts for what is written there: memory file systems are free."""
    probe, size = folder / "probe", 1 << 20
    before = disk_bytes(os.getpid())
    probe.write_bytes(b"x" * size)
    grown = disk_bytes(os.getpid()) - before
    probe.unlink()
    return grown >= size


if __name__ == "__main__":
    tap.run(globals())
