#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A full disk: new publishers are refused with a reason, running ones go on with a recorded gap, nothing that was
written is touched, and it is over when there is space again."""
import errno
import hashlib
import os
import subprocess

import media
import tap
from node import SLOWNESS, Node, log_text, records, wait_until
from volume import MemoryVolume

VOLUME_MIB = 640
PIECE, PAGE = 16 << 20, 4096


class SmallVolume(MemoryVolume):
    """One that can be filled up."""

    def fill(self):
        """Takes what is free: what the node frees afterwards (its reserve, for chains) is the node's. Piece by piece: what does not
        fit is given back, and a large piece would be room enough for a run."""
        taken, piece = 0, PIECE
        with open(self.path / "ballast", "wb") as ballast:
            while piece >= PAGE and (free := self.free()) > 0:
                try:
                    os.posix_fallocate(ballast.fileno(), taken, min(piece, free))
                    taken += min(piece, free)
                except OSError as problem:  # somebody has written meanwhile
                    if problem.errno != errno.ENOSPC:
                        raise
                    piece //= 2

    def relieve(self):
        (self.path / "ballast").unlink()


def digests(run):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in run.glob("*.mp4")}


def test_a_full_disk():
    with SmallVolume(VOLUME_MIB) as volume, Node(data=volume.path / "data", arguments=["--workers", "3", "--capacity", "2"]) as node:
        before = media.ffmpeg(node, media.clip(5), node.url(1))
        before.finish(30)
        node.wait_state(1, "ended")
        closed = digests(node.runs(1)[0])
        assert closed

        running = media.ffmpeg(node, media.clip(60), node.url(2), loop=True, again=True)
        node.wait_media(2, 2)
        workers = len(node.pids("worker"))
        volume.fill()
        wait_until("the running stream is told", lambda: "archive is full" in log_text(node), 30)
        wait_until("no worker takes sessions", lambda: log_text(node).count("takes no sessions") >= workers, 10)
        assert node.status()["space"]["state"] == "full", node.status()["space"]
        assert len(node.pids("worker")) == workers, "more workers were started, for the same disk"
        assert running.started == 1, "the running publisher was thrown out"

        refused = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-re", "-i", media.clip(5), "-c", "copy", "-f", "flv",
                                  node.url(3)], env=node.client_env, capture_output=True, text=True, timeout=30 * SLOWNESS, check=False)
        assert refused.returncode != 0 and "disk is full" in refused.stderr, refused.stderr
        assert not node.runs(3)

        volume.relieve()
        grown = node.stream(2)["duration_s"]
        wait_until("the running stream is archived again", lambda: node.stream(2)["duration_s"] > grown + 2, 30)
        assert running.started == 1
        # A gap is written down when it is over: only then is its length known.
        (gap,) = [gap for run in node.runs(2) for gap in records(run, "gap")]
        assert gap["reason"] == "disk_full" and gap["ms"] > 500, gap
        late = media.ffmpeg(node, media.clip(5), node.url(3))
        node.wait_state(3, "live", 20)
        late.finish(30)
        running.stop()
        wait_until("the runs are closed", lambda: all(records(run, "end") for station in (2, 3) for run in node.runs(station)))
        assert digests(node.runs(1)[0]) == closed, "what was written was touched"
        node.check_archive()


if __name__ == "__main__":
    tap.run(globals())
