#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate preflight: good nodes pass, running or not, and each planted fault is named by its own check, and by no
other."""
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from node import BUILD, EVENT, HEADGATE, SLOWNESS, TOP, Node, environment, log_text, wait_until

import certificate  # of tests/support, which node makes known
import family
import tap

CLOCK = BUILD / "tests/tools/preflight/libpreflight-clock.so"
SANITIZED = any(name.endswith("SAN_OPTIONS") for name in os.environ)
# Writing at full speed says nothing about a fault, and a whole publisher has tests of its own.
QUICK = ["--skip", "disk-speed,publisher"]
NOBODY = 65534


class Site:
    """What a node would be started with: folders, keys, a certificate, ports of the kernel's choice."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hg-", dir=os.environ.get("HEADGATE_TEST_FOLDER", "/var/tmp")))
        self.folder.chmod(0o755)
        self.env = environment(self.folder)
        self.keys = self.keygen("keys")
        self.data = self.folder / "data"
        self.data.mkdir()
        self.tickets = self.folder / "tickets"
        self.tickets.mkdir()
        self.cert, self.key = certificate.write(self.folder)
        self.settings = {"--data": self.data, "--keys": self.keys / "node", "--rtmp": "127.0.0.1:0", "--http": "127.0.0.1:0",
                         "--rtmps": "127.0.0.1:0", "--srt": "127.0.0.1:0", "--tls-cert": self.cert, "--tls-key": self.key,
                         "--endpoints": "127.0.0.1:1935,127.0.0.1:9000", "--max-connections": "1000"}
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def headgate(self, *arguments):
        done = subprocess.run([HEADGATE, *arguments], env=self.env, capture_output=True, text=True, check=False,
                              timeout=60 * SLOWNESS, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def keygen(self, name, event=EVENT):
        folder = self.folder / name
        self.headgate("ticket", "keygen", "--event", str(event), "--out", str(folder))
        return folder

    def ticket(self, station, *options, keys=None, endpoint="rtmp://127.0.0.1:1935/lt"):
        """A file of tickets/."""
        (self.tickets / f"{station}.json").write_text(self.headgate(
            "ticket", "issue", "--keys", str(keys or self.keys), "--station", str(station), "--endpoint", endpoint,
            "--format", "json", *options))

    def arguments(self):
        return [str(part) for pair in self.settings.items() for part in pair]


def preflight(arguments, env, clock="synchronised", limit=None):
    """(exit code, {check: its object}) of `headgate preflight --json`."""
    env = dict(env)
    arguments = ["preflight", "--json", *map(str, arguments)]
    # A sanitizer has to be the first library of a program.
    if not SANITIZED:
        env |= {"LD_PRELOAD": str(CLOCK), "HEADGATE_TEST_CLOCK": clock}
    done = subprocess.run([HEADGATE, *arguments], env=env, capture_output=True, text=True, check=False, timeout=150 * SLOWNESS,
                          stdin=subprocess.DEVNULL, preexec_fn=limit)
    assert done.returncode in (0, 1), f"{done.returncode}: {done.stderr}"
    print(done.stdout, file=sys.stderr)
    report = json.loads(done.stdout)
    checks = {check["name"]: check for check in report["checks"]}
    if SANITIZED:
        checks.pop("clock", None)
        return int(any(check["result"] == "fail" for check in checks.values())), checks
    assert report["failed"] == len(failed(checks)), report
    return done.returncode, checks


def failed(checks):
    return {name for name, check in checks.items() if check["result"] == "fail"}


def texts(check):
    return "\n".join(finding["what"] for finding in check["findings"] if finding["result"] == "fail")


def expect_fault(site, name, *words, extra=(), env=None, skipped=(), **how):
    """That check fails, with all of the words, and no other; those behind it are not tried."""
    code, checks = preflight([*site.arguments(), *QUICK, *extra], env or site.env, **how)
    assert code == 1 and failed(checks) == {name}, f"{name} was to fail: {({n: texts(checks[n]) for n in failed(checks)})}"
    for word in words:
        assert word in texts(checks[name]), f"'{word}' is not in: {texts(checks[name])}"
    assert all(finding["do"] for finding in checks[name]["findings"]), checks[name]
    for other in skipped:
        assert checks[other]["result"] == "skip", checks[other]
    return checks


def expect_good(code, checks):
    assert code == 0 and not failed(checks), {name: texts(checks[name]) for name in failed(checks)}


# --- good nodes ---

def test_a_node_that_does_not_run_is_good():
    family.adopt()
    with Site() as site:
        site.ticket(421)
        code, checks = preflight([*site.arguments(), "--set", "offered-rungs=", "--tickets", site.tickets, "--streams", "20", "--kbps", "300",
                                  "--hours", "1"], site.env)
        expect_good(code, checks)
        assert all(check["result"] == "pass" for name, check in checks.items() if name in (
            "keys", "ports", "volume", "disk-space", "elements", "pipelines", "tickets")), checks
        published = checks["publisher"]["measured"]
        for protocol in ("rtmp ", "rtmps ", "srt "):
            assert f"{protocol}" in published and "frames archived" in published, published
        assert "on a node of its own" in published
        # Nothing is left: no folder, no process.
        assert not list(site.data.iterdir()), list(site.data.iterdir())
        assert not [line for line in family.descendants().values() if "headgate" in line], family.descendants()


def test_beside_a_node_that_runs():
    with Node() as node:
        arguments = ["--data", node.data, "--keys", node.keys / "node", "--rtmp", node.addresses["rtmp"], "--http",
                     node.addresses["http"], "--max-connections", "1000"]
        code, checks = preflight([*arguments, "--issuer", node.keys, "--skip", "disk-speed"], node.env)
        expect_good(code, checks)
        assert "(the node's)" in checks["ports"]["measured"]
        assert "on the node that runs" in checks["publisher"]["measured"], checks["publisher"]
        assert "preflight" not in log_text(node), "a publisher is told as such"
        wait_until("nothing of it is left in the archive", lambda: not node.runs(2**32 - 1))
        # What a station records in earnest is evidence.
        code, checks = preflight([*arguments, "--test-ticket", node.ticket(421)["ticket"], "--only", "publisher"], node.env)
        assert code == 1 and "what it records stays" in texts(checks["publisher"]) and not node.runs(421), checks
        # It runs with other settings than these.
        arguments[arguments.index("--http") + 1] = "127.0.0.1:1"
        code, checks = preflight([*arguments, "--only", "ports"], node.env)
        assert code == 1 and "restart it" in checks["ports"]["findings"][0]["do"], checks


# --- planted faults ---

def test_keys_that_everybody_may_read():
    with Site() as site:
        (master,) = (site.keys / "node").glob("master-*.key")
        master.chmod(0o644)
        expect_fault(site, "keys", f"everybody on this machine may read {master} (mode 0644)")


def test_a_certificate_that_has_expired():
    with Site() as site:
        folder = site.folder / "authority"
        folder.mkdir()
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index.txt\nrand_serial=yes\nnew_certs_dir={folder}\n"
                                       "default_md=sha256\npolicy=any\ncopy_extensions=copy\n[any]\ncommonName=supplied\n")
        request = folder / "request.pem"
        subprocess.run(["openssl", "req", "-new", "-key", site.key, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-out", request], check=True, capture_output=True)
        subprocess.run(["openssl", "ca", "-batch", "-notext", "-config", folder / "ca.cnf", "-selfsign", "-keyfile", site.key, "-in", request,
                        "-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-out", site.cert], check=True, capture_output=True)
        expect_fault(site, "certificate", "expired on 2021-01-01 00:00 UTC")


def test_a_key_of_another_certificate():
    with Site() as site:
        other = site.folder / "other"
        other.mkdir()
        shutil.copy(certificate.write(other)[1], site.key)
        expect_fault(site, "certificate", f"{site.key}: not the certificate's key")


def test_a_certificate_for_another_name():
    with Site() as site:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        site.settings |= {"--rtmps": f"127.0.0.1:{port}", "--endpoints": f"127.0.0.2:{port}"}
        expect_fault(site, "certificate", "does not name 127.0.0.2")


def test_a_port_that_is_taken():
    with Site() as site, socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        site.settings["--rtmp"] = address
        expect_fault(site, "ports", f"--rtmp {address} is taken by {Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})")


def test_control_that_no_node_would_start_with():
    with Site() as site, socket.create_server(("127.0.0.1", 0)) as taken:
        tokens = site.folder / "tokens"
        tokens.write_text("# nobody yet\n")
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        site.settings |= {"--control": address, "--control-tokens": tokens}
        only = ["--only", "control,ports"]
        expect_fault(site, "ports", f"--control {address} is taken by ", extra=only)
        site.settings["--control"] = "127.0.0.1:0"
        tokens.write_text("someone reads 00\n")
        expect_fault(site, "control", f"{tokens}:1: the role is", extra=only)
        tokens.unlink()
        expect_fault(site, "control", f"{tokens}: No such file", extra=only)


def test_a_plan_that_is_larger_than_the_disk():
    with Site() as site:
        expect_fault(site, "disk-space", "20 streams of 9000 kbit/s for 700 h need 57 TB",
                     extra=["--streams", "20", "--kbps", "9000", "--hours", "700"])


def test_a_folder_that_cannot_be_written():
    with Site() as site:
        extra = []
        if os.geteuid() == 0:
            # Root may write anything: it is looked at as the one whose folder it is. Who may not enter the build's folder.
            for path in (site.data, site.keys, *site.keys.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
            site.key.chmod(0o644)
            extra = ["--skip", "elements,pipelines,disk-speed,publisher"]
        site.data.chmod(0o555)
        expect_fault(site, "volume", f"cannot be written: {site.data}: Permission denied", extra=extra)
        site.data.chmod(0o755)


def test_too_few_descriptors():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
    with Site() as site:
        expect_fault(site, "open-files", "the origin may need 4112 open files, and may have 512", limit=limit)


def test_a_ticket_of_another_event():
    with Site() as site:
        site.ticket(421)
        site.ticket(422, keys=site.keygen("others", EVENT + 1))
        expect_fault(site, "tickets", "422.json:1: FOREIGN-EVENT", extra=["--tickets", site.tickets])


def test_a_ticket_whose_time_is_over_and_one_that_ends_too_early():
    with Site() as site:
        site.ticket(421, "--from=-3d", "--until=-1d")
        site.ticket(422, "--until=+1h")
        site.ticket(423, "--max-kbps", "500")
        expect_fault(site, "tickets", "421.json:1, station 421: its time is over since", "422.json:1, station 422: it ends on",
                     "423.json:1, station 423: it allows 500 kbit/s, the plan has 600",
                     extra=["--tickets", site.tickets, "--streams", "3", "--kbps", "600", "--hours", "4"])


def test_a_ticket_that_is_revoked():
    with Site() as site:
        site.ticket(421)
        site.ticket(422)
        revoked = site.folder / "revoked"
        site.settings["--revoked"] = revoked
        ids = [json.loads((site.tickets / f"{station}.json").read_text())["tid"] for station in (421, 422)]
        revoked.write_text(f"# lost\n{ids[1]}\n")
        expect_fault(site, "tickets", f"422.json:1, station 422: it is revoked ({revoked})", extra=["--tickets", site.tickets])
        revoked.write_text("422\n")
        expect_fault(site, "addresses", f"{revoked}: line 1 is no ticket's id", extra=["--only", "addresses"])


def test_a_wrong_description():
    with Site() as site:
        pipelines = site.folder / "pipelines"
        shutil.copytree(TOP / "pipelines", pipelines)
        station = pipelines / "station.json"
        station.write_text(station.read_text().replace("segmentarchiver name=archive", "segmentarchiver name=archive colour=red"))
        site.settings["--pipelines"] = pipelines
        checks = expect_fault(site, "pipelines", f"{station}:", "colour")
        assert "a node does not start with it" in checks["pipelines"]["findings"][0]["do"], checks["pipelines"]
        (site.data / "last-good/pipelines").mkdir(parents=True)
        checks = expect_fault(site, "pipelines", "colour", extra=["--only", "pipelines"])
        assert "a node that is started takes the last good ones" in checks["pipelines"]["findings"][0]["do"], checks["pipelines"]


def free_ports(count):
    with contextlib.ExitStack() as stack:
        return [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


def test_pipelines_of_its_own_that_could_not_run():
    with Site() as site:
        folder = site.folder / "instances"
        folder.mkdir()
        box, preview, rtmp, other = free_ports(4)
        site.settings |= {"--instances": folder, "--rtmp": f"127.0.0.1:{rtmp}"}
        only = ["--only", "instances,ports"]

        def write(name, description, **parameters):
            lines = ["[pipeline]", f"description={description}", "[parameters]", *(f"{key.replace('_', '-')}={value}" for key, value in parameters.items())]
            (folder / f"{name}.conf").write_text("\n".join(lines) + "\n")

        def expect(*words):
            expect_fault(site, "instances", *words, extra=only)
        write("hall", "videobox", station=7, port=box, preview_port=preview)
        write("door", "intake", station=8, port=other)
        code, checks = preflight([*site.arguments(), *only], site.env)
        expect_good(code, checks)
        assert checks["instances"]["measured"] == f"2 in {folder}: door (intake), hall (videobox)", checks
        write("door", "intake", station=7, port=box)
        expect(f"door and hall are both station 7 of event {EVENT}", f"door and hall both want 127.0.0.1:{box}")
        write("door", "intake", station=8, port=rtmp)
        expect(f"--rtmp and door both want 127.0.0.1:{rtmp}")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            write("door", "intake", station=8, port=taken.getsockname()[1])
            expect(f"door: 127.0.0.1:{taken.getsockname()[1]} is taken by ")
        write("door", "intake", station=8, colour="red")
        write("hall", "videobox", station=7, port=box, preview_port=preview, source="capture", device="/dev/video-none")
        write("way", "nowhere")
        write("Way", "videobox")
        expect(f'{folder}/door.conf: ', '"colour"', "hall: /dev/video-none: No such file", 'no description has the name "nowhere"',
               f"{folder}/Way.conf: the name is not")
        for path in folder.iterdir():
            path.unlink()
        # Only who builds it sees that.
        site.settings["--pipelines"] = site.folder / "pipelines"
        shutil.copytree(TOP / "pipelines", site.settings["--pipelines"])
        (site.settings["--pipelines"] / "odd.json").write_text(json.dumps({
            "name": "odd", "trigger": "always", "elements": "${source} ! fakesink",
            "parameters": {"source": {"type": "enum", "values": {"good": "fakesrc", "bad": "nosuchelement"}, "default": "good"}}}))
        write("in", "odd", source="bad")
        expect(f"{folder}/in.conf: ", 'no element "nosuchelement"')


def test_elements_that_are_missing():
    with Site() as site:
        nothing = site.folder / "nothing"
        nothing.mkdir()
        env = {**site.env, "GST_PLUGIN_PATH": str(nothing), "HEADGATE_PLUGINS": str(nothing), "GST_REGISTRY": str(site.folder / "other.bin")}
        expect_fault(site, "elements", "there is no element ticketsrc", "there is no element segmentarchiver", env=env, skipped=["pipelines"])


def test_a_clock_that_nothing_keeps_right():
    if SANITIZED:
        raise tap.Skip("the kernel's answers cannot be replaced in a program with a sanitizer")
    with Site() as site:
        expect_fault(site, "clock", "nothing keeps the clock right", clock="unsynchronised")


def test_a_list_of_addresses_that_is_none():
    with Site() as site:
        addresses = site.folder / "addresses"
        addresses.write_text("allow 10.0.0.0/8\nallow 10.0.0.0/33\n")
        site.settings["--addresses"] = addresses
        expect_fault(site, "addresses", f"{addresses}: ", "2")


def test_more_streams_than_places():
    with Site() as site:
        site.settings |= {"--workers": "1", "--max-workers": "1", "--capacity": "10"}
        expect_fault(site, "capacity", "the plan has 11 streams, the node takes 10", extra=["--streams", "11", "--kbps", "100"])


def test_more_ladders_than_the_processors_encode():
    with Site() as site:
        def capacity(pipeline, *more):
            return preflight([*site.arguments(), "--only", "capacity", "--pipeline", pipeline, *more], site.env)[1]["capacity"]
        # No machine of the tests' encodes so many all the time; it carries them.
        plan = ["--capacity", "50", "--streams", "400", "--kbps", "100"]
        told = capacity("event", *plan)
        assert told["result"] == "warn" and "of the others rungs will be paused" in told["findings"][0]["what"], told
        assert "(53 million pixels a second each)" in told["measured"], told
        for pipeline, more in (("event", ["--set", "rungs-on-demand=true"]), ("station", [])):
            told = capacity(pipeline, *plan, *more)
            assert told["result"] == "pass" and "encoding not counted" in told["measured"], told
        assert capacity("event")["measured"].startswith("64 places;"), "a worker for each stream"


def test_content_that_nobody_looks_at():
    with Site() as site:
        def content(*more):
            return preflight([*site.arguments(), "--only", "content", *more], site.env)
        code, checks = content()
        assert (code, checks["content"]["result"]) == (0, "warn") and "black, frozen" in checks["content"]["findings"][0]["what"], checks
        code, checks = content("--set", "content-ms=2000")
        assert (checks["content"]["result"], checks["content"]["measured"]) == ("pass", "looked at each 2000 ms"), checks


def test_a_network_that_is_slower_than_the_plan():
    with Site() as site:
        site.settings["--link-mbps"] = "4"
        expect_fault(site, "network", "the plan has 5 streams of 1000 kbit/s, 5 Mbit/s, and the network carries 4 Mbit/s",
                     extra=["--streams", "5", "--kbps", "1000"])


@contextlib.contextmanager
def webhook(site, *codes):
    """Receivers that answer so, and what came: (path, signature, body) each."""
    secret, got = b"0123456789abcdef0123", []
    (site.folder / "secret").write_bytes(secret)
    (site.folder / "secret").chmod(0o600)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stamp, given = (word.split("=")[1] for word in self.headers["Headgate-Signature"].split(","))
            signed = given == hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            got.append((self.path, signed, json.loads(body)))
            self.send_response(int(self.path[1:]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site.settings |= {"--webhook": " ".join(f"http://127.0.0.1:{server.server_address[1]}/{code}" for code in codes),
                      "--webhook-secret": site.folder / "secret"}
    try:
        yield got
    finally:
        server.shutdown()
        server.server_close()


def test_a_webhook_that_takes_nothing():
    with Site() as site:
        _, checks = preflight([*site.arguments(), "--only", "alerts"], site.env)
        assert checks["alerts"]["result"] == "warn", "who is told of nothing is warned"
        with webhook(site, 204) as got:
            code, checks = preflight([*site.arguments(), "--only", "alerts"], site.env)
            assert code == 0 and checks["alerts"]["result"] == "pass" and " 204" in checks["alerts"]["measured"], checks
            (path, signed, event), = got
            assert signed and path == "/204" and event["kind"] == "webhook.test" and event["id"] == 0, got
        with webhook(site, 200, 500) as got:
            expect_fault(site, "alerts", "webhook 2 (http://127.0.0.1:", ") took no test event: it answers 500")
            assert sorted(path for path, _, _ in got) == ["/200", "/500"], "each once"
        expect_fault(site, "alerts", "webhook 2 (http://127.0.0.1:", ") took no test event: ", "refused")
        (site.folder / "secret").write_text("short")
        _, checks = preflight([*site.arguments(), "--only", "alerts"], site.env)
        assert "a secret has at least 16 bytes" in texts(checks["alerts"]), checks


# --- its own manners ---

def test_what_the_packaged_settings_propose_are_settings():
    with Site() as site:
        settings = site.folder / "headgate.conf"
        proposed = re.sub(r"^#(?=[a-z-]+=)", "", (BUILD / "packaging/headgate.conf").read_text(), flags=re.M)
        assert all(f"\n{name}=" in proposed for name in ("rtmps", "listen", "tokens", "webhook", "webhook-secret")), proposed
        settings.write_text(proposed)
        preflight(["--config", settings, "--data", site.data, "--only", "clock"], site.env)


def test_what_cannot_be_checked_is_told_by_its_exit_code():
    with Site() as site:
        for arguments, word in (([], "--data is needed"), ([*site.arguments(), "--only", "clocks"], "there is no check 'clocks'"),
                                ([*site.arguments(), "--from", "tomorrow"], "--from"), (["--config", "/missing"], "/missing")):
            done = subprocess.run([HEADGATE, "preflight", *arguments], env=site.env, capture_output=True, text=True, check=False,
                                  timeout=60 * SLOWNESS)
            assert done.returncode == 2 and word in done.stderr, f"{arguments}: {done}"


def test_ctrl_c_leaves_nothing_behind():
    family.adopt()
    with Site() as site:
        process = subprocess.Popen([HEADGATE, "preflight", *site.arguments(), "--set", "offered-rungs=", "--only", "publisher"], env=site.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        with contextlib.ExitStack() as stack:
            stack.callback(family.kill_all)
            wait_until("its node runs", lambda: any("headgate-worker" in line for line in family.descendants().values()))
            process.terminate()
            _, errors = process.communicate(timeout=30 * SLOWNESS)
            assert process.returncode == 2 and "interrupted" in errors, (process.returncode, errors)
            assert not list(site.data.iterdir()), list(site.data.iterdir())
            wait_until("no process of it is left", lambda: not any("headgate" in line for line in family.descendants().values()), 15)


def test_a_node_that_does_not_end_leaves_nothing_behind():
    family.adopt()

    def of(part):
        return [pid for pid, line in family.descendants().items() if part in line]
    with Site() as site:
        process = subprocess.Popen([HEADGATE, "preflight", *site.arguments(), "--set", "offered-rungs=", "--only", "publisher"], env=site.env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        with contextlib.ExitStack() as stack:
            stack.callback(family.kill_all)
            wait_until("its node runs", lambda: of("headgate-worker"))
            (supervisor,) = of("headgate serve")
            os.kill(supervisor, signal.SIGSTOP)
            process.terminate()
            process.wait(timeout=40 * SLOWNESS)
            assert not of("headgate"), family.descendants()
            assert not list(site.data.iterdir()), list(site.data.iterdir())


if __name__ == "__main__":
    tap.run(globals())
