#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node whose programs on disk speak another protocol than those that run: what the old ones have goes on until it ends, and
what begins is the new ones'."""
import re

import media
import tap
from admin import Admin, UnixConnection
from node import BUILD, TOP, wait_until
from upgrading import InstalledNode, Load, wrong_archives

MAJOR, MINOR = map(int, re.search(r"kVersion\{(\d+), (\d+)\}", (TOP / "subprojects/wire/include/wire/version.h").read_text()).groups())
OTHER = f"{MAJOR + 1}.{MINOR}"  # tests/headgate-other-protocol.so raises the major
SECONDS = 16


class OldNode(InstalledNode):
    """Its tree `a` speaks another protocol than its tree `b`."""

    def __init__(self):
        super().__init__(arguments=["--workers", "1", "--max-workers", "1"])
        self.env |= {"LD_PRELOAD": str(BUILD / "tests/headgate-other-protocol.so"), "HEADGATE_TEST_OTHER": str(self.folder / "a")}

    def told(self, kind="process.incompatible"):
        admin = Admin(lambda: UnixConnection(self.data / "run/admin.sock"))
        try:
            return [event["fields"] for event in admin.events() if event["kind"] == kind]
        except OSError:
            return []  # it is just being replaced


def check_that_the_old_worker_ends_with_its_session(node, load, old):
    """`old`: processes() before. Somebody who comes meanwhile is the new ones'."""
    wait_until("only the new programs serve", lambda: node.tree_of_those_that_serve() == {"b"})
    (worker,) = [pid for pid, one in old.items() if one[0] == "worker"]
    (kept,) = [one for one in node.status()["processes"] if one["pid"] == worker]
    assert kept["retiring"] and kept["protocol"] == OTHER, kept
    (reported,) = [one for one in node.report()["processes"] if one["pid"] == worker]
    assert reported["state"] == "retiring" and reported["sessions"] == -1, reported
    wait_until("operators are told of each", lambda: sorted(one["process"] for one in node.told()) == ["control", "gate", "origin", "worker-0"])
    assert {one["protocol"] for one in node.told()} == {OTHER}
    (session,) = [one["session"] for one in node.told("session.opened")]
    (unknown,) = wait_until("its session is told as unknown", lambda: node.told("session.unknown"))
    assert unknown == {"session": session, "worker": 0, "reason": "incompatible"}, unknown
    assert not node.told("session.closed"), "nobody knows"
    assert "its sessions go on, and are not known" in node.headgate("status", "--data", str(node.data)).stdout
    with Load(node, media.made_once("small.flv", BUILD / "tools/headgate/headgate", "load", "clip", "--low-rate", media.MADE), "2", 0, 4) as late:
        node.wait_state(2, "live")
        late_sent = late.results()[0]
    assert (late_sent["accepted"], late_sent["dropped"], late_sent["refused"]) == (1, 0, 0), late_sent["reasons"]
    assert load.publish.poll() is None, "the load ended too early to say anything"
    sent = load.results()[0]
    assert (sent["accepted"], sent["dropped"], sent["refused"]) == (1, 0, 0), sent["reasons"]
    wrong = wrong_archives(node, sent) | wrong_archives(node, late_sent)
    assert not wrong, wrong
    assert [len(node.runs(station)) for station in (1, 2)] == [1, 1], "somebody had to come again"
    wait_until("the old worker has gone", lambda: worker not in node.processes())
    wait_until("its session is told as closed", lambda: (session, "unseen") in [
        (one["session"], one["reason"]) for one in node.told("session.closed")])
    wait_until("that is told", lambda: all(one["state"] != "retiring" for one in node.report()["processes"]))
    assert not any("protocol" in one for one in node.status()["processes"]), node.status()["processes"]


def publish(node):
    clip = media.made_once("small.flv", BUILD / "tools/headgate/headgate", "load", "clip", "--low-rate", media.MADE)
    return Load(node, clip, 1, 0, SECONDS)


def test_an_upgrade_to_another_protocol():
    with OldNode() as node:
        with publish(node) as load:
            node.wait_media(1, 2.0)
            before = node.processes()
            assert {one[1] for one in before.values()} == {"a"}
            supervisor = node.pids("supervisor")
            node.use("b")
            done = node.upgrade()
            assert done.returncode == 0, done.stderr + done.stdout
            assert node.pids("supervisor") == supervisor, "the service manager's process is another"
            check_that_the_old_worker_ends_with_its_session(node, load, before)


def test_a_supervisor_of_another_protocol_after_a_crash():
    with OldNode() as node:
        with publish(node) as load:
            node.wait_media(1, 2.0)
            before = node.processes()
            node.supervisor.kill()
            node.supervisor.wait()
            node.use("b")
            # Gate and origin have the ports, and are asked to end: nobody can ask them for their sockets.
            node.start()
            check_that_the_old_worker_ends_with_its_session(node, load, before)


if __name__ == "__main__":
    tap.run(globals())
