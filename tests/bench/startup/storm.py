# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many stations coming up at once, and a share of them cut and coming back: one load, in which both happen."""

import json
import subprocess
import sys
import threading
import time

import accounting
from bench import Publisher, distribution

SAMPLE_S = 1.0
POLL_S = 0.2       # of all streams; how precisely "listed" is known
SETTLE_S = 12      # from the ramp's end to the storm: every station is listed and steady
AFTER_S = 15       # from the last return that is due to the end


class CpuWatch(threading.Thread):
    """CPU of the server's processes and of the whole machine, in cores, second by second."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.ended = root, threading.Event()
        self.samples = []  # (monotonic, server's cores, machine's cores)

    @staticmethod
    def machine_busy_s():
        with open("/proc/stat", encoding="ascii") as stat:
            fields = [int(field) for field in stat.readline().split()[1:9]]
        return (sum(fields) - fields[3] - fields[4]) / 100  # neither idle nor waiting for a disk

    def look(self):
        out = {pid: one.cpu_ns for pid, one in accounting.usage_each(accounting.family(self.root)).items()}
        return time.monotonic(), out, self.machine_busy_s()

    def run(self):
        then, before, busy_before = self.look()
        while not self.ended.wait(SAMPLE_S):
            now, after, busy = self.look()
            used = sum(max(0, ns - before.get(pid, 0)) for pid, ns in after.items())
            self.samples.append((now, used / 1e9 / (now - then), (busy - busy_before) / (now - then)))
            then, before, busy_before = now, after, busy

    def stop(self):
        self.ended.set()
        self.join()

    def between(self, begin, end):
        """Peaks: (server, machine)."""
        inside = [sample[1:] for sample in self.samples if begin <= sample[0] <= end]
        return tuple(max((sample[i] for sample in inside), default=0.0) for i in (0, 1))


class Streams(threading.Thread):
    """When each station was first listed with a segment, from /api/v1/streams."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ended = server, threading.Event()
        self.listed = {}  # station: UTC
        self.now = []     # the last answer

    def look(self):
        text = self.server.get("/api/v1/streams")
        if text is None:
            return
        now = time.time()
        self.now = json.loads(text)["streams"]
        for stream in self.now:
            if stream["replay"]:
                self.listed.setdefault(stream["station"], now)

    def run(self):
        while not self.ended.wait(POLL_S):
            self.look()

    def stop(self):
        self.ended.set()
        self.join()


def returns(sent, storm_s):
    """Of the stations that were cut by the storm: seconds from the cut to the next session, None: it never came."""
    out = []
    for station in sent["per_station"]:
        sessions = station["sessions"]
        cut = next((i for i, one in enumerate(sessions) if one["ended"] == "cut"), None)
        if cut is None:
            continue
        back = next((one["start_s"] for one in sessions[cut + 1:]
                     if one["ended"] in ("running", "finished", "cut", "dropped")), None)
        out.append(None if back is None else back - storm_s)
    return out


def storm_at_s(arguments):
    """Early enough to see its end, late enough that the load ends before the next one."""
    return max(arguments.ramp + SETTLE_S, arguments.within + AFTER_S + 1)


def planned_s(arguments):
    return storm_at_s(arguments) + arguments.within + AFTER_S


def measure(arguments, server, folder, trimmer):
    stations, gop_s = arguments.stations, arguments.gop
    storm_s, seconds = storm_at_s(arguments), planned_s(arguments)
    trim = subprocess.Popen([sys.executable, trimmer, str(folder)]) if arguments.trim else None
    cpu, streams = CpuWatch(server.process.pid), Streams(server)
    cpu.start()
    streams.start()
    publisher = None
    try:
        began = time.monotonic()
        publisher = Publisher(arguments.headgate, server, folder, arguments.clip, f"1-{stations}", seconds,
                              ["--ramp", arguments.ramp, "--reconnect-every", storm_s, "--reconnect-share",
                               arguments.share, "--reconnect-within", arguments.within,
                               *(["--silent-cuts"] if arguments.silent else [])])
        time.sleep(seconds - 2)
        node = server.node()
        sent = publisher.finish(arguments.patience)
        streams.stop()
    finally:
        if publisher:
            publisher.kill()
        cpu.stop()
        streams.ended.set()
        if trim:
            trim.kill()
            trim.wait()
    keyframes = publisher.keyframes.read_text().split()
    if not keyframes:
        raise RuntimeError(f"no station streamed: {sent['reasons']}")
    first = float(keyframes[0])
    first_session = sent["per_station"][0]["sessions"][0]
    load_began = first - first_session["start_s"]
    to_listed = []
    for station in sent["per_station"]:
        live = next((one for one in station["sessions"] if one["bytes"] and one["video"]), None)
        at = streams.listed.get(station["station"])
        if live and at:
            to_listed.append(at - load_began - live["start_s"] - gop_s)
    back = returns(sent, storm_s)
    here = [one for one in back if one is not None]
    first_sessions = {one["station"]: one["sessions"][0] for one in sent["per_station"]}
    up = max((one["start_s"] for one in first_sessions.values()), default=None)
    ramp_cpu = cpu.between(began, began + arguments.ramp + gop_s + 1)
    storm_cpu = cpu.between(began + storm_s, began + storm_s + arguments.within + gop_s + 1)
    now = {stream["station"]: stream for stream in streams.now}
    return {
        "part": "storm", "stations": stations, "ramp_s": arguments.ramp, "share": arguments.share, "silent": arguments.silent,
        "within_s": arguments.within, "run_s": sent["run_s"], "accepted": sent["accepted"],
        "refused": sent["refused"], "dropped": sent["dropped"], "given_up": sent["given_up"],
        "reasons": sent["reasons"], "accept_ms": sent["accept_ms"], "connect_ms": sent["connect_ms"],
        "all_live_s": up, "listed": len(streams.listed), "listed_beyond_gop_s": distribution(to_listed),
        "cut": sent["cut"], "back": len(here), "back_s": distribution(here),
        "gaps": sum(stream["gaps"] or 0 for stream in now.values()),
        "live_at_end": sum(stream["state"] == "live" for stream in node["streams"]),
        "workers": len(node["workers"]), "restarts": sum(one["restarts"] for one in node["processes"]),
        "lag_max_ms": sent["lag_max_ms"], "late_over_200ms": sent["late_over_200ms"],
        "late_over_1s": sent["late_over_1s"], "tick_late_max_ms": sent["tick_late_max_ms"],
        "cpu_ramp_peak": ramp_cpu[0], "cpu_storm_peak": storm_cpu[0],
        "machine_ramp_peak": ramp_cpu[1], "machine_storm_peak": storm_cpu[1],
        "load_cpu_ms_per_stream_second": sent["cpu_ms_per_stream_second"],
    }
