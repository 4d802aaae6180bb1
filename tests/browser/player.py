# SPDX-License-Identifier: LGPL-2.1-or-later
"""A player page of a real node, open in headless Chromium."""
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from node import SLOWNESS, wait_until  # noqa: E402  pylint: disable=wrong-import-position

JUMP_S = 1.5  # a larger step of the video's time is a jump, not playing


class Player:
    """Chromium on the page, or what else `command` plays; `now` is its last word, `played` and `stood` what it has done
    since mark()."""

    def __init__(self, node, station, command=None):
        self.artefacts = Path(os.environ.get("HEADGATE_ARTEFACTS", node.folder))
        self.artefacts.mkdir(parents=True, exist_ok=True)
        command = command or ["node", HERE / "play.mjs", node.page(f"/watch/{station}")]
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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

    def plays_on(self, seconds, what, within=30, pictures=True):
        """So many seconds are shown since mark(), with pictures, and nothing is said about trouble at the end."""
        self.mark()
        def done():
            assert self.process.poll() is None, "Chromium's driver ended"
            with self.lock:
                seen = self.now and (self.now["decoded"] > self.decoded_from or not pictures)
                return self.played >= seconds and seen and self.now["message"] is None
        try:
            wait_until(f"{what}: {seconds} s are played", done, within + seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.played:.1f} were, stood for {self.stood:.1f} s; last {self.now}") from None

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
