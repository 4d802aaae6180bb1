#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SRT through a whole node: stock clients' transport streams are archived frame by frame and play, and deaths of
publishers, the gate and the supervisor are got over."""
import json
import os
import signal
import subprocess

import media
import tap
from hls import Watcher
from node import HEADGATE, SLOWNESS, Node, log_text, records, wait_until

SECONDS = 30
STATION = 421
# What a time may differ by: pictures keep the sender's, sound is counted in samples, which the sender's whole
# milliseconds are rounded from.
UNITS = {"video": 1 / 90000, "audio": 1 / 1000}


def srt_node():
    return Node(arguments=["--srt", "127.0.0.1:0"])


def srt_url(node, station, client=None):
    done = node.headgate("ticket", "issue", "--keys", str(node.keys), "--station", str(station), "--endpoint",
                         f"srt://{node.addresses['srt']}", "--format", "json")
    return next(one["url"] for one in json.loads(done.stdout)["publish"] if one.get("client") == client)


def transport_stream(seconds, kinds="av"):
    """A TS file of a clip, as ffmpeg makes and sends it."""
    return media.made_once(f"{kinds}-{seconds}.ts", "ffmpeg", "-v", "error", "-y", "-i", media.clip(seconds, kinds), "-c", "copy",
                           "-f", "mpegts", media.MADE)


# What srtsink has not sent when its input ends is lost, and it knows no linger: that end comes a moment late.
SRTSINK = """{ cat "$0"; sleep 1; } | exec gst-launch-1.0 -q -e fdsrc ! tsparse set-timestamps=true alignment=7 ! \\
  srtsink sync=true uri="$1" """


def ffmpeg(node, path, url, again=False):
    # Without linger it throws away what it has not sent yet when it ends.
    return media.Publisher(node, ["ffmpeg", "-nostdin", "-hide_banner", "-v", "info", "-nostats", "-re", "-i", path,
                                  "-c", "copy", "-f", "mpegts", url + "&linger=5"], again)


def link_of(node):
    return (node.stream(STATION)["health"] or {}).get("srt") or {}


def expect_archived(node, sent):
    runs = node.runs(STATION)
    assert len(runs) == 1, f"one session makes one run, not {len(runs)}"
    wait_until("the run is closed", lambda: records(runs[0], "end"))
    got = media.archived(runs)
    assert {kind: len(got[kind]) for kind in sent} == {kind: len(sent[kind]) for kind in sent}
    for kind in sent:
        media.expect_same_times(kind, sent[kind], got[kind], UNITS[kind])
    for path in media.media_files(runs[0]):
        media.expect_plays(path)
    report = node.check_archive()
    assert not report["notes"], f"a clean session leaves nothing to note: {json.dumps(report['notes'])}"


def client_sends(client, kinds):
    path = transport_stream(SECONDS, kinds)
    sent = {kind: found for kind, found in media.packets(path).items() if found}
    with srt_node() as node:
        if client == "ffmpeg":
            publisher = ffmpeg(node, path, srt_url(node, STATION))
        else:
            publisher = media.Publisher(node, ["sh", "-c", SRTSINK, path, srt_url(node, STATION, "gstreamer")])
        live = node.wait_media(STATION)
        assert live["protocol"] == "srt", live
        wait_until("the link is told", lambda: link_of(node).get("received-packets"))
        link = link_of(node)
        assert link["rtt-us"] > 0 and link["latency-ms"] >= 120 and link["received-bytes"] > link["received-packets"], link
        assert 0 <= link["dropped-share"] <= 1 and 0 <= link["lost-share"] <= 1, link
        assert (live["width"] is not None) == ("v" in kinds), live
        played = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", "-of", "json",
                                 f"http://{node.addresses['http']}/hls/{STATION}/index.m3u8"], capture_output=True,
                                text=True, timeout=60 * SLOWNESS, check=False)
        assert played.returncode == 0, played.stderr
        assert {one["codec_type"] for one in json.loads(played.stdout)["streams"]} == set(sent)
        publisher.finish(SECONDS + 20)
        node.wait_state(STATION, "waiting")  # SRT says no farewell: it may come back
        expect_archived(node, sent)
        assert node.stream(STATION)["sessions"] == 1


def test_ffmpeg():
    client_sends("ffmpeg", "av")


def test_video_alone():
    client_sends("ffmpeg", "v")


def test_audio_alone():
    client_sends("ffmpeg", "a")


def test_srtsink():
    client_sends("srtsink", "av")


def test_a_wrong_passphrase_costs_nobody_anything():
    path = transport_stream(SECONDS)
    with srt_node() as node:
        url = srt_url(node, STATION)
        publisher = ffmpeg(node, path, url)
        node.wait_state(STATION, "live")
        start, passphrase = url.split("passphrase=")
        thief = ffmpeg(node, path, f"{start}passphrase={passphrase[::-1].replace('=', 'x')}")
        assert thief.finish(20) != 0, "it was let in"
        wait_until("the refusal is told", lambda: "BAD-PASSPHRASE" in log_text(node))
        publisher.finish(SECONDS + 20)
        node.wait_state(STATION, "waiting")
        expect_archived(node, media.packets(path))


def test_a_crowd_from_one_process():
    stations = range(1, 21)
    with srt_node() as node:
        clip, result = node.folder / "low.flv", node.folder / "sent.json"
        node.headgate("load", "clip", "--low-rate", "--seconds", "8", str(clip))
        publisher = media.Publisher(node, [
            HEADGATE, "load", "publish", "--url", f"srt://{node.addresses['srt']}", "--keys", node.keys, "--stations",
            f"{stations[0]}-{stations[-1]}", "--clip", clip, "--duration", "12", "--json", result])
        assert publisher.finish(60) == 0, publisher.stderr()
        sent = json.loads(result.read_text())
        assert sent["sessions"] == sent["finished"] == len(stations), sent
        for one in sent["per_station"]:
            node.wait_state(one["station"], "waiting")
            runs = node.runs(one["station"])
            wait_until("the run is closed", lambda: records(runs[0], "end"))  # pylint: disable=cell-var-from-loop
            got = media.archived(runs)
            [session] = one["sessions"]
            assert (len(got["video"]), len(got["audio"])) == (session["video"], session["audio"]), (len(got["video"]), len(got["audio"]), one)
            # The clip begins anew after 8 s, without a seam.
            steps = {b[0] - a[0] for a, b in zip(got["video"], got["video"][1:])}
            assert max(steps) < 0.06, steps
        for path in media.media_files(node.runs(stations[0])[0]):
            media.expect_plays(path)
        report = node.check_archive()
        assert not report["notes"], f"clean sessions leave nothing to note: {json.dumps(report['notes'])}"


def test_deaths_of_publisher_gate_worker_and_supervisor():
    path = transport_stream(60)
    with srt_node() as node:
        publisher = ffmpeg(node, path, srt_url(node, STATION), again=True)
        watcher = Watcher(node, STATION)
        node.wait_media(STATION)
        listening = node.addresses

        def comes_back(what, sessions):
            wait_until(f"a session after {what}", lambda: node.stream(STATION)["sessions"] == sessions, 30)
            seen = len(watcher.seen)
            wait_until(f"segments after {what}", lambda: len(watcher.seen) > seen + 1, 30)

        publisher.cut()
        comes_back("the publisher's death", 2)
        [gate] = node.pids("gate")
        os.kill(gate, signal.SIGKILL)
        comes_back("the gate's death", 3)
        worker = next(one["worker"] for one in node.status()["sessions"] if one["station"] == STATION)
        os.kill(next(one["pid"] for one in node.status()["workers"] if one["worker"] == worker), signal.SIGKILL)
        comes_back("the worker's death", 4)
        # No session notices this one.
        node.supervisor.kill()
        node.supervisor.wait()
        node.start()
        assert node.addresses == listening
        seen = len(watcher.seen)
        wait_until("segments after the supervisor's death", lambda: len(watcher.seen) > seen + 1, 30)
        assert node.stream(STATION)["sessions"] == 4
        publisher.stop()
        watcher.wait()
        wait_until("all runs are closed", lambda: all(records(run, "end") for run in node.runs(STATION)))
        assert len(node.runs(STATION)) == 4
        node.check_archive()


if __name__ == "__main__":
    tap.run(globals())
