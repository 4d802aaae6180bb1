#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node's programs are replaced while it runs: publishers, archives and viewers do not notice; what is broken is not
taken."""
import media
import tap
from admin import Admin, UnixConnection
from node import BUILD, wait_until
from upgrading import InstalledNode, Load, wrong_archives

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
                assert node.report()["state"] == "done", node.report()
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


def broken(node, tree, program, text):
    """Of the tree, one program is a script."""
    path = node.folder / tree / program
    path.unlink()
    path.write_text("#!/bin/sh\n" + text + "\n")
    path.chmod(0o755)


def told(admin):
    try:
        return [event["kind"] for event in admin.events()]
    except OSError:
        return []  # it is just being replaced


def test_what_is_broken_is_not_taken():
    with InstalledNode() as node:
        before = node.processes()
        node.install("crashes")
        broken(node, "crashes", "headgate", "kill -SEGV $$")
        node.install("worker")
        broken(node, "worker", "headgate-worker", "echo no element \\\"ticketsrc\\\"; exit 1")
        for tree, reason in (("crashes", "139"), ("worker", "ticketsrc")):
            node.use(tree)
            done = node.upgrade()
            assert done.returncode == 3 and reason in done.stderr, (done.returncode, done.stderr)
            assert node.report()["state"] == "refused", node.report()
            assert node.processes() == before, "something was replaced"
        # It can be tried, and ends as soon as it is to serve.
        node.install("gate")
        real = node.folder / "gate/headgate-gate"
        real.rename(node.folder / "gate/real-gate")
        (node.folder / "gate/headgate-gate").touch()
        broken(node, "gate", "headgate-gate", f'case "$*" in *--check*) exec {node.folder}/gate/real-gate "$@";; esac; exit 1')
        node.use("gate")
        gates = node.pids("gate")
        done = node.upgrade()
        assert done.returncode == 4 and "gate" in done.stderr, (done.returncode, done.stderr)
        assert node.report()["state"] == "failed", node.report()
        assert node.pids("gate") == gates, "the gate that worked is gone"
        publisher = media.ffmpeg(node, media.clip(60), node.url(3), loop=True)
        node.wait_state(3, "live")
        wait_until("it is recorded", lambda: len(node.runs(3)) == 1)
        # What is mended is taken: the rest of the node, too; an operator's program may ask for it.
        node.use("b")
        admin = Admin(lambda: UnixConnection(node.data / "run/admin.sock"))
        wait_until("operators are told", lambda: told(admin).count("upgrade.failed") == 3)
        assert admin.ask("POST", "/api/v1/upgrade") == (202, {"upgrading": True})
        assert admin.ask("POST", "/api/v1/upgrade")[0] == 409
        wait_until("it is done", lambda: node.report()["state"] == "done", 60)
        wait_until("operators are told", lambda: "upgrade.done" in told(admin))
        wait_until("only the new programs serve", lambda: node.tree_of_those_that_serve() == {"b"})
        node.wait_state(3, "live")
        assert len(node.runs(3)) == 1, "the publisher was cut"
        publisher.stop()


def test_srt_callers_neither_go_nor_wait_long():
    clip = small_clip()
    with InstalledNode(arguments=["--srt", "127.0.0.1:0"]) as node:
        url = f"srt://{node.addresses['srt']}"
        with Load(node, clip, 2, 0, 16, url) as load:
            for station in (1, 2):
                node.wait_media(station, 1.0)
            first = node.pids("gate")
            node.use("b")
            done = node.upgrade()
            assert done.returncode == 0, done.stderr + done.stdout
            retiring = {pid for pid, (role, _, gone) in node.processes().items() if role == "gate" and gone}
            assert retiring == set(first), "the gate that has the SRT sessions is to stay with them"
            # Somebody who calls now is let in by the one that retires, to a worker of the new ones.
            with Load(node, clip, "3", 0, 4, url) as late:
                late_sent = late.results()[0]
            assert (late_sent["accepted"], late_sent["dropped"], late_sent["refused"]) == (1, 0, 0), late_sent["reasons"]
            sent = load.results()[0]
            assert (sent["accepted"], sent["dropped"], sent["refused"]) == (2, 0, 0), sent["reasons"]
        wait_until("the first gate has gone", lambda: not set(first) & set(node.pids("gate")))
        # The ports are the new one's.
        with Load(node, clip, "4", 0, 4, url) as after:
            after_sent = after.results()[0]
        assert (after_sent["accepted"], after_sent["dropped"], after_sent["refused"]) == (1, 0, 0), after_sent["reasons"]
        for station in (1, 2, 3, 4):
            wait_until("it has ended", lambda s=station: node.stream(s)["state"] != "live")
            assert len(node.runs(station)) == 1, f"station {station} had to come again"


if __name__ == "__main__":
    tap.run(globals())
