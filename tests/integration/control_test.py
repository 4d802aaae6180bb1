#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What operators are told by a node and what they can make it do, with real programs and publishers."""
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import media
import tap
from admin import Admin, EventStream, UnixConnection
from node import BUILD, TOP, Node, wait_until
from receiver import Receiver

STATION = 5


def socket_of(node):
    return node.data / "run" / "admin.sock"


def admin_of(node):
    return Admin(lambda: UnixConnection(socket_of(node)))


def kinds(events):
    return [event["kind"] for event in events]


def wait_event(admin, kind, count=1):
    """The events of a kind, when there are so many."""
    def there():
        found = [event for event in admin.events() if event["kind"] == kind]
        return found if len(found) >= count else None
    return wait_until(f"{count} events {kind}", there)


def wait_control(node, admin):
    def answers():
        try:
            return admin.ask("GET", "/api/v1/workers")[0] == 200 and node.pids("control")
        except OSError:
            return False
    return wait_until("control answers", answers)


def acts_of(admin, kind):
    """Who made the events of a kind happen, how he came, and why."""
    return [tuple(event["fields"].get(name) for name in ("by", "from", "reason")) for event in admin.events() if event["kind"] == kind]


def own_acts():
    """What is said of whoever runs this test, over the Unix socket: (by, from)."""
    uid, login = os.getuid(), int(pathlib.Path("/proc/self/loginuid").read_text())
    behind = login not in (uid, 2**32 - 1)
    names = {int(line.split(":")[2]): line.split(":")[0] for line in reversed(pathlib.Path("/etc/passwd").read_text().splitlines())}
    one = login if behind else uid
    return names.get(one, f"uid {one}"), f"admin.sock uid={uid}" + (f" login={login}" if behind else "")


def publish(node, station=STATION, again=False):
    publisher = media.ffmpeg(node, media.clip(30), node.url(station), loop=True, again=again)
    node.wait_state(station, "live")
    return publisher


def test_no_event_is_lost_by_any_death():
    with Node(arguments=["--srt", "127.0.0.1:0"]) as node:
        admin = admin_of(node)
        wait_event(admin, "node.ready")
        stream = EventStream(UnixConnection(socket_of(node)), "/api/v1/events?after=0")
        ready = stream.until("node.ready")
        assert ready["severity"] == "info"
        listen = node.status()["listen"]
        assert {name: ready["fields"][name] for name in ("rtmp", "rtmps", "srt", "http")} == {
            "rtmp": listen["rtmp"], "rtmps": None, "srt": listen["srt"], "http": listen["http"]}, ready
        publisher = publish(node)
        opened = stream.until("session.opened")
        assert opened["fields"]["station"] == STATION and opened["fields"]["protocol"] == "rtmp", opened
        assert {one["session"] for one in admin.get("/api/v1/sessions")["sessions"]} == {opened["fields"]["session"]}

        node.kill("control")
        wait_control(node, admin)
        wait_event(admin, "control.restarted")
        # What came while it did not run, and nothing twice.
        again = EventStream(UnixConnection(socket_of(node)), Last_Event_ID=str(opened["id"]))
        assert again.until("control.died")["id"] > opened["id"]
        again.close()
        stream.close()

        node.kill("gate")
        wait_event(admin, "gate.restarted")
        node.kill("supervisor")
        before = admin.events()
        assert admin.ask("GET", "/api/v1/workers")[0] == 200, "control outlives the supervisor"
        node.start()
        wait_event(admin, "control.adopted")
        wait_event(admin, "node.started", 2)
        died, = wait_event(admin, "supervisor.died")
        assert died["severity"] == "error" and died["fields"]["processes"] >= 4, died
        publisher.stop()
        closed, = wait_event(admin, "session.closed")
        assert closed["fields"]["session"] == opened["fields"]["session"], closed

        events = admin.events()
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        assert events[:len(before)] == before
        assert kinds(events).count("session.opened") == 1, kinds(events)
        assert {"gate.died", "control.died", "gate.adopted", "worker.adopted"} <= set(kinds(events)), kinds(events)
        lines = [json.loads(line) for path in sorted((node.data / "events").glob("*.jl"))
                 for line in path.read_text().splitlines()]
        assert lines[:len(events)] == events  # what has happened since stands behind


def test_a_session_that_ends_while_nobody_looks_is_told_late():
    with Node() as node:
        admin = admin_of(node)
        publisher = publish(node)
        opened, = wait_event(admin, "session.opened")
        # No supervisor, so that control stays away for as long as it takes.
        node.kill("supervisor")
        control, = [one["pid"] for one in admin.get("/api/v1/node")["processes"] if one["role"] == "control"]
        os.kill(control, signal.SIGKILL)
        publisher.stop()
        wait_until("the session is over", lambda: node.stream(STATION)["state"] != "live")
        node.start()
        closed, = wait_event(admin, "session.closed")
        assert closed["fields"] == {"session": opened["fields"]["session"], "reason": "unseen"}, closed


def test_sessions_are_ended_and_the_node_is_emptied():
    with Node(arguments=["--workers", "1", "--srt", "127.0.0.1:0"]) as node:
        admin = admin_of(node)
        first, second = publish(node), publish(node, 6)
        session = {one["station"]: one["session"] for one in admin.get("/api/v1/sessions")["sessions"]}
        code, told = admin.ask("POST", f"/api/v1/sessions/{session[STATION]}/kick", {"reason": "falsche Kamera: Büro" + 49 * "ü"})
        assert (code, told) == (200, {"session": session[STATION], "closed": True,
                                      "reason": "kick:operator: falsche Kamera: Büro" + 49 * "ü"}), (code, told)
        first.stop()
        code, told = admin.ask("POST", "/api/v1/streams/6/kick")
        assert code == 200 and told["reason"] == "kick:operator", (code, told)
        second.stop()
        assert admin.ask("POST", "/api/v1/streams/6/kick")[0] == 404
        by, came = own_acts()
        kicked = wait_event(admin, "session.kicked", 2)
        assert [one["fields"]["station"] for one in kicked] == [STATION, 6], kicked
        assert acts_of(admin, "session.kicked") == [(by, came, "falsche Kamera: Büro" + 49 * "ü"), (by, came, None)], kicked

        third = publish(node, 7)
        code, told = admin.ask("POST", "/api/v1/drain", {"reconnect_to": "rtmp://192.0.2.1/live", "reason": "Feierabend"})
        assert acts_of(admin, "node.draining") == [(by, came, "Feierabend")]
        assert code == 200 and told["sessions"] == 1 and told["draining"]["since_utc"], told
        assert admin.get("/api/v1/node")["draining"] == told["draining"]
        for death in (None, "gate", "supervisor"):
            if death:
                node.kill(death)
            if death == "gate":
                wait_event(admin, "gate.restarted")
            if death == "supervisor":
                node.start()
            refused = refusal_of(node, 8)
            assert "1503" in refused and "DOWN" in refused, (death, refused)
        assert node.stream(7)["state"] == "live", "who is in goes on"
        third.stop()
        wait_event(admin, "node.drained")
        code, told = admin.ask("DELETE", "/api/v1/drain", {"reason": "wieder da"})
        assert (code, told["draining"]) == (200, None), told
        wait_event(admin, "node.undrained")
        assert acts_of(admin, "node.undrained") == [(by, came, "wieder da")]
        publish(node, 8)

        # Whoever is on a worker that is drained goes on, and a new one takes who comes.
        workers = {one["worker"] for one in admin.get("/api/v1/workers")["workers"]}
        busy = admin.get("/api/v1/sessions")["sessions"][0]["worker"]
        assert admin.ask("POST", f"/api/v1/workers/{busy}/drain", {"reconnect": False})[0] == 200
        assert admin.ask("POST", "/api/v1/workers/999/drain")[0] == 404
        wait_until("another worker takes publishers", lambda: any(
            one["accepting"] for one in admin.get("/api/v1/workers")["workers"]))
        publish(node, 9)
        after = {}

        def both_are_listed():
            after.update({one["station"]: one["worker"] for one in admin.get("/api/v1/sessions")["sessions"]})
            return {8, 9} <= set(after)
        wait_until("both sessions are listed", both_are_listed)
        assert after[8] == busy and after[9] != busy, (workers, after)
        assert admin.ask("POST", "/api/v1/reload")[0] == 202
        wait_event(admin, "node.reload")
        assert acts_of(admin, "node.reload") == [(by, came, None)]
        assert acts_of(admin, "worker.draining") == [(by, came, None)]
        os.kill(node.supervisor.pid, signal.SIGHUP)
        wait_event(admin, "node.reload", 2)
        login = came.partition(" login=")[2]
        assert acts_of(admin, "node.reload")[1] == (
            by, f"SIGHUP uid={os.getuid()}" + (f" login={login}" if login else "") + f" pid={os.getpid()}", None)


def refusal_of(node, station):
    """What a publisher is told who is not let in."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-re", "-i", media.clip(30), "-c", "copy", "-f", "flv", node.url(station)],
                          env=node.client_env, capture_output=True, text=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL)
    return done.stderr


def test_webhooks_are_signed_and_none_is_lost():
    with Receiver() as receiver:
        with Node() as node:
            node.stop()
            node.arguments += receiver.arguments(node.folder)
            node.start()
            admin = admin_of(node)
            wait_until("events are delivered", lambda: "node.ready" in kinds(receiver.taken()))
            # It fails, and is told the same again.
            receiver.answer = lambda: 503
            node.kill("gate")
            wait_until("a delivery has failed", lambda: receiver.got[-1][0] == 503)
            node.kill("control")
            wait_control(node, admin)
            receiver.answer = lambda: 200
            wait_until("all were delivered", lambda: "control.restarted" in kinds(receiver.taken()))
            receiver.expect_whole(admin)


def test_a_webhook_that_is_no_address_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        secret = pathlib.Path(folder) / "secret"
        secret.write_text("0123456789abcdef\n")
        secret.chmod(0o600)
        programs = [[BUILD / "tools/control/headgate-control", "--check", "--runtime-dir", folder, "--root", folder],
                    [BUILD / "tools/headgate/headgate", "serve", "--data", folder, "--keys", folder]]
        for url in ("http://[::1/hook", "http:///hook", "http://host:port/", "ftp://host/", "host/hook"):
            for program in programs:
                done = subprocess.run([*program, "--webhook", url, "--webhook-secret", secret], capture_output=True,
                                      text=True, timeout=60, check=False)
                assert done.returncode == 2 and "is no address of HTTP" in done.stderr, (url, program, done)
        done = subprocess.run([*programs[0], "--webhook", "https://user@host:8443/a%20b?c=d", "--webhook-secret", secret],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done


def test_tokens_decide_who_may_do_what_over_tcp():
    with Node() as node:
        tokens = node.folder / "tokens"
        digest = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("looks", "acts", "later")}
        tokens.write_text(f"# who\nwatcher read {digest['looks']}\nchief operate {digest['acts']}\n")
        node.stop()
        node.arguments += ["--control", "127.0.0.1:0", "--control-tokens", str(tokens)]
        node.start()
        address = node.status()["listen"]["control"]
        node.arguments[node.arguments.index("127.0.0.1:0")] = address

        def ask(method, path, token=None, **more):
            connect = lambda: http.client.HTTPConnection(*address.rsplit(":", 1), timeout=30)  # noqa: E731
            return Admin(connect, {"Authorization": f"Bearer {token}"} if token else {}).ask(method, path, **more)

        # Strangers who take their time keep nobody out.
        host, port = address.rsplit(":", 1)
        slow = [socket.create_connection((host, int(port)), timeout=30) for _ in range(150)]
        for one in slow:
            one.sendall(b"GET /api/v1/node HTTP/1.1\r\nHost: x\r\nX-More: ")
        assert ask("GET", "/api/v1/node")[0] == 401
        assert ask("GET", "/api/v1/node", "looks")[0] == 200
        assert ask("GET", "/api/v1/node", "wrong")[0] == 401
        assert ask("POST", "/api/v1/drain", "looks")[0] == 403
        assert ask("POST", "/api/v1/drain", "acts", body={"reason": "a test"})[0] == 200
        wait_event(admin_of(node), "node.draining")
        assert acts_of(admin_of(node), "node.draining") == [("chief", "127.0.0.1", "a test")]
        assert ask("DELETE", "/api/v1/drain", "acts")[0] == 200
        assert ask("POST", "/api/v1/drain", "acts", body="x" * 20_000)[0] == 413
        stream = EventStream(http.client.HTTPConnection(host, int(port), timeout=60), "/api/v1/events?after=0",
                             Authorization="Bearer looks")
        stream.until("node.undrained")
        tokens.write_text(f"late read {digest['later']}\n")
        assert ask("POST", "/api/v1/reload", "acts")[0] == 202
        # Who is known no more is told nothing more: this ends.
        assert b"control.died" not in stream.answer.read()
        stream.close()
        wait_until("the new tokens hold", lambda: ask("GET", "/api/v1/workers", "later")[0] == 200)
        # The port lives on with the next control, and the next supervisor.
        node.kill("control")
        admin = admin_of(node)
        wait_control(node, admin)
        assert ask("GET", "/api/v1/workers", "later")[0] == 200
        wait_until("who guesses is stopped", lambda: ask("GET", "/api/v1/workers", "guess")[0] == 429)
        assert ask("GET", "/api/v1/workers", "later")[0] == 200, "nobody keeps out who has a token"
        for one in slow:
            one.close()


def test_the_description_names_every_route_and_every_answer():
    try:
        from openapi import OpenApi
    except ImportError as missing:
        raise tap.Skip(f"{missing.name} is not there") from missing
    routes = subprocess.run([BUILD / "tools/control/headgate-control", "--routes"], check=True, capture_output=True,
                            text=True, timeout=30).stdout
    with Node() as node:
        admin = admin_of(node)
        api = OpenApi(admin.get("/api/v1/openapi.yaml"))
        assert admin.get("/api/v1/openapi.yaml") == (TOP / "docs/openapi.yaml").read_text()
        assert {tuple(line.split(" ")) for line in routes.splitlines()} == api.routes()
        publish(node)
        wait_event(admin, "session.opened")
        ticket = node.ticket(6)
        key = node.url(6).rsplit("/", 1)[1]
        session = admin.get("/api/v1/sessions")["sessions"][0]["session"]
        for path in ("node", "streams", f"streams/{STATION}", "sessions", "workers", "instances", "pipelines", "pipelines/station"):
            admin.get("/api/v1/" + path)
        good = admin.ask("POST", "/api/v1/tickets/check", {"ticket": key})[1]
        assert good["allowed"] and good["ticket"]["station"] == 6 and good["session"] is None, (good, ticket)
        late = admin.ask("POST", "/api/v1/tickets/check",
                         {"ticket": node.url(7, from_="-3h", until="-2h").rsplit("/", 1)[1]})[1]
        assert not late["allowed"] and late["code"] == 1403 and late["reason"].startswith("EXPIRED"), late
        other = admin.ask("POST", "/api/v1/tickets/check", {"ticket": node.url(STATION).rsplit("/", 1)[1]})[1]
        assert not other["allowed"] and other["code"] == 1409 and other["session"] == session, other
        assert not admin.ask("POST", "/api/v1/tickets/check", {"ticket": key[:-1] + "!"})[1]["allowed"]
        for method, path, body, code in (
                ("POST", "/api/v1/tickets/check", {}, 400), ("POST", "/api/v1/tickets/check", "[", 400),
                ("GET", "/api/v1/streams/x", None, 400), ("GET", "/api/v1/streams/4000000", None, 404),
                ("GET", "/api/v1/pipelines/none", None, 404), ("GET", "/api/v1/events?after=x", None, 400),
                ("POST", "/api/v1/sessions/x/kick", None, 400), ("POST", "/api/v1/sessions/1/kick", None, 404),
                ("POST", f"/api/v1/sessions/{session}/kick", {"reason": 7}, 400),
                ("POST", f"/api/v1/streams/{STATION}/kick", {"reason": "x" * 121}, 400),
                ("POST", f"/api/v1/streams/{STATION}/kick", {"reason": "ä" * 61}, 400),
                ("POST", f"/api/v1/streams/{STATION}/kick", {"reason": "a\nb"}, 400),
                ("POST", "/api/v1/streams/-1/kick", None, 400),
                ("POST", "/api/v1/streams/-1/release", None, 400), ("POST", f"/api/v1/streams/{STATION}/release", None, 404),
                ("POST", "/api/v1/drain", {"reconnect_to": "x"}, 400),
                ("POST", "/api/v1/drain", "7", 400), ("POST", "/api/v1/drain", {"reason": "x" * 121}, 400),
                ("DELETE", "/api/v1/drain", {"reason": 7}, 400), ("POST", "/api/v1/reload", "[", 400), ("POST", "/api/v1/upgrade", "7", 400),
                ("POST", f"/api/v1/streams/{STATION}/release", {"reason": "a\tb"}, 400), ("POST", "/api/v1/workers/x/drain", None, 400),
                ("POST", "/api/v1/workers/0/drain", {"reconnect": 1}, 400), ("POST", "/api/v1/reload", None, 202),
                ("POST", "/api/v1/drain", None, 200), ("POST", "/api/v1/workers/0/drain", {"reconnect": True}, 409), ("DELETE", "/api/v1/drain", None, 200),
                ("POST", f"/api/v1/sessions/{session}/kick", None, 200), ("GET", "/nothing", None, 404),
                ("POST", "/api/v1/workers/0/drain", None, 200), ("PUT", "/api/v1/drain", None, 405)):
            got = admin.ask(method, path, body)
            assert got[0] == code, (method, path, body, got)
        node.kill("supervisor")
        for path in ("drain", "reload", "upgrade", f"streams/{STATION}/release", f"sessions/{session}/kick"):
            got = admin.ask("POST", "/api/v1/" + path)
            assert got[0] == (404 if "kick" in path else 503), got
        node.start()
        # Its programs are on disk as they run: the supervisor becomes itself, the others stay.
        assert admin.ask("POST", "/api/v1/upgrade") == (202, {"upgrading": True})
        assert admin.ask("POST", "/api/v1/upgrade")[0] == 409
        wait_event(admin, "upgrade.done")
        node_json = wait_until("the node is told of it", lambda: (told := admin.get("/api/v1/node"))["upgrade"]["state"] == "done" and told)
        named = api.document["components"]["schemas"]["Node"]["properties"]
        assert set(node_json) <= set(named), f"not described: {set(node_json) - set(named)}"
        assert any("stats" in process for process in node_json["processes"]), node_json["processes"]
        admin.events()
        for answer in admin.seen:
            api.check(*answer)
        unseen = {(method, path) for method, path in api.routes()} - {(method, path) for method, path, _ in api.answered}
        assert unseen <= {("GET", "/metrics")}, f"never asked: {unseen}"


if __name__ == "__main__":
    tap.run(globals())
