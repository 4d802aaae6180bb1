# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node that is installed twice, as a package's old and new version are, behind a link that an upgrade moves on; and a
load of publishers and viewers that goes on meanwhile."""
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import family
from node import BUILD, HEADGATE, TOP, Node, wait_until
from waiting import SLOWNESS

sys.path.insert(0, str(TOP / "tests/bench/endurance"))
import archives  # noqa: E402  pylint: disable=wrong-import-position

PROGRAMS = ("headgate/headgate", "gate/headgate-gate", "origin/headgate-origin", "worker/headgate-worker",
            "control/headgate-control", "pipeline/headgate-pipeline")
COMMITTED_S = 10  # of a machine with other work


class InstalledNode(Node):
    """`current` in the node's folder leads to one of its trees; programs are found beside the one that runs. With a
    camera it runs a pipeline of its own, `cam`."""

    def __init__(self, *arguments, camera=None, **named):
        super().__init__(*arguments, **named)
        if not camera:
            return
        from instances_test import DESCRIPTIONS  # pylint: disable=import-outside-toplevel  # which has use of this
        shutil.copytree(TOP / "pipelines", self.folder / "pipelines", ignore=shutil.ignore_patterns("meson.build", "*.md"))
        (self.folder / "pipelines/camera.json").write_text(json.dumps({"name": "camera", "about": "Of a test.", **DESCRIPTIONS["camera"]}))
        (self.folder / "instances").mkdir()
        (self.folder / "instances/cam.conf").write_text(f"[pipeline]\ndescription=camera\n[parameters]\nstation={camera}\n")
        self.arguments += ["--pipelines", str(self.folder / "pipelines"), "--instances", str(self.folder / "instances")]

    def __enter__(self):
        for tree in ("a", "b"):
            self.install(tree)
        self.use("a")
        self.env["HEADGATE_PIPELINES"] = str(TOP / "pipelines")
        return super().__enter__()

    def install(self, tree):
        """A tree of its own inodes: whoever runs the other one's programs is seen to be another."""
        (self.folder / tree).mkdir()
        for program in PROGRAMS:
            if (BUILD / "tools" / program).exists():
                shutil.copy(BUILD / "tools" / program, self.folder / tree)

    def install_as(self, tree, like):
        """The same files once more: nobody who runs them is another."""
        shutil.copytree(self.folder / like, self.folder / tree, copy_function=os.link)

    def replace(self, tree, program, script):
        """One program of the tree is a script, which knows the real one as $REAL."""
        path = self.folder / tree / program
        real = path.with_name(f"real-{program}")
        path.rename(real)
        path.write_text(f"#!/bin/sh\nREAL={real}\n{script}\n")
        path.chmod(0o755)

    def use(self, tree):
        fresh = self.folder / "current.new"
        fresh.symlink_to(tree)
        fresh.rename(self.folder / "current")

    def start(self):
        self.supervisor = subprocess.Popen(
            [self.folder / "current/headgate", "serve", *self.settings(), *self.arguments],
            env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_until("the node serves", self.listening)

    def settings(self):
        return ["--data", self.data, "--keys", self.keys, "--http", self.addresses["http"], "--rtmp", self.addresses["rtmp"]]

    def abandon(self):
        family.kill_all(lambda command: command.startswith(str(self.folder)))
        super().abandon()

    def upgrade(self, *arguments):
        return self.headgate("upgrade", "--data", str(self.data), "--timeout", str(int(60 * SLOWNESS)), *arguments,
                             check=False)

    def report(self):
        return json.loads((self.data / "run/upgrade.json").read_text())

    def processes(self):
        """{pid: (role, tree, retiring)}"""
        found = {}
        for one in self.status()["processes"]:
            try:
                tree = Path(os.readlink(f"/proc/{one['pid']}/exe")).parent.name
            except FileNotFoundError:
                continue  # it has just ended
            found[one["pid"]] = (one["role"], tree, one.get("retiring", False))
        return found

    def tree_of_those_that_serve(self):
        """Of every process but those that retire: one tree, or several."""
        return {tree for _, tree, retiring in self.processes().values() if not retiring}


class Load:
    """Publishers and viewers of the first stations (or of those named), in real time; `with` ends them."""

    def __init__(self, node, clip, stations, viewers, seconds, url=None):
        self.node = node
        self.sent, self.seen = node.folder / f"sent-{stations}.json", node.folder / f"seen-{stations}.json"
        self.log = open(node.folder / "load.log", "ab")
        self.viewers, self.stations = viewers, stations
        self.ends = time.monotonic() + seconds
        self.publish = subprocess.Popen(
            [HEADGATE, "load", "publish", "--url", url or f"rtmp://{node.addresses['rtmp']}/lt", "--keys", node.keys,
             "--stations", stations if isinstance(stations, str) else f"1-{stations}", "--clip", clip, "--duration", str(seconds), "--json", self.sent],
            env=node.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.view = None

    def watch(self):
        """When all stations have enough to be watched; the viewers stay until shortly before the publishers go."""
        for station in range(1, self.stations + 1):
            self.node.wait_media(station, 6.0)
        left = int(self.ends - time.monotonic()) - 4
        assert left > 3, "the machine is too slow for this load"
        self.view = subprocess.Popen(
            [HEADGATE, "load", "view", "--url", f"http://{self.node.addresses['http']}", "--streams",
             f"1-{self.stations}", "--viewers", str(self.viewers), "--duration", str(left), "--json", self.seen],
            env=self.node.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.publish, self.view):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        self.log.close()

    def results(self):
        """(what was sent, what was seen); the latter None when nobody watched."""
        for process in (self.view, self.publish):
            if process:
                process.wait(max(0.0, self.ends - time.monotonic()) + 60 * SLOWNESS)
        return json.loads(self.sent.read_text()), json.loads(self.seen.read_text()) if self.view else None


def wrong_archives(node, sent):
    """{station: what is wrong}, every byte read again and every frame counted. What came last is there within a second or
    two: runs are committed once a second, and end when their sessions have."""
    deadline = time.monotonic() + COMMITTED_S * SLOWNESS
    while True:
        wrong = archives.compare(sent, archives.check_all(node.data, 1, lambda done, of: None))
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.2)
