# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node for tests: real programs from the build folder, in a folder of its own, on ports of the kernel's choice."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import family  # noqa: E402  pylint: disable=wrong-import-position
from waiting import PATIENCE_S, SLOWNESS, wait_until  # noqa: E402  pylint: disable=wrong-import-position

BUILD = Path(os.environ["HEADGATE_BUILD"]).resolve()
HEADGATE = BUILD / "tools/headgate/headgate"
EVENT = 77
ROLES = ("supervisor", "gate", "worker", "origin", "control")


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def disk_bytes(pid):
    """Bytes that a process caused to be written to a disk."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    fields = {name: int(value) for name, value in (line.split(": ") for line in lines)}
    return fields["write_bytes"] - fields["cancelled_write_bytes"]


def environment(folder):
    """Hermetic: no home, a registry of its own, elements of this build."""
    env = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
    env.update({name: value for name, value in os.environ.items()
                if name.endswith("SAN_OPTIONS") or name == "GST_REGISTRY_FORK"})
    env.update(HOME="/invalid", GST_REGISTRY=str(folder / "registry.bin"), GST_PLUGIN_PATH=str(BUILD / "plugins"))
    return env


class Node:
    """`with Node() as node:` starts one and, at the end, stops it, holds it to a clean end and removes its folder.
    After a failure the folder stays and is named. One at a time: at its end no process may be left that the test has
    started. Stations have no ladder, unless the arguments say which (`offered-rungs=`), or `as_it_is`."""

    def __init__(self, data=None, arguments=(), as_it_is=False):
        family.adopt()
        # On a disk (what is written is measured), and short (Unix sockets have 107 characters).
        self.folder = Path(tempfile.mkdtemp(prefix="hg-", dir=os.environ.get("HEADGATE_TEST_FOLDER", "/var/tmp")))
        self.data = Path(data) if data else self.folder / "data"
        self.keys = self.folder / "keys"
        self.arguments = list(arguments)
        if not as_it_is and not any(one.startswith("offered-rungs=") for one in self.arguments):
            self.arguments += ["--set", "offered-rungs="]
        self.env = environment(self.folder)
        # Stock clients know nothing of our elements.
        self.client_env = {**self.env, "GST_REGISTRY": str(self.folder / "clients.bin")}
        del self.client_env["GST_PLUGIN_PATH"]
        self.addresses = {"http": "127.0.0.1:0", "rtmp": "127.0.0.1:0"}
        self.supervisor = None
        self.log = open(self.folder / "node.log", "ab")
        self.helpers = []

    def __enter__(self):
        try:
            self.headgate("ticket", "keygen", "--event", str(EVENT), "--out", str(self.keys))
            self.start()
        except BaseException:
            self.abandon()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self.abandon()
            return
        try:
            for helper in self.helpers:
                helper.stop()
            self.stop()
        except BaseException:
            self.abandon()
            raise
        self.log.close()
        shutil.rmtree(self.folder)

    def abandon(self):
        """After a failure: nothing keeps running, what there is to see stays."""
        # First what is looked at afterwards.
        family.kill_all(is_ours)
        for helper in self.helpers:
            try:
                helper.stop()
            except BaseException:  # pylint: disable=broad-except  # the others have to go too
                traceback.print_exc()
        family.kill_all()
        if self.supervisor:
            self.supervisor.wait()
        self.log.close()
        tail = (self.folder / "node.log").read_text(errors="replace").splitlines()[-60:]
        print(f"left in {self.folder}; the end of its log:", *tail, sep="\n  ", file=sys.stderr)

    # --- the node ---

    def headgate(self, *arguments, check=True):
        """Runs the command line; returns what it did."""
        done = subprocess.run([HEADGATE, *arguments], env=self.env, capture_output=True, text=True,
                              timeout=60 * SLOWNESS, check=False, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, f"headgate {' '.join(arguments)}: {done.stderr or done.stdout}"
        return done

    def start(self):
        """Starts the supervisor, again on the same ports if there was one, and waits until it serves."""
        self.supervisor = subprocess.Popen(
            [HEADGATE, "serve", "--data", self.data, "--keys", self.keys, "--http", self.addresses["http"],
             "--rtmp", self.addresses["rtmp"], *self.arguments],
            env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_until("the node serves", self.listening)

    def listening(self):
        assert self.supervisor.poll() is None, f"headgate serve ended with {self.supervisor.returncode}"
        status = self.status_or_none()
        # While it starts, it does not know everything yet.
        roles = {process["role"] for process in (status or {}).get("processes", [])}
        if not roles >= set(ROLES):
            return None
        # Nor does it take publishers before its workers have looked at what they can do.
        accepting = [worker["accepting"] for worker in status["workers"]]
        if not accepting or not all(accepting):
            return None
        self.addresses = status["listen"]
        return self.addresses if self.healthy() else None

    def status_or_none(self):
        done = self.headgate("status", "--data", str(self.data), "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def status(self):
        status = self.status_or_none()
        assert status is not None, "headgate status has no answer"
        return status

    def pids(self, role):
        return [process["pid"] for process in self.status()["processes"] if process["role"] == role]

    def kill(self, role):
        """SIGKILL for every process of a role; returns their ids."""
        killed = [self.supervisor.pid] if role == "supervisor" else self.pids(role)
        assert killed, f"there is no {role} to kill"
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        if role == "supervisor":
            self.supervisor.wait()
        return killed

    def stop(self):
        """SIGTERM; everything is closed within 5 s and no process is left."""
        began = time.monotonic()
        self.supervisor.terminate()
        code = self.supervisor.wait(timeout=20 * SLOWNESS)
        took = time.monotonic() - began
        assert code == 0, f"headgate serve ended with {code}"
        assert took < 5 * SLOWNESS, f"headgate serve took {took:.1f} s to end"
        left = family.descendants()
        assert not any(is_ours(command) for command in left.values()), f"left behind: {left}"
        # A client's own children may be a moment behind it.
        wait_until("the clients' processes are gone", lambda: not family.descendants(), 5)

    # --- what it serves ---

    def get(self, path, timeout=5.0):
        """(status, body) of a GET; OSError when nobody answers."""
        host, port = self.addresses["http"].rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout * SLOWNESS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def healthy(self):
        try:
            return self.get("/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def page(self, path):
        return f"http://{self.addresses['http']}{path}"

    def stream(self, station):
        """The STREAM of docs/api.md, or None."""
        try:
            status, body = self.get(f"/api/v1/streams/{station}")
        except (OSError, http.client.HTTPException):
            return None
        return json.loads(body) if status == 200 else None

    def wait_state(self, station, state, within=PATIENCE_S):
        def reached():
            stream = self.stream(station)
            return stream if stream and stream["state"] == state else None
        return wait_until(f"station {station} is {state}", reached, within)

    def wait_media(self, station, seconds=0.0, within=PATIENCE_S):
        """Until so much of a live stream is archived; its STREAM."""
        def there():
            stream = self.stream(station)
            return stream if stream and stream["state"] == "live" and stream["codecs"] and stream["duration_s"] > seconds else None
        return wait_until(f"more than {seconds} s of station {station} are archived", there, within + seconds)

    # --- tickets and the archive ---

    def ticket(self, station, keys=None, **options):
        """The JSON of `headgate ticket issue`; options as on its command line (from_="-1h", until="+1h")."""
        arguments = [part for name, value in options.items() for part in ("--" + name.strip("_").replace("_", "-"), value)]
        done = self.headgate("ticket", "issue", "--keys", str(keys or self.keys), "--station", str(station),
                             "--endpoint", f"rtmp://{self.addresses['rtmp']}/live", "--format", "json", *arguments)
        return json.loads(done.stdout)

    def url(self, station, client=None, **options):
        """The complete address to publish to, for stock clients or for one that wants another form."""
        return publish_url(self.ticket(station, **options), client)

    def rtmp_socket(self):
        host, port = self.addresses["rtmp"].rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=10 * SLOWNESS)

    def runs(self, station):
        """Run folders of a station, oldest first."""
        folder = self.data / "lta" / str(EVENT) / "st" / f"{station % 256:02x}" / f"{station:06d}"
        found = [path for path in folder.iterdir() if (path / "run.jl").exists()] if folder.exists() else []
        return sorted(found, key=lambda run: run.name)

    def check_archive(self):
        """Holds the archive to docs/archive.md by the reader that shares no code with the writer; its report."""
        done = subprocess.run([sys.executable, TOP / "tests/support/check_archive.py", self.data], capture_output=True,
                              text=True, timeout=60 * SLOWNESS, check=False)
        assert done.returncode == 0, f"the archive is wrong:\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)


def is_ours(command):
    return command.startswith(str(BUILD))


def log_text(node):
    """What the node's processes have said so far."""
    return (node.folder / "node.log").read_text(errors="replace")


def publish_url(ticket, client=None):
    for entry in ticket["publish"]:
        if entry["protocol"] == "rtmp" and entry.get("client") == client:
            return entry["url"]
    raise AssertionError(f"the ticket has no RTMP address for {client or 'stock clients'}")


def records(run, kind=None):
    """The lines of a run's chain, all or those of a kind; one that is just being written is none yet."""
    lines = [json.loads(line) for line in (run / "run.jl").read_text().rpartition("\n")[0].splitlines()]
    return [line for line in lines if kind is None or line["t"] == kind]
