#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node with the event pipeline: each rendition of a stream plays, under its source's numbers and with its dates,
whatever dies meanwhile; on demand none is encoded before somebody asks."""
import os
import re
import struct

import media
import tap
from hls import ATTRIBUTE, Playlist, Watcher
from node import Node, records, wait_until
from check_archive import child

STATION = 8
RUNGS = "240p@300k,144p@120k,audio@48k"
BASE = f"/hls/{STATION}/"
DATE_SLACK_S = 0.002  # milliseconds, rounded
AUDIO_SLACK_S = 0.05  # two frames of sound: segments begin with a whole one


def event_node(*settings):
    return Node(arguments=["--pipeline", "event", "--workers", "2", "--set", f"rungs={RUNGS}",
                           *(word for one in settings for word in ("--set", one))])


def publish(node, seconds, again=False):
    return media.ffmpeg(node, media.clip(seconds), node.url(STATION), again=again)


def text(node, path, timeout=5.0):
    status, body = node.get(BASE + path, timeout)
    assert status == 200, f"{path}: HTTP {status}, {body[:200]!r}"
    return body


def multivariant(node):
    """{uri: attributes} of the variants and audio renditions that index.m3u8 lists."""
    found, attributes = {}, None
    for line in text(node, "index.m3u8").decode().splitlines():
        if line.startswith("#EXT-X-MEDIA:"):
            named = dict(ATTRIBUTE.findall(line.partition(":")[2]))
            found[named["URI"].strip('"')] = named
        elif line.startswith("#EXT-X-STREAM-INF:"):
            attributes = dict(ATTRIBUTE.findall(line.partition(":")[2]))
        elif line and not line.startswith("#"):
            found[line] = attributes
    return found


def first_time(segment):
    """Presentation time of the sample that a segment of one track begins with, in its track's ticks: ffprobe has its own
    idea of where a file with B-frames begins."""
    moof, end = child(segment, 0, len(segment), b"moof")
    tfdt, _ = child(segment, moof, end, b"traf", b"tfdt")
    trun, _ = child(segment, moof, end, b"traf", b"trun")
    began, = struct.unpack_from(">Q" if segment[tfdt] else ">I", segment, tfdt + 4)
    flags, = struct.unpack_from(">I", segment, trun)
    if not flags & 0x800:
        return began
    # Behind the header's fields, those of the first sample up to its composition offset.
    at = trun + 8 + 4 * sum(bool(flags & bit) for bit in (0x1, 0x4, 0x100, 0x200, 0x400))
    return began + struct.unpack_from(">i", segment, at)[0]


class Rendition:
    """A media playlist, all of whose segments are fetched and decoded."""

    def __init__(self, node, uri):
        body = text(node, uri).decode()
        self.uri = uri
        self.playlist = Playlist(body)
        self.packets = {}  # msn: those of the segment
        self.begins = {}  # msn: its first time
        folder = uri.rpartition("/")[0]
        folder += "/" if folder else ""
        inits = {}
        runs = {}
        for msn, run, _, name, init, _ in self.playlist.segments:
            if msn in self.playlist.gaps:
                continue
            inits[init] = inits.get(init) or text(node, folder + init)
            segment = text(node, folder + name)
            alone = node.folder / "segment.mp4"
            alone.write_bytes(inits[init] + segment)
            self.packets[msn] = media.packets(alone)
            self.begins[msn] = first_time(segment)
            runs.setdefault((run, init), []).append(segment)
        for (_, init), segments in runs.items():
            whole = node.folder / "whole.mp4"
            whole.write_bytes(inits[init] + b"".join(segments))
            media.expect_plays(whole)

    def by_number(self):
        return {segment[0]: segment for segment in self.playlist.segments}


def expect_in_step(source, rung):
    """Numbers, breaks, dates and boundaries are the source's."""
    wanted, got = source.by_number(), rung.by_number()
    assert wanted.keys() == got.keys(), f"{rung.uri} has segments {sorted(got)}, the source {sorted(wanted)}"
    assert rung.playlist.ended == source.playlist.ended, rung.uri
    sound = not any(packets["video"] for packets in rung.packets.values())
    slack = AUDIO_SLACK_S if sound else DATE_SLACK_S
    # Where a session ends, or is cut, the sound may end before the pictures.
    ends = {msn for msn in wanted if msn + 1 not in wanted or wanted[msn + 1][1] != wanted[msn][1]} if sound else set()
    assert rung.playlist.gaps <= ends, f"{rung.uri} has nothing of the segments {rung.playlist.gaps}"
    for msn, (_, run, seconds, _, _, date) in wanted.items():
        assert got[msn][1] == run, f"{rung.uri}: segment {msn} behind {got[msn][1]} breaks, the source's behind {run}"
        assert abs(got[msn][5] - date) <= slack, f"{rung.uri}: segment {msn} at {got[msn][5]}, the source's at {date}"
        assert msn in ends or abs(got[msn][2] - seconds) <= slack, (
            f"{rung.uri}: segment {msn} lasts {got[msn][2]} s, not {seconds} s")
        if sound:
            continue
        pictures, sent = rung.packets[msn]["video"], source.packets[msn]["video"]
        assert len(pictures) == len(sent), f"{rung.uri}: {len(pictures)} pictures in segment {msn}, {len(sent)} were sent"
        assert pictures[0][2], f"{rung.uri}: segment {msn} begins with no key frame"
        began, first = rung.begins[msn], source.begins[msn]
        assert began == first, f"{rung.uri}: segment {msn} begins at {began}, the source's at {first}"


def test_each_rendition_of_a_stream_plays_through_a_cut():
    with event_node() as node:
        first = publish(node, 60)
        node.wait_media(STATION, 5.0)
        first.cut()
        node.wait_state(STATION, "waiting")
        second = publish(node, 5)
        assert second.finish(30) == 0, second.stderr()
        node.wait_state(STATION, "ended")
        listed = multivariant(node)
        rungs = ["240p/media.m3u8", "144p/media.m3u8", "audio-48k/media.m3u8"]
        assert set(listed) >= {"video.m3u8", "audio.m3u8", *rungs}, listed
        for uri, height in {"video.m3u8": 360, rungs[0]: 240, rungs[1]: 144}.items():
            assert listed[uri]["RESOLUTION"].endswith(f"x{height}"), listed[uri]
            assert listed[uri]["AUDIO"] == '"audio"', listed[uri]
        source = Rendition(node, "video.m3u8")
        assert source.playlist.ended
        assert not source.playlist.gaps, source.playlist.gaps
        breaks = {segment[1] for segment in source.playlist.segments}
        assert len(breaks) == 2 and len(source.playlist.segments) >= 4, source.playlist.segments
        for uri in ["audio.m3u8", *rungs]:
            expect_in_step(source, Rendition(node, uri))
        # What is sent is the archive; the rungs are beside it.
        assert len(node.runs(STATION)) == 2
        node.check_archive()


class RungWatcher(Watcher):
    """A player of one rendition."""

    def __init__(self, node, uri):
        self.path = BASE + uri
        super().__init__(node, STATION)

    def _find(self):
        return self.path


def further(watchers, what, count=2):
    """Each of them has found so many segments more."""
    goals = {watcher.path: max(watcher.seen, default=-1) + count for watcher in watchers}
    wait_until(f"all renditions go on {what}",
               lambda: all(max(watcher.seen, default=-1) >= goals[watcher.path] for watcher in watchers), 40)


def test_renditions_go_on_when_the_origin_and_the_worker_are_killed():
    with event_node() as node:
        publisher = publish(node, 60, again=True)
        node.wait_media(STATION)
        watchers = [RungWatcher(node, uri) for uri in ("video.m3u8", "144p/media.m3u8", "audio-48k/media.m3u8")]
        further(watchers, "to begin with")
        node.kill("origin")
        further(watchers, "with another origin")
        assert publisher.started == 1, "the publisher noticed"
        assert not watchers[0].discontinuities()
        session = next(one for one in node.status()["sessions"] if one["station"] == STATION)
        os.kill(next(one["pid"] for one in node.status()["workers"] if one["worker"] == session["worker"]), 9)
        wait_until("the publisher is back", lambda: len(node.runs(STATION)) == 2, 30)
        further(watchers, "with another worker")
        source = watchers[0].wait().seen
        assert len(watchers[0].discontinuities()) == 1, watchers[0].discontinuities()
        for watcher in watchers[1:]:
            seen = watcher.wait().seen
            common = source.keys() & seen.keys()
            assert len(common) >= 5, f"{watcher.path}: hardly anything to compare, {sorted(seen)} and {sorted(source)}"
            for msn in common:
                assert seen[msn][1] == source[msn][1], f"{watcher.path}: {seen[msn]}, the source: {source[msn]}"
                assert abs(seen[msn][5] - source[msn][5]) <= AUDIO_SLACK_S, f"{seen[msn]}, the source: {source[msn]}"
        assert records(node.runs(STATION)[0], "end")[-1]["reason"] == "crash"


def encoded(node, rendition):
    """Media files of a rung."""
    return list((node.data / "derived" / rendition).rglob("*.mp4*"))


def test_on_demand_a_rung_is_encoded_when_somebody_asks_for_it():
    with event_node("rungs-on-demand=true") as node:
        publish(node, 60)
        node.wait_media(STATION, 5.0)
        listed = multivariant(node)
        assert "240p/media.m3u8" in listed and "144p/media.m3u8" in listed, listed
        assert encoded(node, "audio-48k"), "sound is encoded always"
        assert not encoded(node, "240p") and not encoded(node, "144p"), "nobody has asked"
        # The first one who asks waits, and has something to play.
        answer = text(node, "144p/media.m3u8", timeout=20.0).decode()
        playable = re.findall(r"^[0-9.]+\.m4s$|#EXT-X-PART:.*URI=\"([^\"]+)\"", answer, re.MULTILINE)
        assert playable, answer
        watcher = RungWatcher(node, "144p/media.m3u8")
        wait_until("it goes on", lambda: len(watcher.seen) >= 2, 30)
        last = max(watcher.wait().seen.items())[1]
        path = node.folder / "last.mp4"
        path.write_bytes(text(node, "144p/" + last[4]) + text(node, "144p/" + last[3]))
        media.expect_plays(path)
        assert not encoded(node, "240p"), "nobody has asked for this one"


if __name__ == "__main__":
    tap.run(globals())
