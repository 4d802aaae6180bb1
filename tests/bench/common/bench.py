# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benches of this folder have in common: options, the clip, the publisher, distributions, tables."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

LOCAL_ADDRESSES = "127.0.1.1-127.0.1.250"  # a server may count connections per address
FINISH_S = 20  # for the publisher's goodbyes and its result


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"cpu": cpu, "cpus": os.cpu_count(), "kernel": os.uname().release}


def columns(lines, left=(0,)):
    """Lines of cells as text; the columns in `left` begin at the left, the others end at the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def add_program(parser):
    """The options that every bench of a node has."""
    parser.add_argument("--headgate", default=shutil.which("headgate") or "headgate", metavar="PATH",
                        help="the program (from PATH: meson devenv)")
    parser.add_argument("--serve-option", action="append", default=[], metavar="OPTION",
                        help="more of `headgate serve`, one word each")
    parser.add_argument("--clip", metavar="FILE", help="FLV to publish; made by `headgate load clip` when absent")


def make_clip(headgate, path, *options):
    subprocess.run([headgate, "load", "clip", *options, str(path)], check=True, stdout=sys.stderr)
    return str(path)


def distribution(values):
    """{"count", "p50", "p95", "max"}, the last three None without values."""
    values = sorted(values)

    def at(share):
        return values[min(len(values) - 1, int(share * len(values)))] if values else None
    return {"count": len(values), "p50": at(0.5), "p95": at(0.95), "max": values[-1] if values else None}


class Publisher:
    """`headgate load publish` to a server of servers.py, in the folder given; `more` are options of it."""

    def __init__(self, headgate, server, folder, clip, stations, seconds, more=(), name="publish"):
        self.result = pathlib.Path(folder) / f"{name}.json"
        self.keyframes = pathlib.Path(folder) / f"{name}.keyframes"
        self.started = time.time()
        with open(pathlib.Path(folder) / f"{name}.log", "wb") as log:
            self.process = subprocess.Popen(
                [headgate, "load", "publish", *server.publish_arguments(), "--stations", stations, "--clip", str(clip),
                 "--duration", str(seconds), "--from", LOCAL_ADDRESSES, "--keyframe-log", str(self.keyframes),
                 "--json", str(self.result), *map(str, more)], stdout=log, stderr=log)

    def finish(self, wait_s=0):
        """The load's result, when it has ended by itself within `wait_s` or was asked to; raises without one."""
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(FINISH_S)
            except subprocess.TimeoutExpired:
                self.kill()
        return json.loads(self.result.read_text())

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Promises:
    """What was promised, what was seen, and whether it holds."""

    def __init__(self):
        self.rows = []

    def check(self, what, seen, promised, holds):
        self.rows.append({"promise": what, "seen": seen, "promised": promised, "holds": bool(holds)})

    @property
    def hold(self):
        return all(row["holds"] for row in self.rows)

    def table(self):
        return columns([["", "promise", "seen", "promised"]] +
                       [["ok" if row["holds"] else "NOT", row["promise"], str(row["seen"]), str(row["promised"])]
                        for row in self.rows], left=(0, 1))
