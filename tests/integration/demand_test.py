#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node as it is by default: each station's rungs are listed, and encoded while somebody asks, as many as there is room
for. Whoever asks for more is told so, and streams go on."""
import http.client
import time

import media
import tap
from hls import Watcher
from node import Node, SLOWNESS, wait_until

HONEST, OTHER = 8, 9
RUNGS = ("240p", "144p")
# 360p25 that is decoded counts 1.4, 240p 2.6 and 144p 0.9: the rungs of one stream, and not of two.
MEGA_PIXELS = 5
IDLE_S = 4


def asked(node, station, rung):
    """Status of a rung's playlist, and its Retry-After."""
    host, port = node.addresses["http"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20 * SLOWNESS)
    try:
        connection.request("GET", f"/hls/{station}/{rung}/media.m3u8")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Retry-After")
    finally:
        connection.close()


def encoded(node, rung):
    return list((node.data / "derived" / rung).rglob("*.mp4*"))


def test_stations_have_rungs_that_nobody_makes():
    with Node(arguments=["--workers", "1"], as_it_is=True) as node:
        media.ffmpeg(node, media.clip(60), node.url(HONEST))
        node.wait_media(HONEST, 3.0)
        listed = node.get(f"/hls/{HONEST}/index.m3u8")[1].decode()
        # 480p is more than the 360 lines that are sent.
        assert "\n240p/media.m3u8\n" in listed and "480p" not in listed, listed
        assert node.status()["rungs"]["running"] == 0 and not (node.data / "derived").exists()
        status, playlist, _ = asked(node, HONEST, "240p")
        assert status == 200 and ".m4s" in playlist, playlist


def test_a_stranger_asks_for_everything():
    with Node(arguments=["--workers", "1", "--rung-mpixels", str(MEGA_PIXELS), "--set", "offered-rungs=240p@300k,144p@120k",
                         "--set", f"rung-idle-s={IDLE_S}"]) as node:
        publishers = [media.ffmpeg(node, media.clip(60), node.url(station)) for station in (HONEST, OTHER)]
        for station in (HONEST, OTHER):
            node.wait_media(station, 3.0)
        listed = node.get(f"/hls/{HONEST}/index.m3u8")[1].decode()
        assert all(f"\n{uri}\n" in listed for uri in ("video.m3u8", "240p/media.m3u8", "144p/media.m3u8")), listed
        assert node.status()["rungs"]["running"] == 0 and not (node.data / "derived").exists(), "nobody has asked"
        watchers = [Watcher(node, station) for station in (HONEST, OTHER)]
        # He begins with what is archived already, and waits for no key frame.
        began = time.monotonic()
        status, playlist, _ = asked(node, OTHER, "240p")
        print(f"# a rung is there after {time.monotonic() - began:.2f} s")
        assert status == 200 and (".m4s" in playlist), playlist
        for _ in range(3):
            for rung in RUNGS:
                status, body, retry = asked(node, HONEST, rung)
                assert status == 503 and int(retry) > 0 and "The stream goes on" in body, (status, body)
            assert asked(node, OTHER, "240p")[0] == 200
        rungs = node.status()["rungs"]
        assert rungs["running"] == 1 and rungs["refused"] == 6 and rungs["mpixels"] <= MEGA_PIXELS, rungs
        assert not encoded(node, "144p")
        # Nobody asks any more: it stops, and there is room for the other one.
        wait_until("it stops", lambda: node.status()["rungs"]["running"] == 0, 60)
        wait_until("the other one is encoded", lambda: asked(node, HONEST, "144p")[0] == 200, 30)
        for watcher, publisher in zip(watchers, publishers):
            watcher.wait()
            assert not watcher.problems and not watcher.discontinuities(), watcher.problems
            assert publisher.running(), publisher.stderr()
        assert len(node.runs(HONEST)) == 1 and len(node.runs(OTHER)) == 1


if __name__ == "__main__":
    tap.run(globals())
