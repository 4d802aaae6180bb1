# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benches of this folder have in common: options, the clip, the publisher, distributions, tables."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LOCAL_ADDRESSES = "127.0.1.1-127.0.1.250"  # a server may count connections per address
FINISH_S = 20  # for the publisher's goodbyes and its result


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"cpu": cpu, "cpus": os.cpu_count(), "kernel": os.uname().release}


class OutOfTime(Exception):
    pass


@contextlib.contextmanager
def bounded(seconds):
    """Ends what runs inside by OutOfTime, and by SystemExit at SIGTERM: in both cases what it has begun is undone."""
    def late(*_):
        raise OutOfTime(f"not done within {seconds:.0f} s")

    def told(*_):
        raise SystemExit("ended by a signal")
    before = signal.signal(signal.SIGALRM, late), signal.signal(signal.SIGTERM, told)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before[0])
        signal.signal(signal.SIGTERM, before[1])


@contextlib.contextmanager
def own_folder(prefix, parent, keep=False):
    """A fresh folder, deleted at the end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix + "-", dir=parent))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


class Progress:
    """A bar on a terminal, a line every tenth elsewhere."""
    WIDTH = 40

    def __init__(self, what):
        self.what, self.told = what, -1

    def show(self, done, of, text=""):
        share = min(1.0, done / of) if of else 1.0
        if sys.stderr.isatty():
            bar = "#" * round(share * self.WIDTH)
            line = f"\r{self.what}  [{bar:<{self.WIDTH}}] {share:4.0%}  {text}\033[K"
            print(line, end="", file=sys.stderr, flush=True)
            if share == 1 and self.told != 10:
                print(file=sys.stderr)
            self.told = 10 if share == 1 else self.told
        elif int(share * 10) > self.told:
            self.told = int(share * 10)
            print(f"{self.what}  {share:4.0%}  {text}", file=sys.stderr, flush=True)


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


def clip_kb_s(path):
    """kB of an FLV per second of its media."""
    with open(path, "rb") as clip:
        size = clip.seek(-4, os.SEEK_END) + 4
        clip.seek(size - 4 - int.from_bytes(clip.read(4), "big"))
        tag = clip.read(8)  # type, 3 bytes of size, 3 of time in ms, and its highest byte
    return size / ((tag[7] << 24) + int.from_bytes(tag[4:7], "big"))


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
        self.log = pathlib.Path(folder) / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [headgate, "load", "publish", *server.publish_arguments(), "--stations", stations, "--clip", str(clip),
                 "--duration", str(seconds), "--from", LOCAL_ADDRESSES, "--keyframe-log", str(self.keyframes),
                 "--json", str(self.result), *map(str, more)], stdout=log, stderr=log)

    def finish(self, wait_s=0):
        """The load's result, when it has ended by itself within `wait_s` or was asked to; raises without one, with its log."""
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(FINISH_S)
            except subprocess.TimeoutExpired:
                self.kill()
        if not self.result.exists():
            raise RuntimeError(f"no result, exit code {self.process.returncode}:\n{self.log.read_text(errors='replace')[-4000:]}")
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
