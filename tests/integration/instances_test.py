#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pipelines that a node runs by itself: live on its page as they come and go, started again as their descriptions say,
and outliving their supervisor and origin."""
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from node import EVENT, SLOWNESS, TOP, Node, log_text, records, wait_until
import tap  # pylint: disable=wrong-import-order
from admin import Admin, UnixConnection
from upgrading import InstalledNode

ARCHIVED = [{"use": "archive"}, "  event=${event} station=${station}", "abrhlssink name=hls archive.src ! hls.records"]
NUMBERS = {name: {"type": "integer", "default": 0, "min": 0, "max": 4294967295} for name in ("event", "station")}
DESCRIPTIONS = {
    "camera": {
        "trigger": "always", "parameters": NUMBERS, "health": {"stall": "2s"},
        "elements": [*ARCHIVED,
                     "videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=120,framerate=10/1",
                     "  ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 bframes=0 ! h264parse",
                     "  ! video/x-h264,stream-format=avc,alignment=au ! healthprobe ! archive.video"],
        "restart": {"pause": "200ms", "max-pause": "1s", "alarm-after": 2}},
    "intake-any": {
        "trigger": "listen", "listen": {"tcp": "127.0.0.1:0", "most": 2}, "parameters": {**NUMBERS, "key": {"type": "string"}},
        "elements": [*ARCHIVED, "fdsrc fd=${connection} ! identity name=${key} ! watchdog timeout=5000 ! video/mpegts,systemstream=true,packetsize=188",
                     "  ! tsdemux name=demux",
                     "demux. ! h264parse ! video/x-h264,stream-format=avc,alignment=au ! queue ! archive.video"]},
    "fails": {"trigger": "always", "parameters": {"file": {"type": "string"}},
              "elements": ["filesrc location=${file} ! fakesink"],
              "restart": {"pause": "100ms", "max-pause": "100ms", "alarm-after": 2, "give-up-after": 3}},
    "breaks": {"trigger": "always", "elements": ["videotestsrc is-live=true ! identity error-after=8 ! fakesink"],
               "restart": {"pause": "100ms", "max-pause": "100ms"}},
    "hears": {"trigger": "always", "elements": "udpsrc address=127.0.0.1 port=0 ! fakesink",
              "restart": {"silence": "500ms", "give-up-after": 1}},
}


def moment(at):
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Instances(Node):
    def __init__(self):
        # Both folders are there before the node is.
        self.own = Path(tempfile.mkdtemp(prefix="hg-own-", dir=os.environ.get("HEADGATE_TEST_FOLDER", "/var/tmp")))
        shutil.copytree(TOP / "pipelines", self.own / "pipelines", ignore=shutil.ignore_patterns("meson.build", "*.md"))
        for name, text in DESCRIPTIONS.items():
            (self.own / f"pipelines/{name}.json").write_text(json.dumps({"name": name, "about": "Of a test.", **text}))
        (self.own / "instances").mkdir()
        super().__init__(arguments=["--pipelines", str(self.own / "pipelines"), "--instances", str(self.own / "instances")])

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        shutil.rmtree(self.own)

    def write(self, name, description, **parameters):
        path = self.own / f"instances/{name}.conf"
        lines = ["[pipeline]", f"description={description}", "[parameters]", *(f"{key}={value}" for key, value in parameters.items())]
        path.with_suffix(".new").write_text("\n".join(lines) + "\n")
        path.with_suffix(".new").rename(path)

    def remove(self, name):
        (self.own / f"instances/{name}.conf").unlink()

    def describe(self, name, **text):
        path = self.own / f"pipelines/{name}.json"
        path.with_suffix(".new").write_text(json.dumps({"name": name, "about": "Of a test.", **text}))
        path.with_suffix(".new").rename(path)

    def instance(self, name):
        return next((one for one in self.status()["instances"] if one["instance"] == name), None)

    def wait_instance(self, name, state):
        return wait_until(f"{name} is {state}", lambda: (one := self.instance(name)) and one["state"] == state and one)

    def pid(self, name):
        return self.wait_instance(name, "running")["pid"]

    def admin(self):
        return Admin(lambda: UnixConnection(self.data / "run/admin.sock"))

    def told(self, kind):
        """Fields of the events of a kind."""
        try:
            return [event["fields"] for event in self.admin().events() if event["kind"] == kind]
        except OSError:
            return []


def new_media(node, station):
    """Until what is listed has grown: it is live."""
    before = node.wait_media(station)["duration_s"]
    wait_until(f"station {station} goes on", lambda: node.wait_media(station)["duration_s"] > before + 1)


def test_what_a_pipeline_archives_is_live_as_it_comes_and_goes():
    with Instances() as node:
        assert node.status()["instances"] == []
        node.write("cam-a", "camera", station=7)
        stream = node.wait_media(7, 1.0)
        assert stream["protocol"] == "pipeline" and stream["width"] == 160, stream
        wait_until("its health is told", lambda: node.stream(7)["health"])
        status, playlist = node.get("/hls/7/media.m3u8")
        assert status == 200 and b".m4s" in playlist, playlist
        pid = node.pid("cam-a")
        assert (pid, "cam-a") in [(one["pid"], one.get("instance")) for one in node.status()["processes"]]
        assert all(one["pid"] != pid for one in node.status()["workers"])
        admin = node.admin()
        session = wait_until("control knows it", lambda: next(iter(admin.get("/api/v1/sessions")["sessions"]), None))
        assert (session["station"], session["protocol"], session["worker"]) == (7, "pipeline", None), session
        assert session["event"] == EVENT, "it is archived as the node's event"
        wait_until("its rate is known", lambda: admin.get("/api/v1/sessions")["sessions"][0]["kbps"])
        status, answer = admin.ask("POST", "/api/v1/streams/7/kick", {})
        assert status == 409 and "cam-a" in answer["error"], (status, answer)
        # Another file, another pipeline; the first is not touched.
        node.write("cam-b", "camera", station=8)
        node.wait_media(8)
        # A file that has changed.
        node.write("cam-b", "camera", station=9)
        node.wait_media(9)
        node.wait_state(8, "waiting")
        assert records(node.runs(8)[0], "end"), "its run was not closed"
        node.remove("cam-b")
        node.wait_state(9, "waiting")
        wait_until("it is listed no more", lambda: node.instance("cam-b") is None)
        # What is wrong says where, and what runs stays.
        node.write("cam-a", "camera", station=7, color="red")
        refused = wait_until("the file is refused", lambda: (one := node.instance("cam-a")).get("reason") and one)
        assert "cam-a.conf" in refused["reason"] and "color" in refused["reason"], refused
        assert (refused["state"], refused["pid"]) == ("running", pid), refused
        node.write("phone", "station")
        assert "publishers" in node.wait_instance("phone", "refused")["reason"]
        os.mkfifo(node.own / "instances/pipe.conf")
        assert "no regular file" in node.wait_instance("pipe", "refused")["reason"]
        wait_until("both were told", lambda: {one.get("instance") for one in node.told("instance.refused")} >= {"cam-a", "phone"})
        new_media(node, 7)
        assert len(node.runs(7)) == 1


def test_processes_around_a_pipeline_and_it_itself_may_die():
    with Instances() as node:
        node.write("cam", "camera", station=7)
        node.wait_media(7, 1.0)
        pid = node.pid("cam")
        node.kill("origin")
        wait_until("there is another origin", lambda: node.healthy())
        new_media(node, 7)
        node.kill("supervisor")
        node.start()
        assert node.pid("cam") == pid, "it was not taken over"
        new_media(node, 7)
        node.kill("control")
        wait_until("control knows who streams", lambda: [one["station"] for one in sessions(node)] == [7])
        assert len(node.runs(7)) == 1
        os.kill(pid, signal.SIGKILL)
        wait_until("there is another one", lambda: node.pid("cam") != pid)
        wait_until("it records", lambda: len(node.runs(7)) == 2)
        new_media(node, 7)
        assert [one["instance"] for one in node.told("instance.died")] == ["cam"]
        wait_until("the sessions of both are told", lambda: len(node.told("session.opened")) == 2)
        assert node.told("session.closed")[0]["reason"] == "crash"
        node.check_archive()


def sessions(node):
    try:
        return node.admin().get("/api/v1/sessions")["sessions"]
    except OSError:
        return []


def test_who_fails_is_given_up_as_its_description_says_and_a_file_begins_anew():
    with Instances() as node:
        node.write("reader", "fails", file="/nonexistent/file")
        given_up = node.wait_instance("reader", "given-up")
        assert "pid" not in given_up and given_up["failed_in_a_row"] == 3, given_up
        assert "/nonexistent/file" in given_up["last_end"], given_up
        assert node.admin().get("/api/v1/instances")["instances"] == [given_up]
        told = node.headgate("status", "--data", str(node.data)).stdout
        assert re.search(r"^pipeline reader is given up after 3 failed runs: .*/nonexistent/file", told, re.M), told
        assert re.search(r"^reader +fails +given-up ", told, re.M), told
        wait_until("that was told", lambda: node.told("instance.over"))
        assert all("/nonexistent/file" in one["reason"] for one in node.told("instance.died")), node.told("instance.died")
        assert len(node.told("instance.died")) == 2 and len(node.told("instance.alarm")) == 1
        # What an element says of an address is told without what may be a secret of it.
        secret = secrets.token_hex(8)
        node.write("caller", "fails", file=f"rtmp://user:{secret}@a.example:1935/app/{secret}?{secret}")
        assert "rtmp://a.example:1935/***" in node.wait_instance("caller", "given-up")["last_end"]
        wait_until("that was told as well", lambda: "caller" in [one["instance"] for one in node.told("instance.over")])
        assert secret not in json.dumps([node.status(), node.admin().events()]) + log_text(node)
        node.remove("caller")
        # Nobody sends to it.
        node.write("ear", "hears")
        assert "nothing has come to fakesink0 for 0.5 s" in node.wait_instance("ear", "given-up")["last_end"]
        wait_until("that was told, too", lambda: "ear" in [one["instance"] for one in node.told("instance.over")])
        node.remove("ear")
        # What ends by itself is not started again.
        there = node.own / "there"
        there.write_bytes(b"x" * 100)
        node.write("reader", "fails", file=there)
        node.wait_instance("reader", "ended")
        assert len(node.told("instance.over")) == 4
        assert not node.told("process.alarm")


def test_at_its_time_it_begins_and_ends():
    with Instances() as node:
        camera = DESCRIPTIONS["camera"]
        # As late as it takes to be seen before it; short, and after it there is none for a day.
        begins = int(time.time() + 3 * SLOWNESS)
        node.describe("mass", **{**camera, "trigger": "schedule", "schedule": [
            {"from": moment(begins), "until": moment(begins + 3)}, {"from": moment(begins + 86400), "until": moment(begins + 90000)}]})
        node.write("hall", "mass", station=7)
        before = node.wait_instance("hall", "scheduled")
        assert before["next_start_utc"] == moment(begins).replace("Z", ".000Z") and not node.runs(7), before
        during = node.wait_instance("hall", "running")
        assert during["pid"] == before["pid"] and during["since_utc"] > before["since_utc"], (before, during)
        assert "next_start_utc" not in during, during
        after = node.wait_instance("hall", "scheduled")
        assert after["next_start_utc"] == moment(begins + 86400).replace("Z", ".000Z") and after["restarts"] == 0, after
        assert time.time() >= begins + 3, "it ended before its time was over"
        (run,) = node.runs(7)
        assert records(run, "end")[0]["reason"] == "eos", records(run, "end")
        node.wait_state(7, "ended")


class Installed(InstalledNode, Instances):
    """A node with pipelines of its own, whose programs can be replaced."""

    def runs_from(self, name, folder):
        try:
            return Path(os.readlink(f"/proc/{self.pid(name)}/exe")).parent.name == folder
        except FileNotFoundError:  # it has just ended
            return False


def test_an_upgrade_replaces_it_and_closes_its_run():
    with Installed() as node:
        node.write("hall", "camera", station=7)
        node.wait_media(7, 1.0)
        before = node.wait_instance("hall", "running")
        node.use("b")
        done = node.upgrade()
        assert done.returncode == 0, done.stderr + done.stdout
        wait_until("the new program runs it", lambda: node.pid("hall") != before["pid"])
        program = os.readlink(f"/proc/{node.pid('hall')}/exe")
        assert Path(program).parent.name == "b", program
        wait_until("it records", lambda: len(node.runs(7)) == 2)
        new_media(node, 7)
        assert [one["reason"] for one in records(node.runs(7)[0], "end")] == ["eos"], records(node.runs(7)[0], "end")
        assert not node.told("instance.died") and node.instance("hall")["restarts"] == 0, node.instance("hall")
        assert node.admin().get("/api/v1/instances")["instances"][0]["state"] == "running", "control knows the new supervisor's word"
        # One whose source fails again and again, as it does with any program, is no reason to keep the old ones.
        node.write("doomed", "breaks")
        wait_until("it fails", lambda: len(node.told("instance.died")) > 1)
        node.use("a")
        done = node.upgrade()
        assert done.returncode == 0, done.stderr + done.stdout
        wait_until("the new program runs it", lambda: node.runs_from("doomed", "a"))


def seen_of_others(text):
    """Command lines that have it, of every process that there is."""
    def line(path):
        try:
            return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return [words for path in Path("/proc").glob("[0-9]*/cmdline") if text in (words := line(path))]


def test_each_connection_to_a_pipeline_that_listens_is_live():
    # What may be a secret comes from files, and is nowhere for other users of the machine to see.
    secret = f"hush-{secrets.token_hex(8)}"
    with Instances() as node:
        (node.folder / "signing").write_text("0123456789abcdef\n")
        (node.folder / "signing").chmod(0o600)
        (node.folder / "node.conf").write_text(
            f"[control]\nwebhook=http://user-{secret}:{secret}@127.0.0.1:9/hook/{secret}?{secret}\nwebhook-secret={node.folder}/signing\n"
            f"[parameters]\nkey={secret}\n")
        node.stop()
        node.arguments += ["--config", str(node.folder / "node.conf")]
        node.start()
        node.write("door", "intake-any", station=5, key=secret)
        port = int(wait_until("it listens", lambda: re.search(r"listens on 127\.0\.0\.1:(\d+)", log_text(node)))[1])
        pid = node.pid("door")
        sender = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-t", "60", "-c:v", "libx264",
             "-preset", "ultrafast", "-bf", "0", "-g", "25", "-f", "mpegts", f"tcp://127.0.0.1:{port}"],
            env=node.client_env, stdin=subprocess.DEVNULL)
        try:
            node.wait_media(5, 1.0)
            session = sessions(node)[0]
            assert session["peer"].startswith("127.0.0.1:"), session
            assert not (seen := seen_of_others(secret)), seen
            told = node.admin().get("/api/v1/node")
            assert secret not in json.dumps(told)
            control, = (one for one in told["processes"] if one["role"] == "control")
            assert [one["url"] for one in control["stats"]["webhooks"]] == ["http://127.0.0.1:9"], control
            assert secret not in log_text(node)
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
            assert len(children) == 1
            # The connection's process is no process of the node's: it dies alone.
            os.kill(int(children[0]), signal.SIGKILL)
            wait_until("the session is over", lambda: not sessions(node))
            node.wait_state(5, "waiting")
            assert node.pid("door") == pid
        finally:
            sender.kill()
            sender.wait()


if __name__ == "__main__":
    tap.run(globals())
