#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hls.js in low-latency mode: parts, blocking reloads and delta updates of a real node, through a publisher's cut."""
import json
import os
import statistics
import sys
import time

from player import HERE, Player, wait_until  # which finds the modules of tests/integration
from node import Node, SLOWNESS
import media
import tap

STATION = 22
GLASS_S = 2.5 * SLOWNESS  # from receipt to the eye, median
WATCHED_S = 15
PLAYERS = 3  # at most, one after the other
AWAY_S = 10  # the length of the cut
STILL_S = 1.5 * SLOWNESS
LATE_S = 0.75  # between two lines, of which there are four a second: the page got no processor meanwhile


class LowLatency(Player):
    """hls.js in low-latency mode; `samples` are all that it said."""

    def __init__(self, node):
        self.samples = []
        super().__init__(node, STATION, ["node", HERE / "low_latency.mjs", node.page("/watch/999"),
                                         node.page(f"/hls/{STATION}/media.m3u8")])

    def _listen(self):
        for line in self.process.stdout:
            self.now = json.loads(line)
            self.samples.append(self.now)

    def plays_on(self, seconds, what, within=60):
        """So many seconds more are shown, with pictures."""
        wait_until("its first word", lambda: self.now, 60)
        shown, decoded, last = 0.0, self.now["decoded"], self.now["time"]

        def done():
            nonlocal shown, last
            assert self.process.poll() is None, "Chromium's driver ended"
            now = self.now
            if 0 < now["time"] - last < 1.5:
                shown += now["time"] - last
            last = now["time"]
            return shown >= seconds and now["decoded"] > decoded
        wait_until(f"{what}: {seconds} s are played; last {self.now}", done, within + seconds)


def stood_still(samples):
    """The longest time, by the page's clock, in which the media's did not go on though the page was not starved."""
    still = most = 0.0
    for before, now in zip(samples, samples[1:]):
        passed = now["at"] - before["at"]
        if now["time"] > before["time"]:
            still = 0.0
        elif passed < LATE_S:
            still += passed
        most = max(most, still)
    return most


def starved(samples):
    """Seconds, by the page's clock, in which it got no processor."""
    return sum(passed for before, now in zip(samples, samples[1:]) if (passed := now["at"] - before["at"]) >= LATE_S)


def test_a_starved_page_does_not_stand_still():
    def samples(*pairs):
        return [{"at": at, "time": time} for at, time in pairs]
    still = samples(*((at / 4, 7) for at in range(9)))
    assert stood_still(still) == 2
    assert stood_still(samples(*((at / 4, at / 4) for at in range(9)))) == 0
    # Many lines at once say nothing about time, nor do few.
    assert stood_still(samples(*((at / 100, 7) for at in range(9)))) < 0.1
    assert stood_still(samples((0, 7), (5, 7), (5.25, 7), (9, 11))) == 0.25
    assert stood_still([*still, *samples((9, 7), (9.25, 7), (9.5, 8))]) == 2.25
    assert starved(still) == 0
    assert starved(samples((0, 7), (5, 7), (5.25, 7), (9, 11))) == 8.75


def behind_receipt(player, node):
    """Median seconds from receipt to the eye, while it plays for WATCHED_S."""
    player.plays_on(5, "it begins")
    mark = len(player.samples)
    player.plays_on(WATCHED_S, "at the live edge")
    samples = [one for one in player.samples[mark:] if one["glass"] is not None]
    glass = statistics.median(one["glass"] for one in samples)
    print(f"receipt to eye: median {glass:.2f} s, least {min(one['glass'] for one in samples):.2f}, most "
          f"{max(one['glass'] for one in samples):.2f}; hls.js says {statistics.median(one['latency'] for one in samples):.2f}"
          f", aims at {samples[-1]['target']:.2f}; {player.now['parts']} parts, {player.now['blocking']} blocking reloads, "
          f"{player.now['deltas']} delta updates", file=sys.stderr)
    assert player.now["parts"] > WATCHED_S, player.now
    assert player.now["blocking"] > WATCHED_S, player.now
    assert player.now["deltas"] > 0 or node.stream(STATION)["duration_s"] < 30, player.now
    return glass


def at_the_live_edge(node):
    """A player that is. hls.js that had no processor falls behind and stays there for long: then, and only then, another
    one begins anew."""
    late = []
    while len(late) < PLAYERS:
        player = LowLatency(node)
        glass = behind_receipt(player, node)
        if glass < GLASS_S:
            return player
        late.append(glass)
        without = starved(player.samples)
        assert without > 0, f"{glass} s behind, and the page was never starved"
        print(f"the page was starved for {without:.1f} s: another one", file=sys.stderr)
        player.stop()
    raise AssertionError(f"{late} s behind")


def test_low_latency_through_a_cut():
    with Node(arguments=["--set", "fill=last"]) as node:
        publisher = media.ffmpeg(node, media.clip(20), node.url(STATION), loop=True)
        node.wait_media(STATION, 8, 60)
        player = at_the_live_edge(node)
        mark = len(player.samples)
        publisher.cut()
        node.wait_state(STATION, "waiting", 30)
        time.sleep(AWAY_S)
        media.ffmpeg(node, media.clip(20), node.url(STATION), loop=True)
        node.wait_state(STATION, "live", 30)
        player.plays_on(5, "after the cut", 90)
        # Players are given the last picture meanwhile.
        most = stood_still(player.samples[mark:])
        print(f"through the cut: stood still for {most:.2f} s at most; {player.now['errors']}", file=sys.stderr)
        assert most < STILL_S, f"time stood still for {most:.2f} s: {player.now}"
        assert not player.now["fatal"], player.now
        assert not player.now["page_errors"], player.now


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    tap.run(globals())
