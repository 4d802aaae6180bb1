#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A publisher goes away and comes back: with `fill` players are given his last picture meanwhile, in one playlist
without a hole, and the archive is what it would be without."""
import subprocess
import tempfile

import media
import tap
from check_test import Check, expect_nothing
from hls import Playlist, Watcher
from node import EVENT, Node, records, wait_until
from waiting import PATIENCE_S

STATION = 31
AWAY = 6  # segments of fill, a second each
SECONDS = 20
RUNGS = "240p@300k,audio@48k"


def playlist(node, uri="media.m3u8"):
    status, body = node.get(f"/hls/{STATION}/{uri}")
    return Playlist(body.decode()) if status == 200 else None


def filled(node, uri="media.m3u8"):
    """Segments of the last discontinuity."""
    now = playlist(node, uri)
    last = now.segments[-1][1] if now and now.segments else None
    return [segment for segment in now.segments if segment[1] == last and segment[0] not in now.gaps] if now else []


def expect_decodes(node, folder, segments):
    """The segments of one init segment, one behind the other."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as whole:
        for name in (segments[0][4], *(segment[3] for segment in segments)):
            status, body = node.get(folder + name)
            assert status == 200, f"{folder}{name}: HTTP {status}"
            whole.write(body)
        whole.flush()
        media.expect_plays(whole.name)
        found = media.packets(whole.name)
    for kind, packets in found.items():
        times = [dts for dts, _, _ in packets]
        assert all(before < after for before, after in zip(times, times[1:])), f"{folder}: {kind} goes back: {times}"
    return found


def loudest(node, folder, segments):
    with tempfile.NamedTemporaryFile(suffix=".mp4") as whole:
        for name in (segments[0][4], *(segment[3] for segment in segments)):
            whole.write(node.get(folder + name)[1])
        whole.flush()
        said = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-i", whole.name, "-vn", "-af", "volumedetect", "-f",
                               "null", "-"], capture_output=True, text=True, check=True).stderr
    return next(line.split("max_volume:")[1].strip() for line in said.splitlines() if "max_volume" in line)


def test_players_are_given_the_last_picture():
    clip = media.clip(60)
    with Node(arguments=["--set", "fill=last"]) as node:
        publisher = media.ffmpeg(node, clip, node.url(STATION))
        node.wait_media(STATION, 4.0)
        watcher = Watcher(node, STATION)
        check = Check(node, "hls", f"/hls/{STATION}/index.m3u8", SECONDS)
        publisher.cut()
        before = node.wait_state(STATION, "waiting")
        wait_until("there is fill", lambda: len(filled(node)) >= AWAY and filled(node)[0][1] == 1)
        away = node.stream(STATION)
        # It is nothing that was received.
        for key in ("state", "duration_s", "last_media_utc", "gaps", "sessions"):
            assert away[key] == before[key], f"{key}: {before[key]} before, {away[key]} now"
        fill = filled(node)
        found = expect_decodes(node, f"/hls/{STATION}/", fill)
        assert all(key for _, _, key in found["video"]), "each picture stands alone"
        assert float(loudest(node, f"/hls/{STATION}/", fill).split()[0]) < -90, "it is silent"

        media.ffmpeg(node, clip, node.url(STATION), again=True)
        node.wait_media(STATION, away["duration_s"] + 4)
        wait_until("its runs are two", lambda: node.stream(STATION)["sessions"] == 2)
        expect_nothing(*check.end())
        watcher.wait()
        assert len(watcher.discontinuities()) == 2, watcher.discontinuities()
        count = watcher.discontinuities()[1] - watcher.discontinuities()[0]
        assert count >= AWAY and sorted(watcher.seen) == list(range(min(watcher.seen), max(watcher.seen) + 1))

        # The archive has its gap, and says which numbers it left to others.
        first, second = node.runs(STATION)
        opened, ended = records(second, "open")[0], records(first, "end")[0]
        assert opened["filled"] == count, f"{opened['filled']} of {count}"
        gap, = records(second, "gap")
        assert gap["reason"] == "disconnect" and gap["from_pts"] == ended["end_pts"], gap
        assert gap["to_pts"] - gap["from_pts"] > (count - 1) * 90000, gap
        # What is replayed is what was received.
        replay = playlist(node, "replay.m3u8")
        filled_names = {f"{msn}.m4s" for msn in range(*watcher.discontinuities())}
        assert not filled_names & {segment[3] for segment in replay.segments}
        code, result = Check(node, "hls", f"/hls/{STATION}/replay.m3u8", 8).end()
        expect_nothing(code, result)
        # As after any death of the origin: the same playlist, from the disk.
        node.kill("origin")
        wait_until("the origin is back", node.healthy)
        again = wait_until("its playlist is", lambda: playlist(node))
        known = {segment[0]: segment[2:5] for segment in watcher.seen.values()}
        same = [segment for segment in again.segments if segment[0] in known]
        assert filled_names & {segment[3] for segment in same}, again.segments
        for segment in same:
            assert segment[2:5] == known[segment[0]], f"{segment} was {known[segment[0]]}"
        node.check_archive()


def test_renditions_are_filled_and_a_goodbye_is_not():
    clip = media.clip(60)
    with Node(arguments=["--pipeline", "event", "--workers", "2", "--set", f"rungs={RUNGS}", "--set", "fill=last"]) as node:
        publisher = media.ffmpeg(node, clip, node.url(STATION))
        node.wait_media(STATION, 4.0)
        wait_until("renditions are there", lambda: len(node.stream(STATION)["renditions"]) == 2
                   and all(filled(node, f"{one['name']}/media.m3u8") for one in node.stream(STATION)["renditions"]), 60)
        names = [one["name"] for one in node.stream(STATION)["renditions"]]
        publisher.cut()
        node.wait_state(STATION, "waiting")
        wait_until("there is fill", lambda: len(filled(node)) >= AWAY and filled(node)[0][1] == 1)
        of_source = {segment[0]: segment for segment in filled(node)}
        for name in names:
            own = wait_until(f"{name} is filled", lambda name=name: [
                segment for segment in filled(node, f"{name}/media.m3u8") if segment[1] == 1][:AWAY] or None)
            for segment in own:
                assert segment[0] in of_source, f"{name}: {segment}"
                assert abs(segment[2] - of_source[segment[0]][2]) < 0.05, f"{name}: {segment}"
            expect_decodes(node, f"/hls/{STATION}/{name}/", own)
        # The next one says that it is over.
        publisher = media.ffmpeg(node, media.clip(4), node.url(STATION))
        publisher.finish(PATIENCE_S)
        node.wait_state(STATION, "ended")
        runs = list((node.data / f"derived/fill/lta/{EVENT}").rglob("run.jl"))
        assert len(runs) == 1, runs
        node.check_archive()


if __name__ == "__main__":
    tap.run(globals())
