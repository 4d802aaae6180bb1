#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node whose standard error is the journal: its records have their fields there, what is about a session has the session's
and the station's, and `headgate logs` finds them. The journal is systemd's own, in a mount namespace of the test's."""
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

IN_NAMESPACE = "HEADGATE_JOURNAL_TEST"
JOURNALD = "/usr/lib/systemd/systemd-journald"
# The journal is not the test's child: a node's end is held to leaving none.
BESIDE_A_JOURNAL = f"""
mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/log/journal || exit 1
{JOURNALD} >/run/journald.log 2>&1 </dev/null & journald=$!
"$@" & test=$!
trap 'kill $test' TERM
wait $test; code=$?
kill $journald; wait $journald
exit $code
"""


def enter():
    """The rest of the program runs where /run is its own and has a journal; or says why it cannot."""
    if IN_NAMESPACE in os.environ:
        return os.environ[IN_NAMESPACE]
    words = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--user", "--map-root-user"])]
    good = shutil.which("unshare") and subprocess.run([*words, "mount", "-t", "tmpfs", "none", "/run"], check=False,
                                                      capture_output=True).returncode == 0
    why = "" if good and os.path.exists(JOURNALD) and shutil.which("journalctl") else "no journald, or no namespace for it"
    os.environ[IN_NAMESPACE] = why
    if not why:
        os.execvp(words[0], [*words, "sh", "-c", BESIDE_A_JOURNAL, "sh", sys.executable, *sys.argv])
    return why


MISSING = enter()

import media  # noqa: E402  pylint: disable=wrong-import-position
import node as node_support  # noqa: E402  pylint: disable=wrong-import-position
import tap  # noqa: E402  pylint: disable=wrong-import-position
from node import Node, wait_until  # noqa: E402  pylint: disable=wrong-import-position


def journal_stream():
    """A stream into the journal as systemd gives one to a service (sd_journal_stream_fd(3)): its identifier, unit, priority
    and flags, a line each."""
    wait_until("journald listens", Path("/run/systemd/journal/stdout").exists)
    out = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    out.connect("/run/systemd/journal/stdout")
    out.sendall(b"headgate-stderr\n\n4\n1\n0\n0\n0\n")
    return out


class JournaledNode(Node):
    """Its processes' standard error is the journal, and they know it."""

    def __init__(self, stream):
        super().__init__()
        self.log.close()
        self.log = stream
        facts = os.fstat(stream.fileno())
        self.env["JOURNAL_STREAM"] = f"{facts.st_dev}:{facts.st_ino}"
        (self.folder / "node.log").write_text("it is in the journal\n")


def entries():
    told = subprocess.run(["journalctl", "--directory=/run/log/journal", "-o", "json", "--all", "--no-pager", "-q"],
                          capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in told.splitlines()]


def test_records_have_their_fields():
    if MISSING:
        raise tap.Skip(MISSING)
    with journal_stream() as stream:
        with JournaledNode(stream) as node:
            publisher = media.ffmpeg(node, media.clip(5), node.url(7))
            node.wait_media(7)
            (session,) = [one["session"] for one in node.status()["sessions"]]
            (worker,) = [str(one["worker"]) for one in node.status()["sessions"]]
            assert node.get("/healthz")[0] == 200
            publisher.finish(60)
            node.wait_state(7, "ended")
            # A ticket of another event's keys.
            other = node.folder / "other"
            node.headgate("ticket", "keygen", "--event", "78", "--out", str(other))
            refused = subprocess.run(["ffmpeg", "-v", "error", "-re", "-i", media.clip(5), "-c", "copy", "-f", "flv",
                                      node_support.publish_url(node.ticket(8, keys=other))], check=False, env=node.client_env,
                                     stdin=subprocess.DEVNULL, capture_output=True)
            assert refused.returncode != 0

            def all_there():
                told = [one for one in entries() if one.get("SYSLOG_IDENTIFIER", "").startswith("headgate")]
                messages = " ".join(str(one["MESSAGE"]) for one in told)
                return "session closed" in messages and "refused" in messages and told
            told = wait_until("the journal has it all", all_there)

            # Natively, not as lines of a stream; each as the program that wrote it.
            ours = [one for one in told if one["_TRANSPORT"] == "journal"]
            assert {one["SYSLOG_IDENTIFIER"] for one in ours} >= {"headgate", "headgate-gate", "headgate-worker"}, ours
            assert not [one for one in told if one["_TRANSPORT"] == "stdout" and "] info: " in str(one["MESSAGE"])], told
            assert all(one["PRIORITY"] in "34567" for one in ours)
            # What is about a stream and was let in names both.
            about = [one for one in ours if "HEADGATE_STATION" in one and "HEADGATE_CODE" not in one]
            assert len(about) >= 3, ours
            for one in about:
                assert one.get("HEADGATE_STATION") == "7" and one.get("HEADGATE_SESSION") == session, one
            assert [one for one in ours if "HEADGATE_CODE" in one and one["PRIORITY"] == "5"], ours
            # Each record of a worker says of which.
            for one in ours:
                assert one["SYSLOG_IDENTIFIER"] != "headgate-worker" or one.get("HEADGATE_WORKER", "").isdigit(), one
            ids = [one["MESSAGE_ID"] for one in ours if "MESSAGE_ID" in one]
            assert len(set(ids)) >= 4 and all(len(one) == 32 for one in ids), ids

            def logs(*arguments):
                return node.headgate("logs", *arguments).stdout.splitlines()
            lines = logs("--session", session)
            assert len(lines) == len(about), lines
            assert all(f" station=7 session={session}" in line for line in lines), lines
            assert logs("--station", "7") == lines, logs("--station", "7")
            assert logs("--station", "9") == [], logs("--station", "9")
            assert set(logs("--worker", worker)) >= {line for line in lines if "headgate-worker[" in line}
            assert any("refused" in line for line in logs("--level", "notice"))
            assert logs("--since", "+1h") == []
            assert [json.loads(line)["fields"]["session"] for line in logs("--session", session, "--json", "--last", "1")] == [session]
            follow = subprocess.Popen([node_support.HEADGATE, "logs", "--follow", "--level", "notice", "--since", "now"], env=node.env,
                                      stdout=subprocess.PIPE, text=True)
            os.kill(node.supervisor.pid, 1)  # SIGHUP: looked at again, which it says
            assert any("looked at again" in line for line in follow.stdout)
            follow.terminate()
            follow.stdout.close()
            follow.wait()


if __name__ == "__main__":
    tap.run(globals())
