# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong with a node, one thing after the other, and whom it hits."""

import errno
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

DEAF_S = {"supervisor": 30, "worker": 45}  # of who is stopped: WatchdogSec of the unit; 30 s of silence
FRONT_DEAF_S = 25                          # of gate, origin and control: 10 s
FULL_S, HOG_S, CUT_S = 8, 20, 12
QUIET_S = 20  # between two troubles: streams are back by then
STEP_S = 7.0
PATIENCE_S = 120
ROLES = ("gate", "origin", "control", "worker", "supervisor")


class Chaos:
    """One trouble after the other. Each says which stations it hit and which event has to tell of it."""

    def __init__(self, node, relay, volume, stations, arguments):
        self.node, self.relay, self.volume = node, relay, volume
        self.stations, self.srt, self.relayed = stations["all"], stations["srt"], stations["relayed"]
        self.dice = random.Random(arguments.seed)
        self.troubles = []
        kinds = {"kill": self.kill, "stop": self.halt, "hog": self.hog, "network": self.network}
        if volume:
            kinds["disk"] = self.disk
        if node.clock:
            kinds["clock"] = self.clock
        self.kinds = {name: act for name, act in kinds.items() if name not in arguments.without}
        self.bag, self.stops = [], []
        self.sign = 1

    def next(self):
        """Does something; every kind comes before one comes again, kills of each role likewise, and of stops, which take long,
        one role each time."""
        if not self.bag:
            self.stops = self.stops or self.dice.sample(ROLES, len(ROLES))
            self.bag = [(name, role) for name in self.kinds for role in (ROLES if name == "kill" else
                        (self.stops.pop(),) if name == "stop" else ("",))]
            self.dice.shuffle(self.bag)
        name, role = self.bag.pop()
        began = time.monotonic()
        what = {"kind": name, "role": role, "at": began, "hit": [], "expect": [], "after_id": self.last_id()}
        self.kinds[name](what)
        what["until"] = time.monotonic()
        self.troubles.append(what)
        return what

    def last_id(self):
        return max((event.get("id", 0) for event in self.node.events()), default=0)

    def victim(self, role, what):
        """A process of that role, and whom it hits."""
        if role == "supervisor":
            return self.node.process.pid
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            told = self.node.node()
            pids = [one["pid"] for one in (told or {}).get("processes", []) if one["role"] == role]
            if role == "worker":
                busy = {one["worker"] for one in (told or {}).get("sessions", [])}
                pids = [one["pid"] for one in (told or {}).get("workers", []) if one["worker"] in busy]
            if pids:
                pid = self.dice.choice(sorted(pids))
                numbers = [one["worker"] for one in told["workers"] if one["pid"] == pid]
                what["hit"] = [one["station"] for one in told["sessions"] if one["worker"] in numbers] if role == "worker" else []
                what["pid"] = pid
                return pid
            time.sleep(0.2)
        raise RuntimeError(f"there is no {role}")

    def kill(self, what):
        role = what["role"]
        os.kill(self.victim(role, what), signal.SIGKILL)
        self.ends_srt(what)
        what["expect"] = ["node.ready"] if role == "supervisor" else [f"{role}.died"]

    def halt(self, what):
        role = what["role"]
        pid = self.victim(role, what)
        os.kill(pid, signal.SIGSTOP)
        what["expect"] = ["node.ready"] if role == "supervisor" else [f"{role}.died"]
        self.ends_srt(what)
        deadline = time.monotonic() + DEAF_S.get(role, FRONT_DEAF_S)
        while time.monotonic() < deadline and alive(pid):
            time.sleep(0.2)
        if role == "supervisor":
            os.kill(pid, signal.SIGKILL)
        what["ended"] = not alive(pid) or role == "supervisor"

    def ends_srt(self, what):
        """A gate carries its SRT sessions itself."""
        if what["role"] == "gate":
            what["hit"] = self.srt

    def disk(self, what):
        what["hit"], what["expect"] = self.stations, ["disk.full"]
        ballast = self.volume.path / "ballast"
        with open(ballast, "wb") as file:
            deadline = time.monotonic() + FULL_S
            while time.monotonic() < deadline:  # what the node gives back is taken as well
                try:
                    size = os.fstat(file.fileno()).st_size
                    os.posix_fallocate(file.fileno(), size, max(4096, self.volume.free() - 65536))
                except OSError as problem:
                    if problem.errno != errno.ENOSPC:
                        raise
                time.sleep(0.5)
        ballast.unlink()

    def hog(self, what):
        what["expect"] = ["node.full"]
        hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3 * os.cpu_count())]
        time.sleep(HOG_S)
        # On a machine that others load as well the node may have been full before: then it goes on saying why.
        if (full := (self.node.node() or {}).get("capacity", {}).get("full")) in ("cpu", "cpu-pressure", "late"):
            what["status"] = f"status: full, {full}"
        for one in hogs:
            one.kill()
            one.wait()

    def clock(self, what):
        what["expect"] = ["node.clock"]
        self.node.step(self.sign * STEP_S)
        self.sign = -self.sign

    def network(self, what):
        what["hit"], what["expect"] = self.relayed, ["session.closed"]
        self.relay.passing.clear()
        time.sleep(CUT_S)
        self.relay.passing.set()


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
