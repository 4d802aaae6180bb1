#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A phone on a bad network that loses its connection again and again: one stream, nothing that was received is missing,
the gaps are where they are said to be, and the player goes on.

--long: twenty reconnects and a minute at less than the stream's rate, instead of two and some seconds.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

LONG = "--long" in sys.argv or os.environ.get("HEADGATE_LONG") == "1"
sys.argv = [word for word in sys.argv if word != "--long"]

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import bad_link  # noqa: E402  pylint: disable=wrong-import-position
WHY_NOT = bad_link.enter()

from player import Player, wait_until  # noqa: E402  pylint: disable=wrong-import-position
from node import Node, records  # noqa: E402  pylint: disable=wrong-import-position
import media  # noqa: E402  pylint: disable=wrong-import-position
import tap  # noqa: E402  pylint: disable=wrong-import-position

STATION = 21
RECONNECTS = 20 if LONG else 2
STARVED_S = 60 if LONG else 5
LOSS, DELAY_S = 0.05, 0.15      # each way: 5 %, 300 ms there and back
STREAM_KBIT, STARVED_KBIT = 150, 100
CLIP_S = 300 if LONG else 120
FRAME_TICKS = 90000 // 25


def clip():
    """About STREAM_KBIT, a key frame a second, no two frames alike."""
    return media.made_once(
        f"thin-{CLIP_S}.flv", "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
        f"testsrc2=size=320x180:rate=25:duration={CLIP_S}", "-f", "lavfi", "-i", f"sine=sample_rate=44100:duration={CLIP_S}",
        "-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-bf", "2", "-b:v",
        "110k", "-maxrate", "110k", "-bufsize", "110k", "-c:a", "aac", "-b:a", "32k", "-ac", "1", "-f", "flv", media.MADE)


def frames(path):
    """{"video": [digest…], "audio": […]} of a file's packets."""
    done = subprocess.run(["ffprobe", "-v", "error", "-show_packets", "-show_data_hash", "sha256", "-show_entries",
                           "packet=codec_type,data_hash,size", "-of", "json", path], capture_output=True, check=True)
    found = {"video": [], "audio": []}
    for packet in json.loads(done.stdout)["packets"]:
        if packet["codec_type"] == "audio" or int(packet["size"]) > 5:  # FLV ends with a packet without a picture
            found[packet["codec_type"]].append(packet["data_hash"])
    return found


def archived(run):
    found = {"video": [], "audio": []}
    for path in media.media_files(run):
        for kind, digests in frames(path).items():
            found[kind] += digests
    return found


def received_frames(node):
    """What the sessions' sources counted as they came, oldest first: the worker's log."""
    out = []
    for line in (node.folder / "node.log").read_text(errors="replace").splitlines():
        if "session closed" in line and "video_frames=" in line:
            fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
            out.append({"video": int(fields["video_frames"]), "audio": int(fields["audio_frames"])})
    return out


def expect_gaps(runs):
    """Between each run and the next one is one gap, from where the media ended to where it begins again."""
    for before, after in zip(runs, runs[1:]):
        last = records(before, "frag")[-1]
        first = records(after, "frag")[0]
        told = records(after, "gap")
        assert len(told) == 1, f"{after.name}: {told}"
        assert told[0]["reason"] == "disconnect", told
        assert abs(told[0]["from_pts"] - (last["pts"] + last["dur"])) <= FRAME_TICKS, (told, last)
        assert abs(told[0]["to_pts"] - first["pts"]) <= FRAME_TICKS, (told, first)
        assert told[0]["to_pts"] > told[0]["from_pts"], told


def test_one_stream_through_reconnects_on_a_bad_network():
    if WHY_NOT:
        raise tap.Skip(WHY_NOT)
    path = clip()
    sent = frames(path)
    link = bad_link.BadLink()
    node = Node()
    node.addresses["rtmp"] = f"{link.HERE}:0"
    with node:
        command = ["ffmpeg", "-nostdin", "-v", "warning", "-re", "-i", path, "-c", "copy", "-f", "flv", node.url(STATION)]
        link.set(loss=LOSS, delay_s=DELAY_S, kbit=4 * STREAM_KBIT)
        publisher = media.Publisher(node, [*link.there, *command], again=True)
        player = Player(node, STATION)
        player.plays_on(3, "the stream begins", 90)
        for number in range(RECONNECTS):
            publisher.stop()
            # How long it is away is the test's subject: from at once to some seconds.
            time.sleep((number * 7 % 5) * 0.8)
            publisher = media.Publisher(node, [*link.there, *command], again=True)
            wait_until(f"session {number + 2} is recorded", lambda: len(node.runs(STATION)) == number + 2 and
                       records(node.runs(STATION)[-1], "frag"), 60)
        player.plays_on(3, "after the reconnects", 60)

        link.set(loss=LOSS, delay_s=DELAY_S, kbit=STARVED_KBIT)
        wait_until("the slow uplink is seen", lambda: (node.stream(STATION)["health"] or {}).get("late"), 60 + STARVED_S)
        time.sleep(STARVED_S)  # so long is the test's subject
        link.set(loss=0, delay_s=DELAY_S)
        wait_until("it has caught up", lambda: not node.stream(STATION)["health"]["late"], 60)
        player.plays_on(5, "after the slow minute", 60)
        assert player.now["fatal_errors"] == 0, player.now
        assert not player.now["errors"], player.now["errors"]
        publisher.stop()
        node.wait_state(STATION, "waiting", 30)
        listed = json.loads(node.get("/api/v1/streams")[1])["streams"]
        assert [one["station"] for one in listed] == [STATION], listed
        assert listed[0]["sessions"] == RECONNECTS + 1, listed
        runs = node.runs(STATION)
        assert len(runs) == RECONNECTS + 1
        received = received_frames(node)
        assert len(received) == len(runs), received
        for run, counted in zip(runs, received):
            got = archived(run)
            for kind, digests in got.items():
                assert digests == sent[kind][:len(digests)], f"{run.name}: not what was sent, in its order: {kind}"
                assert len(digests) == counted[kind], f"{run.name}: {counted[kind]} of {kind} came, {len(digests)} are there"
        expect_gaps(runs)
        node.check_archive()
        print(f"{sum(one['video'] for one in received)} pictures in {len(runs)} runs; packets lost there and back: "
              f"{link.up.lost} of {link.up.carried + link.up.lost}, {link.down.lost} of {link.down.carried + link.down.lost}",
              file=sys.stderr)
        link.stop()


if __name__ == "__main__":
    tap.run(globals())
