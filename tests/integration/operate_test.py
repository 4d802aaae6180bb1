#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The operator's commands against a real node with real publishers."""
import json
import os
import pty
import signal
import subprocess
import sys
import fcntl
import struct
import termios

import media
import tap
from node import HEADGATE, SLOWNESS, Node, wait_until

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's python3-pyte, also for another Python
try:
    import pyte
except ImportError:
    pyte = None


def rows(table):
    """Words of each line below the titles, by the first."""
    return {line.split()[0]: line.split() for line in table.splitlines()[1:]}


def sessions_of(node, *stations):
    return json.loads(node.headgate("sessions", *node_place(node), "--json", *stations).stdout)["sessions"]


def node_place(node):
    return "--data", str(node.data)


def node_events(node, kind):
    lines = node.headgate("events", *node_place(node), "--kind", kind, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_publishers_are_seen():
    with Node() as node:
        where = node_place(node)
        publishers = [media.ffmpeg(node, media.clip(60), node.url(station), loop=True) for station in (7, 8)]
        for station in (7, 8):
            node.wait_media(station, 1)
        streams = wait_until("both have a bit rate", lambda: "-" not in [
            row[3] for row in rows(node.headgate("streams", *where).stdout).values()] and rows(node.headgate("streams", *where).stdout))
        assert list(streams) == ["7", "8"] and streams["7"][1] == "live" and "640x360" in streams["7"], streams
        sessions = node.headgate("sessions", *where, "8").stdout.splitlines()
        assert len(sessions) == 2 and sessions[1].split()[1] == "8" and "rtmp" in sessions[1], sessions
        (session,) = [one["session"] for one in sessions_of(node, "8")]
        told = node.headgate("top", *where).stdout
        assert "2 live" in told and "sessions 2/" in told, told

        follow = subprocess.Popen([HEADGATE, "events", *where, "--follow", "--kind", "session", "--station", "8"], env=node.env,
                                  stdout=subprocess.PIPE, text=True)
        line = follow.stdout.readline()
        assert "session.opened" in line and f"session={session}" in line, line
        publishers[1].leave(60)
        line = follow.stdout.readline()
        assert "session.closed" in line and f"session={session}" in line, line
        follow.terminate()
        follow.stdout.close()
        follow.wait()
        kinds = [one["kind"] for one in node_events(node, "session") if str(one["fields"].get("session")) == session]
        assert kinds == ["session.opened", "session.closed"], kinds
        lines = node.headgate("logs", "--file", str(node.folder / "node.log"), "--session", session).stdout.splitlines()
        assert any("session closed" in line for line in lines) and all("station=8" in line for line in lines), lines
        publishers[0].leave(60)


def test_top_shows_a_real_node():
    if pyte is None:
        raise tap.Skip("no python3-pyte")
    with Node() as node:
        publisher = media.ffmpeg(node, media.clip(60), node.url(7), loop=True)
        node.wait_media(7, 1)
        screen = pyte.Screen(100, 24)
        stream = pyte.ByteStream(screen)
        master, slave = pty.openpty()
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        os.set_blocking(master, False)
        before = termios.tcgetattr(slave)
        top = subprocess.Popen([HEADGATE, "top", "--data", str(node.data)], env={**node.env, "TERM": "linux", "LC_ALL": "C.UTF-8"},
                               stdin=slave, stdout=slave, stderr=slave, start_new_session=True)

        def shown():
            try:
                stream.feed(os.read(master, 1 << 16))
            except BlockingIOError:
                pass
            return "\n".join(screen.display)
        wait_until("the stream with its bit rate", lambda: any(
            line.split()[:2] == ["7", "live"] and line.split()[3].isdigit() and "25.0" in line for line in shown().splitlines()))
        assert "gate" in shown() and "worker" in shown() and "1 live" in shown(), shown()
        os.write(master, b"\r")
        wait_until("what happened to it", lambda: "session.opened" in shown() and "Station 7" in shown())
        publisher.leave(60)
        wait_until("its end", lambda: "session.closed" in shown() and "sessions 0/" in shown())
        top.send_signal(signal.SIGTERM)
        assert top.wait(60) == -signal.SIGTERM
        assert termios.tcgetattr(slave) == before
        os.close(master)
        os.close(slave)


def test_a_publisher_is_kicked():
    with Node() as node:
        where = node_place(node)
        publishers = [media.ffmpeg(node, media.clip(60), node.url(station), loop=True) for station in (7, 8)]
        for station in (7, 8):
            node.wait_media(station, 1)
        (session,) = [one["session"] for one in sessions_of(node, "8")]
        node.headgate("kick", *where, "--session", session, "--reason", "a test")
        publishers[1].finish(60)
        wait_until("its session is gone", lambda: not sessions_of(node, "8"))
        node.headgate("kick", *where, "--station", "7")
        wait_until("the other's as well", lambda: not sessions_of(node))
        again = node.headgate("kick", *where, "--station", "7", check=False)
        assert again.returncode == 1 and again.stderr.startswith("headgate kick: "), again
        closed = [one for one in node_events(node, "session.closed") if str(one["fields"].get("session")) == session]
        assert len(closed) == 1 and "a test" in json.dumps(closed[0]), closed


def test_a_drained_node_takes_nobody():
    with Node() as node:
        where = node_place(node)
        publisher = media.ffmpeg(node, media.clip(60), node.url(7), loop=True)
        node.wait_media(7, 1)
        # One that has announced that it can be asked to reconnect.
        able = subprocess.Popen([HEADGATE, "load", "publish", "--enhanced", "--url", f"rtmp://{node.addresses['rtmp']}/lt", "--keys",
                                 node.keys, "--stations", "9", "--clip", media.clip(60), "--duration", str(8 * SLOWNESS), "--json", "-"],
                                env=node.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        node.wait_media(9)
        (worker,) = [str(one["worker"]) for one in sessions_of(node, "9")]
        node.headgate("drain", *where, "--worker", worker)  # and asks nobody
        drain = subprocess.Popen([HEADGATE, "drain", *where, "--reconnect-to", "rtmp://192.0.2.1/live", "--wait", "--timeout", "120"],
                                 env=node.env, stdout=subprocess.PIPE, text=True)
        assert drain.stdout.readline() == "the node takes no new publishers\n"
        assert drain.stdout.readline() == "2 sessions left\n"
        vain = node.headgate("drain", *where, "--worker", worker, "--reconnect", check=False)
        assert vain.returncode == 1 and "the node lets nobody in" in vain.stderr, vain
        result = json.loads(able.communicate(timeout=120)[0])
        assert result["asked"] == {"rtmp://192.0.2.1/live": 1} and result["finished"] == 1, result
        assert drain.stdout.readline() == "1 session left\n"
        late = media.ffmpeg(node, media.clip(5), node.url(8))
        assert late.finish(60) != 0
        assert node.stream(7)["state"] == "live"
        node.headgate("kick", *where, "--station", "7")
        assert drain.wait(60) == 0 and "0 sessions left" in drain.stdout.read()
        drain.stdout.close()
        publisher.finish(60)
        node.headgate("drain", *where, "--off")
        again = media.ffmpeg(node, media.clip(5), node.url(8))
        node.wait_media(8)
        again.finish(60)


if __name__ == "__main__":
    tap.run(globals())
