#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connection that carries less than what is sent: the smallest rendition and the sound go out as they come, everybody
is told, and the archive has all of it."""
import json
import select
import socket
import tempfile
import threading
import time
from urllib.parse import urlsplit

import media
import tap
from node import Node, wait_until

STATION = 14
SECONDS = 26  # of the clip, which is repeated
RUNGS = "240p@300k,144p@120k,audio@48k"
STARVED = 0.6  # of the stream's rate
TOLD_LATE, TOLD_GOOD = b"NetStream.Publish.InsufficientBW", b"NetStream.Publish.SufficientBW"


class NarrowLink:
    """A relay to a node's RTMP port that lets so many bytes a second through to it (None: all). `said` is what the node
    answered; with `mute`, the publisher is not told: a client that closes with something unread resets its connection."""

    STEP_S = 0.02
    ROOM = 64 * 1024  # of the sockets before it, or they would hold seconds

    def __init__(self, node):
        self.node = node
        self.rate = None
        self.said = b""
        self.mute = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.ROOM)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.stopping = threading.Event()
        node.helpers.append(self)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            if not select.select([self.listener], [], [], 0.2)[0]:
                continue
            publisher, _ = self.listener.accept()
            with publisher, self.node.rtmp_socket() as server:
                self._relay(publisher, server)

    def _relay(self, publisher, server):
        credit, last = 0.0, time.monotonic()
        while not self.stopping.is_set():
            now = time.monotonic()
            # What was not used is not kept.
            credit = self.ROOM if self.rate is None else min(credit + self.rate * (now - last), self.ROOM)
            last = now
            watched = [server, publisher] if credit >= 1 else [server]
            for ready in select.select(watched, [], [], self.STEP_S)[0]:
                data = ready.recv(self.ROOM if ready is server else int(credit))
                if not data:
                    return self._drain(publisher) if ready is server else None
                if ready is server:
                    self.said += data
                    if not self.mute:
                        publisher.sendall(data)
                else:
                    credit -= len(data)
                    server.sendall(data)

    def _drain(self, publisher):
        """What it has not read yet is not overtaken by a reset."""
        publisher.shutdown(socket.SHUT_WR)
        publisher.settimeout(10)
        while publisher.recv(self.ROOM):
            pass

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.listener.close()


def states(node):
    return {one["name"]: one["state"] for one in node.stream(STATION)["renditions"]}


def late(node):
    """The streams of the health that are late."""
    health = node.stream(STATION)["health"] or {}
    return [one for one in health.get("streams", []) if one.get("late")]


def paused_events(node):
    """Fields of the events that tell of it."""
    lines = node.headgate("events", "--data", str(node.data), "--kind", "rendition.paused", "--json").stdout.splitlines()
    return [json.loads(line)["fields"] for line in lines]


def test_a_starved_uplink():
    clip = media.clip(SECONDS)
    with tempfile.TemporaryDirectory() as folder, Node(arguments=["--pipeline", "event", "--workers", "2", "--set", f"rungs={RUNGS}"]) as node:
        link = NarrowLink(node)
        address = node.url(STATION).replace(urlsplit(node.url(STATION)).netloc.rpartition("@")[2], link.address)
        kept = f"{folder}/sent.flv"
        publisher = media.ffmpeg_kept(node, clip, address, kept)
        node.wait_media(STATION, 4.0, 60)
        wait_until("all renditions run", lambda: set(states(node).values()) == {"running"} and len(states(node)) == 3, 30)
        link.rate = clip.stat().st_size / SECONDS * STARVED
        found = wait_until("it is late", lambda: late(node), 60)
        assert all(one["lateness"] >= 1e9 and one["lates"] == 1 for one in found), found
        wait_until("since when is told", lambda: all(one["late-for"] > 1e9 for one in late(node) or [{"late-for": 0}]), 20)
        wait_until("the publisher is told", lambda: TOLD_LATE in link.said, 20)
        assert link.said.count(TOLD_LATE) == 1, "once, not with every frame"
        # The smallest pictures and the sound go on, listed as they come.
        wait_until("the larger rendition gives way", lambda: states(node).get("240p") == "paused", 20)
        assert states(node)["144p"] == "running" and states(node)["audio-48k"] == "running", states(node)
        told = wait_until("it is told", lambda: paused_events(node), 20)
        assert [(one["station"], one["rendition"], one["cause"]) for one in told] == [(STATION, "240p", "source")], told
        capacity = {one["measure"]: one for one in node.status()["capacity"]["measures"]}
        assert not capacity["encoding"]["full"], "a publisher's uplink is no reason to refuse others"
        for name in ("144p", "audio-48k"):
            status, before = node.get(f"/hls/{STATION}/{name}/media.m3u8")
            assert status == 200
            wait_until(f"{name} goes on", lambda name=name, before=before:
                       node.get(f"/hls/{STATION}/{name}/media.m3u8")[1] != before, 20)
        link.rate = None
        wait_until("it has caught up", lambda: not late(node), 60)
        wait_until("the publisher is told that it is good", lambda: TOLD_GOOD in link.said, 20)
        link.mute = True
        node.wait_media(STATION, node.stream(STATION)["duration_s"] + 2, 30)  # it has read what it was told
        publisher.leave(60)
        node.wait_state(STATION, "ended", 30)
        # Not one frame is missing.
        run, = node.runs(STATION)
        got, sent = media.archived([run]), media.packets(kept)
        assert sent["video"] and sent["audio"]
        for kind in ("video", "audio"):
            assert len(got[kind]) == len(sent[kind]), f"{kind}: {len(got[kind])} of {len(sent[kind])}"
        node.check_archive()


if __name__ == "__main__":
    tap.run(globals())
