#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""While strangers do their worst, honest publishers lose no frame and the gate's memory has a bound.

Each attack is short. HEADGATE_ABUSE_SECONDS makes each of them longer. What of a core each costs is printed; HEADGATE_LONG=1
holds it to the limit as well, which is for an optimised build on a machine with nothing else to do."""
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import abuse
import abuse_srt
import media
import tap
from node import HEADGATE, SLOWNESS, Node, resident_bytes, wait_until

import certificate  # of tests/support, which node makes known

SECONDS = float(os.environ.get("HEADGATE_ABUSE_SECONDS", "3"))
STATIONS = range(1, 4)
# docs/rtmp.md, "Limits": what strangers can make the gate hold with 2,000 connections, twice what was measured; and
# what of a core they can make it use.
RTMP_MOST_BYTES, RTMPS_MOST_BYTES = 24 << 20, 52 << 20
SRT_MOST_BYTES = 24 << 20  # twice as well, of so many refused handshakes as abuse_srt makes (docs/srt.md, "Strangers")
MOST_CPU = 0.2
LONG = os.environ.get("HEADGATE_LONG") == "1"
CPU_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * CPU_TICK_S


def clip(node):
    path = node.folder / "low.flv"
    node.headgate("load", "clip", "--low-rate", str(path))
    return path


class Honest:
    """`headgate load` as a few stations that nothing may happen to."""

    def __init__(self, node, seconds, srt=False):
        self.node, self.end = node, "waiting" if srt else "ended"  # SRT says no farewell
        url = f"srt://{node.addresses['srt']}" if srt else f"rtmp://{node.addresses['rtmp']}/lt"
        self.result = node.folder / "sent.json"
        self.publisher = media.Publisher(node, [
            HEADGATE, "load", "publish", "--url", url, "--keys", node.keys, "--stations", f"{STATIONS[0]}-{STATIONS[-1]}",
            "--clip", clip(node), "--duration", str(seconds), "--json", self.result])
        for station in STATIONS:
            node.wait_state(station, "live")

    def expect_undisturbed(self, within):
        assert self.publisher.finish(within) == 0, self.publisher.stderr()
        sent = json.loads(self.result.read_text())
        assert sent["sessions"] == sent["finished"] == len(STATIONS), sent
        for station in STATIONS:
            self.node.wait_state(station, self.end)
            wait_until("the run is closed", lambda: media.closed(self.node.runs(station)[0]))  # pylint: disable=cell-var-from-loop
            assert self.node.stream(station)["sessions"] == 1
            got = media.archived(self.node.runs(station))
            one, = next(entry for entry in sent["per_station"] if entry["station"] == station)["sessions"]
            assert (len(got["video"]), len(got["audio"])) == (one["video"], one["audio"]), (
                f"station {station}: sent {one['video']} pictures and {one['audio']} of sound, "
                f"archived {len(got['video'])} and {len(got['audio'])}")


def under_attack(node, attacks, target, most):
    seconds = SECONDS * len(attacks)
    honest = Honest(node, round(seconds + (10 if not target.srt else 2)), srt=bool(target.srt))
    gate = node.pids("gate")
    before = resident_bytes(gate[0])
    for attack in attacks:
        spent, began = cpu_seconds(gate[0]), time.monotonic()
        said = attack(target, SECONDS)
        grown = resident_bytes(gate[0]) - before
        share = (cpu_seconds(gate[0]) - spent) / (time.monotonic() - began)
        print(f"{attack.__name__}: {said}; the gate took {share:.0%} of a core and has {grown >> 20} MiB more", flush=True)
        assert grown < most * max(1, SLOWNESS), f"{attack.__name__}: the gate grew by {grown >> 20} MiB"
        assert not LONG or share < MOST_CPU, f"{attack.__name__}: the gate took {share:.0%} of a core"
    honest.expect_undisturbed(seconds * SLOWNESS + 60)
    assert node.pids("gate") == gate, "the gate had to be started again"


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def test_of_rtmp():
    with Node() as node:
        under_attack(node, abuse.OPEN_ATTACKS, abuse.Target(address(node.addresses["rtmp"])), RTMP_MOST_BYTES)


def of_rtmps(attacks, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        cert, key = certificate.write(folder)
        with Node(arguments=["--rtmps", "127.0.0.1:0", "--tls-cert", str(cert), "--tls-key", str(key), *arguments]) as node:
            target = abuse.Target(address(node.addresses["rtmp"]), address(node.addresses["rtmps"]))
            under_attack(node, attacks, target, RTMPS_MOST_BYTES)


def test_of_rtmps():
    of_rtmps(abuse.TLS_ATTACKS)


def test_of_rtmps_behind_a_proxy():
    of_rtmps(abuse.PROXY_ATTACKS, "--rtmps-proxies", "127.0.0.0/8")


def test_of_srt():
    with Node(arguments=["--srt", "127.0.0.1:0"]) as node:
        target = abuse.Target(address(node.addresses["rtmp"]), srt=address(node.addresses["srt"]))
        under_attack(node, abuse_srt.ATTACKS, target, SRT_MOST_BYTES)
        gate, = (one["stats"]["srt"] for one in node.status()["processes"] if one["role"] == "gate")
        assert gate["asked"] > len(STATIONS) and gate["refused"], f"nobody came to the check: {gate}"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    tap.run(globals())
