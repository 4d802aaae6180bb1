# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that are compared: how each is started on an empty folder, where it takes streams, where it lists
them."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import accounting

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
NGINX_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
READY_S = 20
STOP_S = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_udp_ports(count):
    with contextlib.ExitStack() as open_ones:
        probes = [open_ones.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Server:
    """One run of one server. `folder` is empty and its alone."""
    name = ""

    def __init__(self, folder, headgate):
        self.folder = pathlib.Path(folder)
        self.headgate = headgate
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def publish_arguments(self):
        """Of `headgate load publish`."""
        raise NotImplementedError

    def playlist(self, station):
        """The text of a station's media playlist, or None while there is none."""
        raise NotImplementedError

    def start(self):
        log = open(self.folder / "server.log", "wb")
        # A session of its own, so that accounting finds children whose parent has gone.
        self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, start_new_session=True)
        log.close()
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen:\n{self.log()}")

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")[-4000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def pipelines_with(folder, name, ladder):
    """The descriptions, copied into `folder`, of which `name`'s ladder has these properties as well."""
    pipelines = pathlib.Path(folder) / "pipelines"
    if not pipelines.exists():
        shutil.copytree(TOP / "pipelines", pipelines)
    description = json.loads((pipelines / f"{name}.json").read_text())
    description["elements"] = [line.replace("abrhlssink name=hls", f"abrhlssink name=hls {ladder}")
                               for line in description["elements"]]
    (pipelines / f"{name}.json").write_text(json.dumps(description))
    return pipelines


class NginxRtmp(Server):
    """Debian's nginx-rtmp: HLS with 2 s segments, and everything recorded; one worker. It neither hashes nor syncs
    to disk, and writes what it gets twice."""
    name = "nginx-rtmp"

    def command(self):
        for part in ("hls", "rec"):
            (self.folder / part).mkdir()
        text = (HERE / "nginx-rtmp.conf").read_text()
        # Only root may be somebody else, and then would be by default.
        text = text.replace("@USER@", "user root;" if os.geteuid() == 0 else "")
        text = text.replace("@OUT@", str(self.folder)).replace("@PORT@", str(self.port))
        (self.folder / "nginx.conf").write_text(text)
        return ["nginx", "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]

    def publish_arguments(self):
        return ["--url", f"rtmp://127.0.0.1:{self.port}/live", "--plain", "s"]

    def playlist(self, station):
        try:
            return (self.folder / "hls" / f"s{station}" / "index.m3u8").read_text()
        except FileNotFoundError:
            return None


class Srs(Server):
    """SRS as its own full configuration sets it up for HLS and DVR; one process. No Debian package: build it with
    -O2 (its default is none) and put `srs` in PATH. It writes what it gets twice, too."""
    name = "srs"

    def command(self):
        text = (HERE / "srs.conf").read_text()
        text = text.replace("@OUT@", str(self.folder)).replace("@PORT@", str(self.port))
        (self.folder / "srs.conf").write_text(text)
        return ["srs", "-c", str(self.folder / "srs.conf")]

    def publish_arguments(self):
        return ["--url", f"rtmp://127.0.0.1:{self.port}/live", "--plain", "s"]

    def playlist(self, station):
        try:
            return (self.folder / "hls" / "live" / f"s{station}.m3u8").read_text()
        except FileNotFoundError:
            return None


class Headgate(Server):
    """A node: tickets, archive with hash chain and a commit each second, HLS out of the archive."""
    name = "headgate"
    options = []  # more of `headgate serve`

    def command(self):
        keys = self.folder / "keys"
        subprocess.run([self.headgate, "ticket", "keygen", "--event", "77", "--out", str(keys)], check=True,
                       stdout=subprocess.DEVNULL)
        (self.folder / "data").mkdir()
        self.http_port = free_port()
        self.connection = None
        return [self.headgate, "serve", "--data", str(self.folder / "data"), "--keys", str(keys),
                "--http", f"127.0.0.1:{self.http_port}", "--rtmp", f"127.0.0.1:{self.port}", *self.options]

    def publish_arguments(self):
        return ["--url", f"rtmp://127.0.0.1:{self.port}/lt", "--keys", str(self.folder / "keys")]

    def get(self, path):
        """The body, or None when it is not there (yet). One connection: of one thread."""
        for again in (True, False):
            known = self.connection is not None
            try:
                if not known:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
                self.connection.request("GET", path)
                response = self.connection.getresponse()
                text = response.read().decode()
                return text if response.status == 200 else None
            except (OSError, http.client.HTTPException):
                self.connection = None
                if not (again and known):  # one that was idle for long has been closed
                    return None

    def playlist(self, station):
        return self.get(f"/hls/{station}/media.m3u8")

    def node(self):
        """NODE of docs/api.md."""
        told = subprocess.run([self.headgate, "status", "--data", str(self.folder / "data"), "--json"], check=True,
                              capture_output=True, text=True, timeout=READY_S)
        return json.loads(told.stdout)

    def wait_ready(self):
        """Until the whole node has said that it serves, not only its socket."""
        deadline = time.monotonic() + READY_S
        while "ready rtmp=" not in self.log():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} is not ready:\n{self.log()}")
            time.sleep(0.05)

    def stop(self):
        pids = accounting.family(self.process.pid)
        super().stop()
        for pid in pids:  # its children outlive a supervisor that had to be killed
            try:
                if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("headgate"):
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def missing(server, headgate):
    """Why it cannot be run here, or None."""
    if server is NginxRtmp and not (shutil.which("nginx") and NGINX_MODULE.exists()):
        return "apt install nginx libnginx-mod-rtmp"
    if server is Srs and not shutil.which("srs"):
        return "no srs in PATH; Debian has none, https://ossrs.net tells how to build it"
    if not shutil.which(headgate):
        return f"{headgate} is no program: --headgate PATH, or meson devenv"
    return None


SERVERS = {server.name: server for server in (NginxRtmp, Headgate, Srs)}
