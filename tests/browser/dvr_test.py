#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hours back in Chromium: a real node with the archive of a station that has streamed for so long and goes on. The
page's seek bar has thumbnails over all of it; hls.js keeps up by delta updates, and shows I-frames that it asks for by
byte range."""
import os
import subprocess

from player import HERE, SLOWNESS, wait_until  # which finds the modules of tests/integration
import dvr
import media
import tap

STATION = 31


def test_two_hours():
    with dvr.node_of(STATION) as node:
        media.ffmpeg(node, media.clip(20, "v"), node.url(STATION), loop=True)  # as the archive, without sound
        wait_until("it goes on", lambda: len(node.runs(STATION)) == 2 and node.stream(STATION)["state"] == "live", 60)
        artefacts = os.environ.get("HEADGATE_ARTEFACTS")
        picture = [os.path.join(artefacts, "dvr.png")] if artefacts else []
        if artefacts:
            os.makedirs(artefacts, exist_ok=True)
        done = subprocess.run(["node", HERE / "dvr.mjs", node.page(""), str(STATION), str(dvr.SEGMENTS), *picture],
                              capture_output=True, text=True, timeout=300 * SLOWNESS, check=False, stdin=subprocess.DEVNULL)
        print(done.stdout, flush=True)
        assert done.returncode == 0, done.stderr
        for package in ("dashjs", "shaka-player"):
            if not (HERE / "node_modules" / package).is_dir():
                raise tap.Skip(f"no {package}; run tools/setup browser")
        done = subprocess.run(["node", HERE / "thumbnails.mjs", node.page(""), str(STATION)], capture_output=True, text=True,
                              timeout=200 * SLOWNESS, check=False, stdin=subprocess.DEVNULL)
        print(done.stdout, flush=True)
        assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    tap.run(globals())
