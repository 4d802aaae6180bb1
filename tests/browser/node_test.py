#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The player page of a real node goes on through whatever ends: publisher, worker, supervisor, origin."""
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from node import SLOWNESS, TOP, Node, wait_until  # noqa: E402  pylint: disable=wrong-import-position
import media  # noqa: E402  pylint: disable=wrong-import-position
import tap  # noqa: E402  pylint: disable=wrong-import-position

STATION = 12
CUT_S = 5
JUMP_S = 1.5  # a larger step of the video's time is a jump, not playing


class Player:
    """Chromium on the page; `now` is its last word, `played` and `stood` what it has done since mark()."""

    def __init__(self, node, station):
        self.artefacts = Path(os.environ.get("HEADGATE_ARTEFACTS", node.folder))
        self.artefacts.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(["node", HERE / "play.mjs", node.page(f"/watch/{station}")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        node.helpers.append(self)
        self.now = None
        self.lock = threading.Lock()
        self._mark()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _mark(self):
        self.played = self.stood = 0.0
        self.decoded_from = self.now["decoded"] if self.now else 0
        self.moved_at = time.monotonic()

    def mark(self):
        with self.lock:
            self._mark()

    def _listen(self):
        for line in self.process.stdout:
            now = json.loads(line)
            with self.lock:
                step = now["time"] - self.now["time"] if self.now else 0
                if 0 < step < JUMP_S:
                    self.played += step
                if step:
                    self.moved_at = time.monotonic()
                self.stood = max(self.stood, time.monotonic() - self.moved_at)
                self.now = now

    def plays_on(self, seconds, what, within=30):
        """So many seconds are shown since mark(), with pictures, and nothing is said about trouble at the end."""
        self.mark()
        def done():
            assert self.process.poll() is None, "Chromium's driver ended"
            with self.lock:
                return self.played >= seconds and self.now["decoded"] > self.decoded_from and self.now["message"] is None
        wait_until(f"{what}: {seconds} s are played; last {self.now}", done, within + seconds)

    def picture(self, name):
        self.process.stdin.write(f"{self.artefacts / name}.png\n")
        self.process.stdin.flush()

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=20 * SLOWNESS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.thread.join()


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
