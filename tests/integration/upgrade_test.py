#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node's programs are replaced while it runs: publishers, archives and viewers do not notice; what is broken is not
taken."""
import hashlib
import http.client
import os
import signal
import socket

import media
import tap
from admin import Admin, EventStream, UnixConnection
from hls import Playlist
from node import BUILD, EVENT, records, wait_until
from receiver import Receiver
from upgrading import InstalledNode, Load, wrong_archives

import certificate  # of tests/support, which node makes known

PUBLISHERS = VIEWERS = 6
SECONDS = 32


def small_clip():
    return media.made_once("small.flv", BUILD / "tools/headgate/headgate", "load", "clip", "--low-rate", media.MADE)


def test_nobody_notices_two_upgrades():
    clip = small_clip()
    with InstalledNode() as node:
        with Load(node, clip, PUBLISHERS, VIEWERS, SECONDS) as load:
            load.watch()
            supervisor = node.pids("supervisor")
            for tree in ("b", "a"):
                before = node.processes()
                node.use(tree)
                done = node.upgrade()
                assert done.returncode == 0, done.stderr + done.stdout
                assert (node.report()["state"], node.report()["trial_at_most_s"]) == ("done", 610), node.report()
                wait_until("only the new programs serve", lambda want=tree: node.tree_of_those_that_serve() == {want})
                now = node.processes()
                assert node.pids("supervisor") == supervisor, "the service manager's process is another"
                for role in ("gate", "origin"):
                    assert any(one[0] == role and not one[2] and pid not in before for pid, one in now.items()), now
            assert load.publish.poll() is None and load.view.poll() is None, "the load ended before the upgrades"
            sent, seen = load.results()
        assert (sent["accepted"], sent["dropped"], sent["refused"]) == (PUBLISHERS, 0, 0), sent["reasons"]
        assert seen["started"] == VIEWERS and not seen["errors"], seen
        assert (seen["stalls"], seen["skipped"]) == (0, 0), seen
        wrong = wrong_archives(node, sent)
        assert not wrong, wrong
        # With their sessions the old workers go, the supervisor having become another program since they were started.
        wait_until("nobody retires any more", lambda: not any(one[2] for one in node.processes().values()), 70)
        wait_until("that is told", lambda: all(one["state"] != "retiring" for one in node.report()["processes"]))


def told(admin):
    try:
        return [event["kind"] for event in admin.events()]
    except OSError:
        return []  # it is just being replaced


# It can be tried, and ends as soon as it is to serve.
PASSES_AND_ENDS = 'case "$*" in *--check*|check*) exec $REAL "$@";; esac; exit 1'


def refused(node, tree, program, script, reason):
    node.install_as(tree, "a")
    node.replace(tree, program, script)
    node.use(tree)
    before = node.processes()
    done = node.upgrade()
    assert done.returncode == 3 and reason in done.stderr, (done.returncode, done.stderr)
    assert node.report()["state"] == "refused", node.report()
    assert node.processes() == before, "something was replaced"


def camera_runs(node):
    """Its process, once it records."""
    before = node.wait_media(7)["duration_s"]
    wait_until("the camera records", lambda: node.wait_media(7)["duration_s"] > before)
    one, = node.status()["instances"]
    assert one["state"] == "running", one
    return one["pid"]


def test_what_is_broken_is_not_taken():
    with InstalledNode(camera=7) as node:
        camera = camera_runs(node)
        refused(node, "crashes", "headgate", "kill -SEGV $$", "139")
        refused(node, "worker", "headgate-worker", 'echo no element \\"ticketsrc\\"; exit 1', "ticketsrc")
        refused(node, "no-control", "headgate-control", "exit 1", "headgate-control")
        refused(node, "no-pipeline", "headgate-pipeline", "echo no camera; exit 1", "no camera\nthe pipeline cam")
        assert camera_runs(node) == camera
        # Each is given back; of control and the camera there is room for one only.
        for tree, program, role in (("gate", "headgate-gate", "gate"), ("control", "headgate-control", "control"),
                                    ("pipeline", "headgate-pipeline", "pipeline")):
            node.install_as(tree, "a")
            node.replace(tree, program, PASSES_AND_ENDS)
            node.use(tree)
            before = node.pids(role)
            done = node.upgrade()
            assert done.returncode == 4 and f"the new {role}" in done.stderr, (done.returncode, done.stderr)
            assert node.report()["state"] == "failed", node.report()
            wait_until("it serves", lambda one=role: [pid for pid, (what, _, _) in node.processes().items() if what == one])
            assert role != "gate" or node.pids(role) == before, "the gate that worked is gone"
        assert camera_runs(node) != camera
        publisher = media.ffmpeg(node, media.clip(60), node.url(3), loop=True)
        node.wait_state(3, "live")
        wait_until("it is recorded", lambda: len(node.runs(3)) == 1)
        # What is mended is taken: the rest of the node, too; an operator's program may ask for it.
        node.use("b")
        admin = Admin(lambda: UnixConnection(node.data / "run/admin.sock"))
        wait_until("operators are told", lambda: told(admin).count("upgrade.failed") == 7)
        assert admin.ask("POST", "/api/v1/upgrade") == (202, {"upgrading": True})
        assert admin.ask("POST", "/api/v1/upgrade")[0] == 409
        wait_until("it is done", lambda: node.report()["state"] == "done", 60)
        wait_until("operators are told", lambda: "upgrade.done" in told(admin))
        wait_until("only the new programs serve", lambda: node.tree_of_those_that_serve() == {"b"})
        node.wait_state(3, "live")
        assert len(node.runs(3)) == 1, "the publisher was cut"
        assert [one["state"] for one in node.report()["processes"] if one["name"] == "pipeline-cam"] == ["serves"]
        camera_runs(node)
        publisher.stop()


class SettingsNode(InstalledNode):
    """Of a file, which can be written anew."""

    def __enter__(self):
        certificate.write(self.folder)
        self.write_token("acts")
        self.write()
        return super().__enter__()

    def write_token(self, token):
        (self.folder / "tokens").write_text(f"chief operate {hashlib.sha256(token.encode()).hexdigest()}\n")

    def knows(self, token):
        """Whoever operates the node over TCP."""
        code, _ = Admin(self.operator, {"Authorization": f"Bearer {token}"}).ask("GET", "/api/v1/workers")
        assert code in (200, 401), code
        return code == 200

    def write(self, doors=("rtmps", "srt", "control"), more=(), **changed):
        values = {"data": self.data, "keys": self.keys, **changed}
        lines = ["[node]", *(f"{key}={value}" for key, value in values.items() if key != "rtmp"), "[listen]", "http=127.0.0.1:0",
                 f"rtmp={changed.get('rtmp', '127.0.0.1:0')}", *(f"{door}=127.0.0.1:0" for door in doors if door != "control"),
                 "[tls]", f"certificate={self.folder}/cert.pem", f"key={self.folder}/key.pem",
                 "[control]", f"tokens={self.folder}/tokens", *(["listen=127.0.0.1:0"] if "control" in doors else []), *more]
        (self.folder / "node.conf").write_text("\n".join(lines) + "\n")

    def settings(self):
        return ["--config", self.folder / "node.conf"]

    def rtmps_url(self, station):
        return next(one["url"] for one in self.ticket(station, endpoint_=f"rtmps://{self.addresses['rtmps']}/lt")["publish"]
                    if one["protocol"] == "rtmps" and one.get("client") is None)

    def operator(self):
        """A connection to the port of control."""
        host, port = self.status()["listen"]["control"].rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=60)


def test_settings_are_taken_as_a_whole_or_refused():
    with SettingsNode() as node:
        before, doors = node.processes(), node.status()["listen"]
        node.write(data=node.folder / "other", name="n02", **{"runtime-dir": node.folder / "else"}, rtmp="127.0.0.1:1")
        done = node.upgrade()
        assert done.returncode == 3, (done.returncode, done.stdout, done.stderr)
        for option in ("--data", "--node", "--runtime-dir", "--rtmp"):
            assert f"{option} is " in done.stderr, done.stderr
        assert node.processes() == before and node.status()["listen"] == doors
        # Ports that the settings have no more are closed, whoever has come over them goes on.
        publisher = media.ffmpeg(node, media.clip(60), node.rtmps_url(1), loop=True)
        node.wait_media(1, 1.0)
        clip = small_clip()
        node.write(doors=())
        done = node.upgrade()
        assert done.returncode == 0, done.stderr + done.stdout
        assert set(node.status()["listen"]) == {"rtmp", "http"}, node.status()["listen"]
        for door in ("rtmps", "control"):
            wait_until(f"{door} is closed", lambda one=door: is_closed(doors[one]))
        with Load(node, clip, "2", 0, 2, f"srt://{doors['srt']}") as load:
            assert load.results()[0]["accepted"] == 0, "a port that the settings have no more lets in"
        assert len(node.runs(1)) == 1 and node.stream(1)["state"] == "live"
        # The gate can be started with what is left.
        gate = next(pid for pid, (role, _, retiring) in node.processes().items() if role == "gate" and not retiring)
        os.kill(gate, signal.SIGKILL)
        wait_until("there is another gate", lambda: set(node.pids("gate")) - {gate, *before})
        with Load(node, clip, "3", 0, 2) as load:
            assert load.results()[0]["accepted"] == 1
        # And opened again.
        node.write()
        done = node.upgrade()
        assert done.returncode == 0, done.stderr + done.stdout
        doors = node.status()["listen"]
        assert not is_closed(doors["rtmps"]) and not is_closed(doors["control"])
        with Load(node, clip, "4", 0, 2, f"srt://{doors['srt']}") as load:
            assert load.results()[0]["accepted"] == 1
        assert len(node.runs(1)) == 1 and node.stream(1)["state"] == "live"
        publisher.stop()


class SecretNode(SettingsNode):
    """With settings that are on no command line."""

    def write(self, hook=1, fill="none"):  # pylint: disable=arguments-differ
        secret = self.folder / "secret"
        secret.touch(0o600)
        secret.write_text("0123456789abcdef\n")
        super().write(more=(f"webhook=http://127.0.0.1:{hook}/hook", f"webhook-secret={secret}", "[parameters]", f"fill={fill}"))

    def serving(self, *roles):
        return {pid for pid, (role, _, retiring) in self.processes().items() if role in roles and not retiring}


def test_what_is_on_no_command_line_is_taken():
    with SecretNode() as node:
        before = node.processes()
        assert node.knows("acts")
        node.write_token("later")
        done = node.upgrade()
        assert done.returncode == 0, done.stderr + done.stdout
        assert node.processes() == before, "nothing but the token was another"
        wait_until("the new token is known", lambda: node.knows("later"))
        assert not node.knows("acts"), "a token that was withdrawn is still known"

        publisher = media.ffmpeg(node, media.clip(60), node.url(1), loop=True)
        node.wait_media(1, 1.0)
        workers, control, others = node.serving("worker"), node.serving("control"), node.serving("gate", "origin")
        node.write(hook=2, fill="last")
        done = node.upgrade()
        assert done.returncode == 0, done.stderr + done.stdout
        assert not workers & node.serving("worker"), "a worker goes on with the parameters before"
        assert not control & node.serving("control"), "control goes on with the webhook before"
        assert node.serving("gate", "origin") == others, "they have other settings"
        assert len(node.runs(1)) == 1 and node.stream(1)["state"] == "live", "the publisher was cut"
        publisher.stop()


def test_keys_are_taken_as_they_are_in_their_folder():
    with SettingsNode() as node:
        admin = Admin(lambda: UnixConnection(node.data / "run/admin.sock"))
        before = node.processes()
        node.headgate("ticket", "keygen", "--event", str(EVENT), "--kid", "2", "--out", str(node.keys))
        wait_until("the spare key is taken", lambda: node.status()["keys"]["kids"] == "1,2")
        spare, first = (node.ticket(station, kid=str(kid))["ticket"] for station, kid in ((2, 2), (1, 1)))
        (node.keys / "issuer-1.pub").unlink()
        wait_until("the first one is withdrawn", lambda: node.status()["keys"]["kids"] == "2")
        for ticket, allowed in ((first, False), (spare, True)):
            said = admin.ask("POST", "/api/v1/tickets/check", {"ticket": ticket})[1]
            assert said["allowed"] is allowed, said
        refused = media.ffmpeg(node, media.clip(60), node.url(1, kid="1"), loop=True)
        wait_until("it is refused", lambda: refused.process.poll() is not None)
        publisher = media.ffmpeg(node, media.clip(60), node.url(2, kid="2"), loop=True)
        node.wait_state(2, "live")
        late_urls = [node.url(station, kid="2") for station in (3, 4)]  # with tickets of this event
        # Another event's are not taken, and everybody is told.
        event = node.keys / "event.json"
        was = event.read_text()
        fresh = node.keys / "fresh"
        fresh.write_text(was.replace(f'"event":{EVENT}', f'"event":{EVENT + 1}'))
        fresh.rename(event)
        wait_until("that is told", lambda: "needs a restart" in node.status()["keys"].get("problem", ""))
        assert told(admin).count("keys.taken") == 2 and told(admin).count("keys.refused") == 1, told(admin)
        checked = node.headgate("preflight", "--config", str(node.folder / "node.conf"), "--only", "keys", check=False)
        assert "lets in by other keys than these: 2 (" in checked.stdout, checked.stdout + checked.stderr
        assert node.processes() == before, "a process has another in its place"
        # A gate that dies meanwhile is followed by one that lets in by those before, whatever is wrong.
        for station, url, wrong in zip((3, 4), late_urls, ("needs a restart", "event.json")):
            gate = node.pids("gate")
            node.kill("gate")
            wait_until("another gate serves", lambda: node.pids("gate") not in ([], gate))  # pylint: disable=cell-var-from-loop
            wait_until("it says what is wrong", lambda: wrong in node.status()["keys"].get("problem", ""))  # pylint: disable=cell-var-from-loop
            assert node.status()["keys"]["kids"] == "2", node.status()["keys"]
            late = media.ffmpeg(node, media.clip(60), url, loop=True)
            node.wait_state(station, "live")
            late.stop()
            event.unlink(missing_ok=True)
        fresh.write_text(was)
        fresh.rename(event)
        wait_until("it is mended", lambda: "problem" not in node.status()["keys"])
        publisher.stop()


RUNG = "90p"
TOKEN = {"Authorization": "Bearer acts"}


def rung(node, station):
    status, body = node.get(f"/hls/{station}/{RUNG}/media.m3u8")
    return body if status == 200 else b""


def accepted(load):
    sent = load.results()[0]
    assert sent["dropped"] == 0, sent["reasons"]
    return sent["accepted"]


def test_what_each_is_promised_holds_in_one_upgrade():
    """A publisher over SRT and one over RTMPS, both with a ladder, a pipeline of the node's own, an operator and a webhook."""
    clip, sent = small_clip(), None
    node = SettingsNode(camera=7, arguments=["--pipeline", "event", "--capacity", "8", "--workers", "1", "--set", f"rungs={RUNG}@40k"])
    with Receiver() as receiver:
        node.arguments += receiver.arguments(node.folder)
        with node:
            doors, url = node.addresses, f"srt://{node.addresses['srt']}"
            admin = Admin(node.operator, TOKEN)
            events = EventStream(node.operator(), "/api/v1/events?after=0", **TOKEN)
            camera, kept = camera_runs(node), node.folder / "sent.flv"
            publisher = media.ffmpeg_kept(node, media.clip(60), node.rtmps_url(2), kept)
            with Load(node, clip, "1", 0, 15, url) as load:
                for station in (1, 2):
                    node.wait_media(station, 1.0)
                    wait_until(f"station {station} has its rung", lambda one=station: b".m4s" in rung(node, one))
                first = node.pids("gate")
                node.use("b")
                done = node.upgrade()
                assert done.returncode == 0, done.stderr + done.stdout
                assert node.status()["listen"] == doors
                # The gate that has their sessions stays with them; who calls over SRT is let in by it, to a new worker.
                assert {pid for pid, one in node.processes().items() if one[0] == "gate" and one[2]} == set(first)
                with Load(node, clip, "3", 0, 3, url) as late:
                    for station in (1, 2):
                        before = rung(node, station)
                        wait_until(f"the rung of {station} goes on", lambda one=station, old=before: rung(node, one) not in (old, b""))
                    # The operator's port is the same, and he has missed nothing.
                    last = events.until("upgrade.started")["id"]
                    events.close()
                    events = EventStream(node.operator(), Last_Event_ID=str(last), **TOKEN)
                    while (event := events.next())["kind"] != "upgrade.done":
                        last += 1
                        assert event["id"] == last, event
                    events.close()
                    assert camera_runs(node) != camera
                    assert accepted(late) == 1
                # Drained, it lets nobody in, the gate that retires neither.
                assert admin.ask("POST", "/api/v1/drain", {})[0] == 200
                with Load(node, clip, "4", 0, 2, url) as vain, Load(node, clip, "5", 0, 2) as other:
                    assert (accepted(vain), accepted(other)) == (0, 0)
                assert node.status()["draining"] and "node.drained" not in told(admin)
                assert publisher.leave(30) is not None
                sent = load.results()[0]
                assert (sent["accepted"], sent["dropped"], sent["refused"]) == (1, 0, 0), sent["reasons"]
            wait_until("the node is empty", lambda: "node.drained" in told(admin))
            wait_until("nobody retires any more", lambda: not any(one[2] for one in node.processes().values()), 70)
            assert admin.ask("DELETE", "/api/v1/drain", {})[0] == 200
            # The ports of SRT are the new gate's.
            with Load(node, clip, "4", 0, 2, url) as after:
                assert accepted(after) == 1
            wait_until("that was told", lambda: "node.undrained" in [one["kind"] for one in receiver.taken()])
            receiver.expect_whole(admin)
            wrong = wrong_archives(node, sent)
            assert not wrong, wrong
            run, = node.runs(2)
            got, was = media.archived([run]), media.packets(kept)
            assert {kind: len(was[kind]) for kind in was} == {kind: len(got[kind]) for kind in got} and was["video"] and was["audio"]
            for station in (1, 2):
                listed = [Playlist(node.get(f"/hls/{station}/{one}media.m3u8")[1].decode()) for one in ("", f"{RUNG}/")]
                assert [one[0] for one in listed[0].segments] == [one[0] for one in listed[1].segments] and not listed[1].gaps, listed[1]
            # The camera's gap is the only one, and nothing of it has failed.
            one, two = node.runs(7)
            assert [end["reason"] for end in records(one, "end")] == ["eos"] and not records(two, "end")
            assert not {"instance.died", "instance.over", "process.alarm"} & set(told(admin))


def is_closed(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 10).close()
    except ConnectionRefusedError:
        return True
    return False


if __name__ == "__main__":
    tap.run(globals())
