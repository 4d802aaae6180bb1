# SPDX-License-Identifier: LGPL-2.1-or-later
"""A station that has streamed for two hours until now, written in seconds: each segment of 2 s is one picture, which shows
its number in bars, and so does its small picture."""
import contextlib
import subprocess
import tempfile

from media import MADE, made_once
from node import BUILD, EVENT, Node

SECONDS, SEGMENT_S = 7200, 2
SEGMENTS = SECONDS // SEGMENT_S
BARS, BAR_PX = 12, 8  # from left to right the bits of the number, the lowest first; white is one
_NUMBERS = (f"nullsrc=size={BARS * BAR_PX}x54:rate=1/{SEGMENT_S}:duration={SECONDS},"
            f"geq=lum='16+219*mod(floor(N/pow(2,floor(X/{BAR_PX}))),2)':cb=128:cr=128")
# Four pictures a second: a part of half a second has two.
_RATE, _GOP = 4, 4 * SEGMENT_S


def write(root, station):
    """The archive of such a station under `root`, which is there."""
    source = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"]
    video = made_once("dvr.mp4", *source, f"{_NUMBERS},fps={_RATE}", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "20",
                      "-pix_fmt", "yuv420p", "-bf", "0", "-g", _GOP, "-keyint_min", _GOP, "-sc_threshold", "0", MADE)
    pictures = made_once("dvr.mjpeg", *source, _NUMBERS, "-pix_fmt", "yuvj420p", "-q:v", "3", "-f", "mjpeg", MADE)
    subprocess.run([BUILD / "tests/tools/origin/make-dvr", str(root), str(EVENT), str(station), str(video), str(pictures)],
                   check=True, stdin=subprocess.DEVNULL, timeout=300)


@contextlib.contextmanager
def node_of(station, arguments=()):
    """A node that lists all of it, and what is to come, of a station that has just lost its network."""
    with tempfile.TemporaryDirectory(prefix="hg-", dir="/var/tmp") as root:
        write(root, station)
        with Node(data=root, arguments=["--window", "8000", "--playlist", "7500", *arguments]) as node:
            yield node
