#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock clients with a ticket: what they send is what the archive has, packet by packet."""
import json

import media
import tap
from node import Node, log_text, records, wait_until

SECONDS = 30
# What a time may differ by. Pictures keep the sender's, in the archive's own unit. Sound is counted in samples, which
# the sender's whole milliseconds are rounded from: one unit of the sender.
UNITS = {"video": 1 / 90000, "audio": 1 / 1000}
STATION = 421


def expect_archived(node, station, sent, kinds):
    """Everything of `sent` is in the station's runs, with the sender's times; every file plays by itself."""
    runs = node.runs(station)
    assert len(runs) == 1, f"one session makes one run, not {len(runs)}"
    wait_until("the run is closed", lambda: records(runs[0], "end"))
    got = media.archived(runs)
    for kind in ("video", "audio"):
        if kind[0] not in kinds:
            assert not got[kind], f"{len(got[kind])} {kind} packets came out of nowhere"
            continue
        assert len(got[kind]) == len(sent[kind]), f"{len(sent[kind])} {kind} packets were sent, {len(got[kind])} archived"
        media.expect_same_times(kind, sent[kind], got[kind], UNITS[kind])
    if "v" in kinds:
        keys = [[number for number, packet in enumerate(track["video"]) if packet[2]] for track in (sent, got)]
        assert keys[0] == keys[1], f"key frames are {keys[1]}, sent were {keys[0]}"
    for path in media.media_files(runs[0]):
        media.expect_plays(path)
    assert not list(runs[0].glob("*.part")), "a closed run has an open file"
    report = node.check_archive()
    assert not report["notes"], f"a clean session leaves nothing to note: {json.dumps(report['notes'])}"


def client_sends(client, kinds):
    path, sent = media.prepare(client, SECONDS, kinds)
    with Node() as node:
        publisher = media.send(node, client, path, kinds, STATION)
        live = node.wait_media(STATION)
        assert (live["width"] is not None) == ("v" in kinds), live
        assert ("mp4a" in live["codecs"]) == ("a" in kinds), live
        code = publisher.finish(SECONDS + 20)
        assert code == 0, f"{client} ended with {code}: {publisher.stderr()}"
        node.wait_state(STATION, "ended")
        expect_archived(node, STATION, sent, kinds)
        assert node.stream(STATION)["sessions"] == 1
        assert "linking failed" not in log_text(node), "what the publisher does not send is complained about"


def test_ffmpeg():
    client_sends("ffmpeg", "av")


def test_rtmp2sink():
    client_sends("rtmp2sink", "av")


def test_rtmpsink():
    client_sends("rtmpsink", "av")


def test_video_alone():
    client_sends("ffmpeg", "v")


def test_audio_alone():
    client_sends("ffmpeg", "a")


def test_two_stations_do_not_mix():
    path = media.clip(5)
    sent = media.packets(path)
    with Node() as node:
        publishers = [media.ffmpeg(node, path, node.url(station)) for station in (1, 257)]
        for publisher in publishers:
            assert publisher.finish(30) == 0, publisher.stderr()
        for station in (1, 257):
            node.wait_state(station, "ended")
            expect_archived(node, station, sent, "av")


if __name__ == "__main__":
    tap.run(globals())
