#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate check on a node's own streams: through a reconnect it finds nothing."""
import json
import subprocess

import media
import tap
from node import HEADGATE, SLOWNESS, Node, wait_until

STATION = 66
SECONDS = 24
# How soon something comes is measured elsewhere, on a machine that does nothing else.
LATE = {"part-late", "stalled"}


class Check:
    """`headgate check` under way; end() returns its result."""

    def __init__(self, node, standard, path, seconds):
        self.process = subprocess.Popen(
            [HEADGATE, "check", standard, node.page(path), "--duration", str(seconds), "--json"], env=node.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        node.helpers.append(self)

    def end(self):
        out, said = self.process.communicate(timeout=(SECONDS + 60) * SLOWNESS)
        assert self.process.returncode in (0, 1), f"{self.process.returncode}: {said}"
        return self.process.returncode, json.loads(out)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def expect_nothing(code, result):
    found = [one for one in result["findings"] if one["severity"] != "note" and one["rule"] not in LATE]
    assert not found, "\n".join(json.dumps(one) for one in found)
    assert code == (1 if result["errors"] + result["warnings"] else 0), code
    for playlist in result["playlists"]:
        assert playlist["segments"] >= 3, f"hardly anything was looked at: {playlist}"


def through_a_reconnect(standard, path):
    # Another half minute is in the clip, so that what is sent again is no loop of it.
    clip = media.clip(60)
    with Node() as node:
        publisher = media.ffmpeg(node, clip, node.url(STATION), again=True)
        node.wait_media(STATION, 3.0)
        check = Check(node, standard, path, SECONDS)
        node.wait_media(STATION, SECONDS / 2, within=40)
        publisher.cut()
        wait_until("it has come back", lambda: node.stream(STATION)["sessions"] == 2, 20)
        expect_nothing(*check.end())


def test_hls_through_a_reconnect():
    through_a_reconnect("hls", f"/hls/{STATION}/index.m3u8")


def test_dash_through_a_reconnect():
    through_a_reconnect("dash", f"/dash/{STATION}/manifest.mpd")


def test_a_recording():
    with Node() as node:
        publisher = media.ffmpeg(node, media.clip(8), node.url(STATION))
        node.wait_media(STATION)
        publisher.finish(40)
        node.wait_state(STATION, "ended", 30)
        code, result = Check(node, "hls", f"/hls/{STATION}/replay.m3u8", 60).end()
        expect_nothing(code, result)
        assert result["seconds"] < 30 * SLOWNESS and result["playlists"][0]["ended"], result


if __name__ == "__main__":
    tap.run(globals())
