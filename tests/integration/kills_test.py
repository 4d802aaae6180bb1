#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every process of a node and its publisher end without warning, while a player reads along."""
import http.client
import os
import signal
import time

import media
import tap
from check_test import Check, expect_nothing
from family import alive
from hls import Watcher
from node import BUILD, SLOWNESS, Node, records, wait_until

STATION = 5
CUT_S = 5
BACK_WITHIN_S = 2
CLIP_S = 60
CHECK_S = 10


def segments(watcher):
    return len(watcher.seen)


def more_segments(watcher, count=2, within=20):
    """New segments are listed, from now on."""
    goal = segments(watcher) + count
    wait_until(f"{count} more segments are listed", lambda: segments(watcher) >= goal, within)


def publishing(node, again=True):
    publisher = media.ffmpeg(node, media.clip(CLIP_S), node.url(STATION), loop=True, again=again)
    watcher = Watcher(node, STATION)
    node.wait_state(STATION, "live")
    more_segments(watcher, 3)
    return publisher, watcher


def listed(node):
    """Whether a player that asks now finds the stream."""
    try:
        return node.get(f"/hls/{STATION}/index.m3u8")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def gaps(node):
    return [gap for run in node.runs(STATION) for gap in records(run, "gap")]


def test_a_publisher_is_cut_for_five_seconds():
    with Node() as node:
        publisher, watcher = publishing(node, again=False)
        assert not gaps(node)
        publisher.cut()
        cut_at = time.monotonic()
        waiting = node.wait_state(STATION, "waiting")
        assert waiting["kbps"] is None, waiting
        # The length of the cut is the test's subject, nothing is waited for here.
        time.sleep(max(0, CUT_S - (time.monotonic() - cut_at)))
        again = media.ffmpeg(node, media.clip(CLIP_S), node.url(STATION), loop=True)
        node.wait_state(STATION, "live")
        more_segments(watcher, 3)
        stream = node.stream(STATION)
        again.stop()
        assert stream["sessions"] == 2, stream
        breaks = watcher.wait().discontinuities()
        assert len(breaks) == 1, f"one discontinuity is expected, before segments {breaks}"
        found = gaps(node)
        assert len(found) == 1 and found[0]["reason"] == "disconnect", found
        assert CUT_S * 1000 - 500 <= found[0]["ms"] <= (CUT_S + 4) * 1000 * SLOWNESS, found
        wait_until("the stream tells its gap", lambda: node.stream(STATION)["gaps"] == 1)
        wait_until("both runs are closed", lambda: all(records(run, "end") for run in node.runs(STATION)))
        node.check_archive()


def test_a_worker_is_killed():
    with Node() as node:
        _, watcher = publishing(node)
        worker = next(session["worker"] for session in node.status()["sessions"] if session["station"] == STATION)
        pid = next(one["pid"] for one in node.status()["workers"] if one["worker"] == worker)
        before = node.runs(STATION)
        os.kill(pid, signal.SIGKILL)
        wait_until("the publisher is back", lambda: len(node.runs(STATION)) > len(before), 30)
        node.wait_state(STATION, "live")
        more_segments(watcher, 3)
        first = node.runs(STATION)[0]
        assert records(first, "end")[-1]["reason"] == "crash", records(first, "end")
        assert records(first, "recover"), "the recovery is on record"
        assert not list(first.glob("*.part")), "recovery renames what was open"
        for path in media.media_files(first):
            media.expect_plays(path)
        breaks = watcher.wait().discontinuities()
        assert len(breaks) == len(node.runs(STATION)) - 1, f"{len(node.runs(STATION))} runs, breaks before {breaks}"
        assert gaps(node), "the gap is on record"
        wait_until("there is a worker again", lambda: len(node.pids("worker")) >= 1 and pid not in node.pids("worker"))
        node.check_archive()


class CutNode(Node):
    """Its next worker that begins a segment, from cut() on, is killed behind that write."""

    def __init__(self):
        super().__init__()
        self.mark = self.folder / "cut"
        self.env.update(LD_PRELOAD=str(BUILD / "tests/headgate-cut-short.so"), HEADGATE_TEST_CUT=str(self.mark))

    def cut(self):
        self.mark.touch()


def test_a_worker_is_killed_before_it_tells():
    with CutNode() as node:
        _, watcher = publishing(node)
        checks = [Check(node, "hls", f"/hls/{STATION}/index.m3u8", CHECK_S),
                  Check(node, "dash", f"/dash/{STATION}/manifest.mpd", CHECK_S)]
        more_segments(watcher, 1)
        node.cut()
        wait_until("the publisher is back", lambda: len(node.runs(STATION)) == 2, 30)
        assert not node.mark.exists()
        more_segments(watcher, 2)
        for check in checks:
            expect_nothing(*check.end())
        watcher.wait()
        begun = records(node.runs(STATION)[1], "open")[0]["msn"]
        assert watcher.discontinuities() == [begun], f"{watcher.discontinuities()}, not {begun}"
        assert sorted(watcher.seen) == list(range(min(watcher.seen), max(watcher.seen) + 1)), sorted(watcher.seen)
        # All that there is of it is what nobody had heard of.
        assert watcher.seen[begun - 1][2] < 1, watcher.seen[begun - 1]


def test_the_supervisor_is_killed_and_started_again():
    seconds = 15
    path = media.clip(seconds)
    sent = media.packets(path)
    with Node() as node:
        publisher = media.ffmpeg(node, path, node.url(STATION))
        watcher = Watcher(node, STATION)
        node.wait_state(STATION, "live")
        more_segments(watcher, 1)
        children = {role: node.pids(role) for role in ("gate", "worker", "origin")}
        node.kill("supervisor")
        more_segments(watcher, 1)
        assert all(alive(pid) for pids in children.values() for pid in pids), "a child went with its supervisor"
        node.start()
        assert {role: node.pids(role) for role in children} == children, "the children were not found again"
        publisher.finish(seconds + 20)
        node.wait_state(STATION, "ended")
        runs = node.runs(STATION)
        assert len(runs) == 1, f"the session ended: {len(runs)} runs"
        got = media.archived(runs)
        assert {kind: len(got[kind]) for kind in got} == {kind: len(sent[kind]) for kind in sent}
        assert not watcher.wait().silences, f"viewers noticed: {watcher.silences}"
        assert not gaps(node)
        # It is in charge again: what ends is started again.
        node.kill("origin")
        wait_until("the origin is back", lambda: listed(node), BACK_WITHIN_S)


def test_a_killed_supervisor_leaves_new_publishers_let_in():
    with Node() as node:
        node.kill("supervisor")
        publisher = media.ffmpeg(node, media.clip(5), node.url(STATION))
        node.wait_state(STATION, "live")
        publisher.stop()
        node.start()


def test_the_origin_is_killed():
    with Node() as node:
        publisher, watcher = publishing(node)
        before = watcher.last
        (old,) = node.kill("origin")
        began = time.monotonic()
        wait_until("the old one is gone", lambda: not alive(old))
        wait_until("the origin is back", lambda: listed(node), BACK_WITHIN_S)
        took = time.monotonic() - began
        more_segments(watcher, 3)
        assert watcher.last.sequence >= before.sequence
        assert publisher.started == 1, "the publisher noticed"
        assert not watcher.wait().discontinuities(), "viewers see no break"
        assert took < BACK_WITHIN_S * SLOWNESS, f"back after {took:.1f} s"
        assert node.stream(STATION)["sessions"] == 1


def test_the_gate_is_killed():
    with Node() as node:
        publisher, watcher = publishing(node)
        (old,) = node.kill("gate")
        wait_until("there is a gate again", lambda: node.pids("gate") not in ([], [old]))
        # Its connections wait in the listening socket meanwhile: nobody is refused.
        other = media.ffmpeg(node, media.clip(5), node.url(STATION + 1))
        node.wait_state(STATION + 1, "live")
        more_segments(watcher, 2)
        assert publisher.started == 1 and other.started == 1
        assert not watcher.wait().discontinuities()


def test_the_whole_node_is_killed():
    with Node() as node:
        publishing(node)
        node.helpers[-1].stop()
        last = node.helpers[-1].last
        # The supervisor first: it would start the others again.
        children = [pid for role in ("gate", "worker", "origin") for pid in node.pids(role)]
        node.kill("supervisor")
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        wait_until("they are gone", lambda: not any(alive(pid) for pid in children))
        node.start()
        node.wait_state(STATION, "live", 30)
        watcher = Watcher(node, STATION)
        # What was listed before comes from the archive at once; new segments follow it.
        wait_until("the media sequence goes on",
                   lambda: watcher.last and watcher.last.segments
                   and watcher.last.segments[-1][0] > last.segments[-1][0], 30)
        overlap = {one[0]: one for one in last.segments}
        again = [one for one in watcher.wait().seen.values() if one[0] in overlap and overlap[one[0]] != one]
        assert not again, f"segments are told differently than before: {again}"
        wait_until("the first run is recovered", lambda: records(node.runs(STATION)[0], "end"))
        node.check_archive()


if __name__ == "__main__":
    tap.run(globals())
