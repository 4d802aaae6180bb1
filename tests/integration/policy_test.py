#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a node does by itself: about input that ends its workers, threads that do not come back, a machine without room,
and a clock that is stepped."""
import json
import mmap
import os
import re
import signal
import struct
import subprocess
from pathlib import Path

import media
import tap
from node import BUILD, SLOWNESS, TOP, Node, log_text, records, wait_until

NEIGHBOURS = 20
BAD = 50
OWN = 9000  # number of the first station's own worker
LONG_S = 120  # of a busy machine
POISON, SPIN, LEAK = "headgate-poison", "headgate-spin", "headgate-leak"


def pipelines(node, change):
    """The node's own, with a station that `change` has made another."""
    folder = node.folder / "pipelines"
    folder.mkdir()
    station = json.loads((TOP / "pipelines/station.json").read_text())
    change(station)
    (folder / "station.json").write_text(json.dumps(station))
    return str(folder)


def tasting(station):
    station["elements"] = [line.replace("probe.src_0 ! archive.video", "probe.src_0 ! poisontaster ! archive.video")
                           for line in station["elements"]]
    assert "poisontaster" in json.dumps(station)


class TastingNode(Node):
    def __init__(self, arguments=()):
        super().__init__(arguments=arguments)
        self.arguments += ["--pipelines", pipelines(self, tasting)]
        self.env["GST_PLUGIN_PATH"] += f":{BUILD / 'tests/plugins'}"


def looking(station):
    station["health"] = {"content": "500ms", "content-budget": 1000, "frame-rate": 1000}


class DecodingNode(Node):
    """Its decoders do not survive everything."""

    def __init__(self, arguments=(), change=None):
        super().__init__(arguments=["--workers", "1", "--max-workers", "1", *arguments])
        if change:
            self.arguments += ["--pipelines", pipelines(self, change)]
        self.env["LD_PRELOAD"] = str(BUILD / "tests/headgate-poisoned-decoder.so")


def marked(mark):
    """A clip of pictures that all have the mark in them (H.264, supplemental enhancement information)."""
    return media.made_once("marked.flv", "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                           "testsrc2=size=160x120:rate=25:duration=20", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25",
                           "-bsf:v", f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{mark}",
                           "-f", "flv", media.MADE)


def send_marked(node, mark, again=False):
    return media.Publisher(node, ["ffmpeg", "-nostdin", "-hide_banner", "-re", "-i", marked(mark), "-c", "copy", "-f", "flv",
                                  node.url(BAD)], again=again)


def publish_neighbours(node, seconds=180, count=NEIGHBOURS):
    """Small streams of stations 1 to `count`, which come back when they are cut."""
    clip = media.made_once("small.flv", BUILD / "tools/headgate/headgate", "load", "clip", "--low-rate", media.MADE)
    log = open(node.folder / "load.log", "wb")
    load = subprocess.Popen([BUILD / "tools/headgate/headgate", "load", "publish", "--url", f"rtmp://{node.addresses['rtmp']}/lt",
                             "--keys", node.keys, "--stations", f"1-{count}", "--clip", clip, "--duration", str(seconds)],
                            env=node.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    log.close()

    class Helper:
        @staticmethod
        def stop():
            if load.poll() is None:
                load.terminate()
            load.wait()
    node.helpers.append(Helper)
    return load


def told_of_health(node, condition):
    """Stations of which events tell that it began."""
    told = node.headgate("events", "--data", str(node.data), "--kind", "stream.health", "--json").stdout.splitlines()
    return {one["station"] for one in (json.loads(line)["fields"] for line in told) if condition in one["began"]}


def lines_of(node, text):
    """Of the log, and the fields that stand behind them."""
    return [one for one in log_text(node).splitlines() if text in one]


def live(node):
    return [one["station"] for one in json.loads(node.get("/api/v1/streams")[1])["streams"] if one["state"] == "live"]


def quarantine(node):
    """None: the node does not say."""
    return (node.status_or_none() or {}).get("quarantine")


def is_refused(node):
    return any(one["station"] == BAD and one["state"] == "refused" for one in quarantine(node) or [])


def has_own_deaths(node, count):
    return log_text(node).count(f"worker-{OWN} killed by signal") >= count


def test_what_ends_workers_does_not_take_its_neighbours_with_it():
    with TastingNode(["--workers", "1", "--max-workers", "1"]) as node:
        publish_neighbours(node)
        wait_until("the neighbours stream", lambda: len(live(node)) == NEIGHBOURS, LONG_S)
        bad = send_marked(node, POISON, again=True)
        (entry,) = wait_until("the station is in quarantine", lambda: quarantine(node), LONG_S)
        assert entry["station"] == BAD and entry["worker"] == OWN, entry
        assert log_text(node).count("worker-0 killed by signal") == 2, "two deaths are enough, and needed"
        wait_until("it is refused", lambda: is_refused(node), LONG_S)
        assert has_own_deaths(node, 3)
        # As the journal has it: whoever looks for the station finds why it is refused.
        for said in ("was at work for station", "is its own now", "it is refused for"):
            for line in lines_of(node, said):
                assert f" station={BAD} event=77" in line, line
        assert all(" session=" in line for line in lines_of(node, "was at work for station"))
        assert log_text(node).count("worker-0 killed by signal") == 2, "the neighbours' worker died again"
        wait_until("its publisher is told", lambda: "QUARANTINE: what this station sent" in bad.stderr(), LONG_S)
        wait_until("all neighbours stream", lambda: len(set(live(node)) - {BAD}) == NEIGHBOURS, LONG_S)
        sessions = [one["sessions"] for one in json.loads(node.get("/api/v1/streams")[1])["streams"] if one["station"] != BAD]
        assert max(sessions) <= 3, f"a neighbour came back more often than its worker died: {sessions}"
        # Who takes over the node knows it as well.
        node.kill("supervisor")
        node.start()
        (entry,) = wait_until("the node tells its quarantine", lambda: quarantine(node), LONG_S)
        # Refused for a minute: on a slow machine it may try its own worker again.
        assert entry["station"] == BAD and entry["worker"] == OWN and entry["deaths"] >= 5, entry
        # Its encoder has been mended, and an operator says so.
        bad.stop()
        node.headgate("release", "--data", str(node.data), "--station", str(BAD))
        wait_until("nobody is in quarantine", lambda: quarantine(node) == [])
        assert "it may share a worker again" in log_text(node)
        media.ffmpeg(node, media.clip(30), node.url(BAD), loop=True, again=True)
        wait_until("it shares a worker", lambda: [one["worker"] for one in (node.status_or_none() or {}).get("sessions", [])
                                                  if one["station"] == BAD] == [0], LONG_S)
        again = node.headgate("release", "--data", str(node.data), "--station", str(BAD), check=False)
        assert again.returncode == 1 and "is not in quarantine" in again.stderr, again


def check_that_poison_is_its_senders(node):
    send_marked(node, POISON, again=True)
    (entry,) = wait_until("the station is in quarantine", lambda: quarantine(node), LONG_S)
    assert entry["station"] == BAD, entry
    assert log_text(node).count("worker-0 killed by signal") == 2, "two deaths are enough, and needed"
    for line in lines_of(node, "was at work for station"):
        assert f" station={BAD} event=77" in line, line


def test_a_picture_that_ends_who_looks_at_it_is_its_senders():
    # All of a worker's streams are looked at by one thread, of no session's.
    with DecodingNode(change=looking) as node:
        publish_neighbours(node, count=5)
        wait_until("the neighbours stream", lambda: len(live(node)) == 5, LONG_S)
        # The description wants more frames than anybody sends.
        wait_until("what is wrong is told", lambda: told_of_health(node, "low-frame-rate") == {1, 2, 3, 4, 5}, LONG_S)
        check_that_poison_is_its_senders(node)


def test_a_picture_that_ends_who_makes_rungs_of_it_is_its_senders():
    # A decoder's thread is not the one that serves the session.
    with DecodingNode(["--pipeline", "event", "--capacity", "8", "--set", "rungs=90p@60k"]) as node:
        publish_neighbours(node, count=2)
        wait_until("the neighbours have rungs", lambda: [one["renditions"][0]["state"] for one in node.status()["streams"]
                                                         if one["renditions"]] == ["running"] * 2, LONG_S)
        check_that_poison_is_its_senders(node)


def test_a_thread_that_spins_is_seen_from_outside():
    with TastingNode(["--workers", "1"]) as node:
        (worker,) = node.pids("worker")
        send_marked(node, SPIN)
        wait_until("the worker is killed", lambda: worker not in node.pids("worker"), LONG_S)
        said = log_text(node)
        assert f"at work for station {BAD} of event 77 for" in said and "does not come back" in said
        (line,) = lines_of(node, "does not come back")
        assert f" station={BAD} event=77 session=" in line, line
        assert "says nothing any more" not in said, "its loop said its status all the while"


def has_spun(pid):
    """A second of processor time."""
    try:
        used = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    except OSError:
        return False  # it has ended
    return int(used[11]) + int(used[12]) > os.sysconf("SC_CLK_TCK")


def test_a_leak_is_ended_and_a_kill_is_nobodys_doing():
    with TastingNode(["--workers", "1", "--max-workers", "1", "--worker-memory", "400"]) as node:
        (worker,) = node.pids("worker")
        publish_neighbours(node, count=2)
        wait_until("the neighbours stream", lambda: len(live(node)) == 2, LONG_S)
        leaks = send_marked(node, LEAK, again=True)
        wait_until("it is ended", lambda: worker not in node.pids("worker"), LONG_S)
        # Whose leak it is only an end tells of a worker that it had to itself.
        (entry,) = wait_until("the station is in quarantine", lambda: quarantine(node), LONG_S)
        leaks.stop()
        assert entry["station"] == BAD and entry["deaths"] == 3, entry
        ends = lines_of(node, "it may have 400 in all; its sessions are ended, and another one is started")
        assert [bool(re.search(r" worker=\d$", line)) for line in ends] == [True, True, False], "two that it shared, and one of its own"
        assert lines_of(node, "the 2. that was ended for what it took: they get 3 workers"), log_text(node)
        wait_until("the neighbours stream", lambda: set(live(node)) >= {1, 2}, LONG_S)
        for station in (1, 2):
            assert node.stream(station)["sessions"] <= 3, "a neighbour was cut by a worker that it was set apart from"
        apart = node.status()["apart"]
        assert [(one["stations"], one["count"], one["deaths"]) for one in apart] == [([1], 1, 2), ([2], 1, 2)], apart
        said = node.headgate("status", "--data", str(node.data)).stdout
        for one in apart:
            assert f"station {one['stations'][0]} is set apart on worker {one['worker']}: 2 workers that it was on" in said, said
        for station in (BAD, 1, 2):
            node.headgate("release", "--data", str(node.data), "--station", str(station))
        wait_until("nobody is in quarantine, or apart", lambda: quarantine(node) == [] and node.status()["apart"] == [])
        # An operator's kill, or the kernel's for want of memory, while a thread is at work for the station.
        spins = send_marked(node, SPIN, again=True)
        for deaths in (1, 2):
            (worker,) = wait_until("a thread spins", lambda: [pid for pid in node.pids("worker") if has_spun(pid)], LONG_S)
            os.kill(worker, signal.SIGKILL)
            wait_until("that is seen", lambda seen=deaths: len(lines_of(node, "killed by signal 9")) == seen, LONG_S)
        spins.stop()
        assert quarantine(node) == [] and not lines_of(node, "was at work for station"), log_text(node)


def test_a_full_node_refuses_who_is_new():
    # No machine has so much memory.
    with Node(arguments=["--full-memory", str(2 ** 30)]) as node:
        first = media.ffmpeg(node, media.clip(60), node.url(1), loop=True)
        node.wait_state(1, "live")
        wait_until("the node is full", lambda: node.status()["capacity"]["full"] == "memory", LONG_S)
        (measure,) = [one for one in node.status()["capacity"]["measures"] if one["measure"] == "memory"]
        assert measure["full"] and measure["value"] > 0 and measure["at_least"] == 2 ** 30, measure

        def refused():
            # A gate that has just been started lets all in.
            done = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-i", media.clip(5), "-c", "copy", "-f", "flv",
                                   node.url(2)], env=node.client_env, capture_output=True, text=True, timeout=60 * SLOWNESS, check=False)
            return "NODE-FULL: this server has no room for another stream (memory)" in done.stderr
        wait_until("a new station is refused", refused, LONG_S)
        first.cut()
        node.wait_state(1, "waiting", LONG_S)
        media.ffmpeg(node, media.clip(60), node.url(1), loop=True)
        node.wait_state(1, "live", LONG_S)
        assert node.stream(1)["sessions"] == 2


class SteppedNode(Node):
    """Its machine's clock can be set; its publishers' is another one."""

    def __init__(self):
        super().__init__()
        clock = self.folder / "clock"
        clock.write_bytes(bytes(8))
        with open(clock, "r+b") as file:
            self.clock = mmap.mmap(file.fileno(), 8)
        self.env.update(LD_PRELOAD=str(BUILD / "tests/headgate-stepped-clock.so"), HEADGATE_TEST_CLOCK=str(clock))

    def step(self, seconds):
        (now,) = struct.unpack("=q", self.clock[:8])
        self.clock[:8] = struct.pack("=q", now + int(seconds * 1e6))


def segments(node, station):
    """Media sequence number of the first segment listed, and the segments' names."""
    lines = node.get(f"/hls/{station}/media.m3u8")[1].decode().splitlines()
    (first,) = [int(line.split(":")[1]) for line in lines if line.startswith("#EXT-X-MEDIA-SEQUENCE:")]
    return first, [line for line in lines if line and not line.startswith("#")]


def test_a_clock_that_is_stepped_is_told_and_breaks_nothing():
    with SteppedNode() as node:
        publisher = media.ffmpeg(node, media.clip(60), node.url(1), loop=True)
        node.wait_media(1, 4)
        for steps, seconds in enumerate((3600, -7200, 3600), 1):
            wait_until("the node looks at its clock", lambda: "clock" in node.status())
            (_, before), duration = segments(node, 1), node.stream(1)["duration_s"]
            node.step(seconds)
            wait_until("the step is told", lambda: node.status()["clock"]["steps"] >= steps, LONG_S)  # pylint: disable=cell-var-from-loop
            clock = node.status()["clock"]
            assert clock["steps"] == steps and abs(clock["last_step_ms"] - seconds * 1000) < 1000, clock
            wait_until("segments follow", lambda: segments(node, 1)[1][-1] != before[-1], LONG_S)  # pylint: disable=cell-var-from-loop
            wait_until("media is archived", lambda: node.stream(1)["duration_s"] > duration + 4, LONG_S)  # pylint: disable=cell-var-from-loop
        assert log_text(node).count("the clock stepped by") == 3
        assert publisher.started == 1 and node.stream(1)["sessions"] == 1 and node.stream(1)["state"] == "live"
        first, names = segments(node, 1)
        assert [int(name.split(".")[0]) for name in names] == list(range(first, first + len(names))), names
        publisher.stop()
        wait_until("the run is closed", lambda: records(node.runs(1)[0], "end"), LONG_S)
        assert len(node.runs(1)) == 1
        node.check_archive()


if __name__ == "__main__":
    tap.run(globals())
