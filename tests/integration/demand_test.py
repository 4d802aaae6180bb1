#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node as it is by default: each station's rungs are listed, and encoded while somebody asks, as many as there is room
for. Whoever asks for more is told so, and streams go on."""
import contextlib
import http.client
import json
import subprocess
import time

import media
import tap
from hls import Watcher
from node import Node, SLOWNESS, wait_until
from waiting import PATIENCE_S

HONEST, OTHER = 8, 9
RUNGS = ("240p", "144p")
# 360p25 that is decoded counts 1.4, 240p 2.6 and 144p 0.9: the rungs of one stream, and not of two.
MEGA_PIXELS = 5
SOON_S, LATE_S = 4, 600  # until one that nobody asks for stops: while the test waits for it, and not before its end


def asked(node, station, rung):
    """Status of a rung's playlist, and its Retry-After."""
    host, port = node.addresses["http"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S * SLOWNESS)
    try:
        connection.request("GET", f"/hls/{station}/{rung}/media.m3u8")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Retry-After")
    finally:
        connection.close()


def poster(node, station):
    """Its size, as ffprobe reads it."""
    status, jpeg = node.get(f"/hls/{station}/poster.jpg")
    assert status == 200, (status, jpeg[:200])
    read = subprocess.run(["ffprobe", "-v", "error", "-f", "jpeg_pipe", "-show_entries", "stream=width,height", "-of", "json", "-"],
                          input=jpeg, capture_output=True, check=True)
    assert not read.stderr, read.stderr
    stream = json.loads(read.stdout)["streams"][0]
    return stream["width"], stream["height"]


def wait_encoded(node, station, rung):
    """Its playlist. Who asks is told to come again when a rung has not begun within 15 s."""
    def there():
        status, playlist, _ = asked(node, station, rung)
        return playlist if status == 200 else None
    return wait_until(f"{rung} of station {station} is there", there)


def encoded(node, rung):
    return list((node.data / "derived" / rung).rglob("*.mp4*"))


@contextlib.contextmanager
def two_stations(idle_s):
    """A node with room for the rungs of one stream, and two that are watched to the end and must not notice anything."""
    with Node(arguments=["--workers", "1", "--rung-mpixels", str(MEGA_PIXELS), "--set", "offered-rungs=240p@300k,144p@120k",
                         "--set", f"rung-idle-s={idle_s}"]) as node:
        publishers = [media.ffmpeg(node, media.clip(60), node.url(station), loop=True) for station in (HONEST, OTHER)]
        for station in (HONEST, OTHER):
            node.wait_media(station, 3.0)
        watchers = [Watcher(node, station) for station in (HONEST, OTHER)]
        yield node
        for watcher, publisher in zip(watchers, publishers):
            watcher.wait()
            assert not watcher.discontinuities(), watcher.discontinuities()
            assert publisher.running(), publisher.stderr()
        assert len(node.runs(HONEST)) == 1 and len(node.runs(OTHER)) == 1


def test_stations_have_rungs_that_nobody_makes():
    with Node(arguments=["--workers", "1"], as_it_is=True) as node:
        media.ffmpeg(node, media.clip(60), node.url(HONEST))
        node.wait_media(HONEST, 3.0)
        listed = node.get(f"/hls/{HONEST}/index.m3u8")[1].decode()
        # 480p is more than the 360 lines that are sent.
        assert "\n240p/media.m3u8\n" in listed and "480p" not in listed, listed
        # Its picture in lists is made for who asks, and no rung for that.
        assert node.stream(HONEST)["poster"], node.stream(HONEST)
        pictures = [poster(node, HONEST) for _ in range(2)]
        assert pictures[0] == pictures[1] == (320, 180), pictures
        assert node.status()["rungs"]["running"] == 0 and not (node.data / "derived").exists()
        assert ".m4s" in wait_encoded(node, HONEST, "240p")


def test_a_stranger_asks_for_everything():
    with two_stations(LATE_S) as node:
        listed = node.get(f"/hls/{HONEST}/index.m3u8")[1].decode()
        assert all(f"\n{uri}\n" in listed for uri in ("video.m3u8", "240p/media.m3u8", "144p/media.m3u8")), listed
        assert node.status()["rungs"]["running"] == 0 and not (node.data / "derived").exists(), "nobody has asked"
        # He begins with what is archived already, and waits for no key frame.
        began = time.monotonic()
        assert ".m4s" in wait_encoded(node, OTHER, "240p")
        print(f"# a rung is there after {time.monotonic() - began:.2f} s")
        before = node.status()["rungs"]
        for _ in range(3):
            for rung in RUNGS:
                status, body, retry = asked(node, HONEST, rung)
                assert status == 503 and int(retry) > 0 and "The stream goes on" in body, (status, body)
            assert asked(node, OTHER, "240p")[0] == 200
        rungs = node.status()["rungs"]
        # A machine with other work may have paused it meanwhile; it keeps its place.
        assert rungs["running"] + rungs["paused"] == 1 and rungs["refused"] - before["refused"] == 6, rungs
        assert rungs["mpixels"] <= MEGA_PIXELS, rungs
        assert not encoded(node, "144p")


def test_one_that_nobody_asks_for_makes_room():
    with two_stations(SOON_S) as node:
        wait_encoded(node, OTHER, "240p")
        wait_until("it stops", lambda: node.status()["rungs"]["running"] + node.status()["rungs"]["paused"] == 0)
        wait_encoded(node, HONEST, "144p")


if __name__ == "__main__":
    tap.run(globals())
