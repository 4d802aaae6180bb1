#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a real node makes of one stream, in the players that people use: each track alone in hls.js, DASH in dash.js and
in Shaka, through a cut of the publisher; afterwards what was recorded."""
import os
import subprocess
import time

from player import HERE, Player, wait_until  # which finds the modules of tests/integration
from node import Node, SLOWNESS
import media
import tap

STATION = 12
CUT_S = 4
WATCH_S = 6
END_S = 0.25
LONG = os.environ.get("HEADGATE_LONG") == "1"
RUNGS = "240p@300k,144p@120k"
LATENCY_S = 3.5 * SLOWNESS  # dash.js behind receipt, as the manifest tells it to be


def need(package):
    if not (HERE / "node_modules" / package).is_dir():
        raise tap.Skip(f"no {package}; run tools/setup browser")


def play(node, player, path):
    return Player(node, STATION, ["node", HERE / "formats.mjs", player, node.page(path)])


def publish(node):
    return media.ffmpeg(node, media.clip(60), node.url(STATION), loop=True, again=True)


def expect_well(player):
    assert not player.now["problems"], player.now
    assert not player.now["errors"], player.now["errors"]


def live(players, cut=True):
    """A live stream in each of (player, path, has pictures), whose publisher goes away and comes back."""
    with Node() as node:
        publisher = publish(node)
        node.wait_state(STATION, "live", 30)
        wait_until("some segments are there", lambda: node.get(f"/hls/{STATION}/media.m3u8")[1].count(b"EXTINF") > 3, 45)
        watching = [(play(node, name, path), f"{name} {path}", pictures) for name, path, pictures in players]
        for one, what, pictures in watching:
            one.plays_on(WATCH_S, what, 60, pictures)
            print(what, one.now, flush=True)
            if what.startswith("dash "):
                wait_until(f"{what} is near the live edge", lambda p=one: p.now["tracks"]["latency"] < LATENCY_S, 60)
        if cut:
            publisher = through_a_cut(node, publisher, watching)
        for one, *_ in watching:
            expect_well(one)
            one.stop()
        publisher.stop()


def through_a_cut(node, publisher, watching):
    """Returns the publisher that came back."""
    publisher.stop()
    node.wait_state(STATION, "waiting")
    time.sleep(CUT_S)  # how long it is away is the test's subject
    for one, *_ in watching:
        one.mark()
    publisher = publish(node)
    wait_until("it is recorded again", lambda: len(node.runs(STATION)) == 2, 30)
    for one, what, pictures in watching:
        one.plays_on(WATCH_S, f"{what} behind the cut", 60, pictures)
        print(what, one.now, flush=True)
    return publisher


def at_end(now, path):
    """hls.js 1.7 never ends a replay that it has in two pieces less than its maxBufferHole apart: it looks for another one
    from the beginning of both. Runs' pictures begin with their B-frames' delay, and so they are."""
    almost = path.endswith("replay-index.m3u8") and now and now["time"] >= (now["duration"] or 1e9) - END_S
    return now and (now["ended"] or almost)


def replayed(*groups):
    """What was recorded in two pieces, to its end: as much is decoded as was sent. The players of a group play at once."""
    with Node() as node:
        for _ in range(2):
            assert media.ffmpeg(node, media.clip(8), node.url(STATION)).finish(60) == 0
            node.wait_state(STATION, "ended", 30)
        for players in groups:
            to_their_ends([(play(node, name, path), name, path, pictures) for name, path, pictures in players])
        ends_on_the_page(node)


def to_their_ends(watching):
    for one, name, path, pictures in watching:
        try:
            wait_until(f"{name} {path} has come to the end", lambda p=one, at=path: at_end(p.now, at), 60)
        finally:
            print(name, path, one.now, flush=True)
        expect_well(one)
        if pictures:
            assert one.now["decoded"] >= 2 * 8 * 25 * 0.9, one.now
        assert one.now["audio_bytes"] > 0, one.now
        one.stop()


def ends_on_the_page(node):
    """Where it is the video element itself that says so, and nothing is built anew."""
    replay = node.stream(STATION)["replay"]
    page = Player(node, STATION, ["node", HERE / "play.mjs", node.page(f"/watch/{STATION}?replay")])
    try:
        wait_until(f"the page has come to the end of {replay}", lambda: page.now and page.now["ended"], 60)
    finally:
        print("page", replay, page.now, flush=True)
    assert page.now["time"] >= 2 * 8 - 1, page.now
    assert page.now["rebuilds"] == page.now["fatal_errors"] == 0 and not page.now["errors"], page.now
    page.stop()


def choose(players, height, within=60):
    """Each shows pictures so high, and goes on."""
    for one, _ in players:
        one.process.stdin.write(f"{height}\n")
        one.process.stdin.flush()
    for one, what in players:
        wait_until(f"{what} shows {height} lines", lambda p=one: p.now["height"] == height, within)
        one.plays_on(2, f"{what} with {height} lines", 60)


def rungs(*players):
    """Each rendition of a ladder can be chosen; in the long form also behind a cut of the publisher."""
    with Node(arguments=["--pipeline", "event", "--set", f"rungs={RUNGS}"]) as node:
        publisher = publish(node)
        node.wait_state(STATION, "live", 30)
        for rung in ("240p", "144p"):
            wait_until(f"some of {rung} is there", lambda name=rung: node.get(f"/hls/{STATION}/{name}/media.m3u8")[1].count(
                b"EXTINF") > 3, 60)
        watching = [(play(node, name, path), f"{name} {path}") for name, path in players]
        try:
            for one, what in watching:
                one.plays_on(2, what, 60)
                wait_until(f"{what} knows all renditions", lambda p=one: {240, 144} <= set(p.now["tracks"]["heights"]), 60)
            choose(watching, 144)
            choose(watching, 240)
            if LONG:
                publisher = rungs_behind_a_cut(node, publisher, watching)
        finally:
            for one, what in watching:
                print(what, one.now, flush=True)
        for one, what in watching:
            expect_well(one)
            one.stop()
        publisher.stop()


def rungs_behind_a_cut(node, publisher, watching):
    """Returns the publisher that came back at once."""
    publisher.stop()
    node.wait_state(STATION, "waiting")
    publisher = publish(node)
    wait_until("it is recorded again", lambda: len(node.runs(STATION)) == 2, 30)
    for one, what in watching:
        one.plays_on(WATCH_S, f"{what} behind the cut", 60)
    choose(watching, 144)
    return publisher


def test_replays():
    need("dashjs")
    need("shaka-player")
    replayed([("dash", f"/dash/{STATION}/replay.mpd", True), ("shaka", f"/dash/{STATION}/replay.mpd", True)],
             [("hls", f"/hls/{STATION}/replay-audio.m3u8", False), ("hls", f"/hls/{STATION}/replay-index.m3u8", True)])


def test_hls_live():
    live([("hls", f"/hls/{STATION}/index.m3u8", True)])


def test_shaka_live():
    need("shaka-player")
    live([("shaka", f"/dash/{STATION}/manifest.mpd", True), ("shaka", f"/hls/{STATION}/index.m3u8", True)])


def test_dash_js_live():
    need("dashjs")
    live([("dash", f"/dash/{STATION}/manifest.mpd", True)])


def test_rungs_in_dash_js_and_shaka():
    need("dashjs")
    need("shaka-player")
    rungs(("dash", f"/dash/{STATION}/manifest.mpd"), ("shaka", f"/dash/{STATION}/manifest.mpd"))


def test_hls_tracks_live():
    # Without a cut: on a busy machine hls.js that has the sound alone has stayed there, in one of five runs.
    live([("hls", f"/hls/{STATION}/audio.m3u8", False), ("hls", f"/hls/{STATION}/video.m3u8", True)], cut=False)


def test_ffmpeg_plays_all_of_it():
    """Every frame of what was sent, by somebody else's demuxers."""
    with Node() as node:
        assert media.ffmpeg(node, media.clip(8), node.url(STATION)).finish(60) == 0
        node.wait_state(STATION, "ended", 30)
        sent = media.packets(media.clip(8))
        # Of DASH each track by itself: with both, ffmpeg ends where the shorter one does.
        for path, chosen, kinds in ((f"/dash/{STATION}/replay.mpd", "0:v", ["video"]), (f"/dash/{STATION}/replay.mpd", "0:a", ["audio"]),
                                    (f"/hls/{STATION}/replay-audio.m3u8", "0", ["audio"]),
                                    (f"/hls/{STATION}/replay-video.m3u8", "0", ["video"])):
            copy = node.folder / "copy.mp4"
            done = subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", node.page(path), "-map", chosen, "-c", "copy", copy],
                                  capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)
            assert done.returncode == 0 and not done.stderr, f"{path}: {done.stderr}"
            got = {kind: len(found) for kind, found in media.packets(copy).items() if found}
            assert got == {kind: len(sent[kind]) for kind in kinds}, f"{path}: {got}"
            media.expect_plays(copy)


if __name__ == "__main__":
    tap.run(globals())
