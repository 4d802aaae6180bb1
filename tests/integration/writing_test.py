#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A received media byte is written to disk once: what the kernel says all processes of a node wrote, against what
came in."""
import os
import time

import media
import tap
from hls import Watcher
from node import SOAK, Node, disk_bytes

SECONDS = 60 if SOAK else 20
STATION = 3
MOST = 1.05


def test_written_to_received_bytes():
    with Node() as node:
        if not on_disk(node.folder):
            raise tap.Skip(f"{node.folder} is not on a disk; HEADGATE_TEST_FOLDER names another place")
        media.ffmpeg(node, media.clip(60), node.url(STATION), loop=True)
        Watcher(node, STATION)
        node.wait_media(STATION, 2)
        pids = [process["pid"] for process in node.status()["processes"]]
        received, written = measure(node, pids)
        # The measurement's own length, not a wait for something.
        time.sleep(SECONDS)
        assert [process["pid"] for process in node.status()["processes"]] == pids, "a process was replaced meanwhile"
        received_then, written_then = measure(node, pids)
        received, written = received_then - received, {pid: written_then[pid] - written[pid] for pid in pids}
        rate = received * 8 / SECONDS / 1000
        assert 1000 < rate < 3000, f"the node counts {rate:.0f} kbit/s of a stream of about 1500"
        ratio = sum(written.values()) / received
        print(f"received {received} bytes in {SECONDS} s, written {sum(written.values())}: {ratio:.4f}; by process {written}")
        assert ratio <= MOST, f"{ratio:.3f} bytes are written per byte received"
        # Something must have been written at all, or nothing was measured.
        assert ratio > 0.9, f"{ratio:.3f}: is {node.folder} on a disk?"


def measure(node, pids):
    """(bytes received, {pid: bytes written})"""
    session = next(one for one in node.status()["sessions"] if one["station"] == STATION)
    return session["received_bytes"], {pid: disk_bytes(pid) for pid in pids}


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
