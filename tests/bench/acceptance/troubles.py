# SPDX-License-Identifier: LGPL-2.1-or-later
"""The node that is examined, what goes wrong with it, and `headgate check` meanwhile."""

import json
import os
import signal
import subprocess
import time

from bench import Publisher
from servers import Headgate, pipelines_with
from starve import starved

STATION = 3
IDLE_MS = 3000  # of silence, then a publisher is disconnected
SILENT_S = 4
PATIENCE_S = 90  # for whatever is waited for
STANDARDS = {"hls": f"/hls/{STATION}/index.m3u8", "dash": f"/dash/{STATION}/manifest.mpd"}
# When what goes wrong, as shares of the whole.
WHEN = {"reconnect": 0.12, "encoder": 0.25, "pause": 0.4, "silence": 0.65, "worker": 0.8}
# Pipelines, and which parameter of each has its rungs. An event's are always encoded; a station's while somebody plays them.
PIPELINES = {"event": "rungs", "station": "offered-rungs"}


def due_at(arguments):
    """{name: s since the beginning} of all that is to go wrong, the second time as "name 2"."""
    due = {}
    for time_number in range(arguments.times):
        for name, share in WHEN.items():
            if name not in arguments.without:
                key = name if time_number == 0 else f"{name} {time_number + 1}"
                due[key] = (time_number + share) / arguments.times * arguments.seconds
    return due


class Node(Headgate):
    """A node whose ladder's encoders fail when the file `break` says so."""

    def __init__(self, folder, arguments, pipeline):
        super().__init__(folder, arguments.headgate)
        self.breaks = self.folder / "break"
        pipelines = pipelines_with(self.folder, pipeline, "encoder=nvh264enc")
        plugins = [arguments.breaking, *filter(None, os.environ.get("GST_PLUGIN_PATH", "").split(":"))]
        os.environ.update(GST_PLUGIN_PATH=":".join(dict.fromkeys(plugins)), GST_REGISTRY=str(self.folder / "registry.bin"),
                          HEADGATE_BREAK_ENCODER=str(self.breaks))
        parameters = [f"{PIPELINES[pipeline]}={arguments.rungs}", f"idle-ms={IDLE_MS}", *arguments.set]
        self.options = ["--pipeline", pipeline, "--pipelines", str(pipelines), "--capacity", "1", "--workers", "2",
                        *(word for one in parameters for word in ("--set", one)), *arguments.serve_option]

    def stream(self):
        text = self.get(f"/api/v1/streams/{STATION}")
        return json.loads(text) if text else {"state": "none", "renditions": [], "sessions": 0}

    def states(self):
        return {one["name"]: one["state"] for one in self.stream()["renditions"]}

    def wait_running(self, what):
        def reasons():
            return [{key: one.get(key) for key in ("name", "state", "reason")} for one in self.stream()["renditions"]]
        wait(what, lambda: set(self.states().values()) == {"running"}, instead=reasons)

    def worker_pid(self):
        def found():
            node = self.node()
            numbers = [one["worker"] for one in node["sessions"] if one["station"] == STATION]
            return next((one["pid"] for one in node["workers"] if [one["worker"]] == numbers), None)
        return wait("a worker has the publisher", found)

    def has_said(self, text):
        return text in (self.folder / "server.log").read_text(errors="replace")


def wait(what, holds, within=PATIENCE_S, instead=lambda: None):
    """What `holds` returns when it does; `instead` says what there is where it does not in time."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        if time.monotonic() > deadline:
            there = instead()
            raise RuntimeError(f"not within {within} s: {what}" + (f", but {there}" if there else ""))
        time.sleep(0.1)
    return found


class Trouble:
    """What goes wrong, when it is due; each returns when it is over."""

    def __init__(self, node, arguments, folder):
        self.node, self.arguments, self.folder = node, arguments, folder
        self.publisher = None
        self.publishers = 0
        self.publish()

    def publish(self):
        self.publishers += 1
        self.publisher = Publisher(self.arguments.headgate, self.node, self.folder, self.arguments.clip, str(STATION),
                                   self.arguments.seconds + 600, name=f"publish-{self.publishers}")

    def come_back(self, sessions):
        wait("the publisher is back", lambda: self.node.stream()["sessions"] > sessions)
        self.node.wait_running("all rungs run again")

    def reconnect(self):
        """Cut off and back at once."""
        sessions = self.node.stream()["sessions"]
        self.publisher.kill()
        self.publish()
        self.come_back(sessions)

    def silence(self):
        """The publisher says nothing for some seconds and is disconnected."""
        sessions = self.node.stream()["sessions"]
        self.publisher.process.send_signal(signal.SIGSTOP)
        time.sleep(SILENT_S)
        self.publisher.process.send_signal(signal.SIGCONT)
        self.come_back(sessions)

    def encoder(self):
        """The next encoder that gives a picture fails instead."""
        self.node.breaks.touch()
        wait("an encoder fails", lambda: self.node.has_said("encoder: It was told to fail."))
        self.node.wait_running("all rungs run again")

    def pause(self):
        """Encoding gets no processor until a rung gives way."""
        with starved(self.node.worker_pid()):
            wait("a rung gives way", lambda: "paused" in self.node.states().values())
        self.node.wait_running("it comes back")

    def worker(self):
        sessions = self.node.stream()["sessions"]
        os.kill(self.node.worker_pid(), signal.SIGKILL)
        self.come_back(sessions)

    def stop(self):
        self.publisher.kill()


class Check:
    """`headgate check` under way."""

    def __init__(self, arguments, node, standard, seconds):
        url = f"http://127.0.0.1:{node.http_port}{STANDARDS[standard]}"
        self.process = subprocess.Popen([arguments.headgate, "check", standard, url, "--duration", str(seconds), "--json"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def end(self):
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        return json.loads(out)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
