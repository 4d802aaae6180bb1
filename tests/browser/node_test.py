#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The player page of a real node goes on through whatever ends: publisher, worker, supervisor, origin."""
import subprocess
import time

from player import HERE, SLOWNESS, Player, wait_until  # which finds the modules of tests/integration
from node import TOP, Node
import media
import tap

STATION = 12
CUT_S = 5


def publish(node):
    return media.ffmpeg(node, media.clip(60), node.url(STATION), loop=True, again=True)


def test_the_page_plays_through_everything():
    with Node() as node:
        player = Player(node, STATION)
        wait_until("the page says that there is no stream yet", lambda: player.now and "not streamed yet" in (player.now["message"] or ""), 30)
        publisher = publish(node)
        player.plays_on(5, "the stream begins", 45)
        player.picture("node-live")

        player.mark()
        node.kill("supervisor")
        node.start()
        player.plays_on(8, "the supervisor is back")
        assert player.stood < 1.5 * SLOWNESS, f"the picture stood still for {player.stood:.1f} s"

        player.mark()
        node.kill("origin")
        wait_until("the origin is back", node.healthy, 2)
        player.plays_on(8, "the origin is back")
        assert player.stood < 1.5 * SLOWNESS, f"the picture stood still for {player.stood:.1f} s"

        publisher.stop()
        wait_until("the page says that the publisher is away", lambda: "publisher is away" in (player.now["message"] or ""))
        # The length of the cut is the test's subject.
        time.sleep(CUT_S)
        player.picture("node-waiting")
        publisher = publish(node)
        player.mark()
        player.plays_on(5, "the publisher is back")

        node.kill("worker")
        wait_until("the publisher is back", lambda: len(node.runs(STATION)) == 3, 30)
        player.mark()
        player.plays_on(5, "the worker is replaced", 45)
        player.picture("node-end")
        assert not player.now["errors"], player.now["errors"]
        assert node.stream(STATION)["sessions"] >= 3


def test_the_demo_checks_itself():
    """tools/demo's own check, on a node of ours: the synthetic phone's clock is read from the picture."""
    with Node() as node:
        phone = media.Publisher(node, [TOP / "tools/phone", node.url(STATION)])
        node.wait_state(STATION, "live", 30)
        done = subprocess.run(["node", HERE / "watch.mjs", node.page(f"/watch/{STATION}"), "8"], text=True,
                              capture_output=True, timeout=120 * SLOWNESS, check=False)
        print(done.stdout, done.stderr)
        assert done.returncode == 0, done.stderr
        phone.process.terminate()
        phone.finish(15)
        node.wait_state(STATION, "ended")


if __name__ == "__main__":
    tap.run(globals())
