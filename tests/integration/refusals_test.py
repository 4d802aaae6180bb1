#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may not publish is told why, and costs the others nothing."""
import base64
import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import time

import media
import tap
from node import SLOWNESS, Node, log_text, publish_url, resident_bytes, wait_until

STATION = 9
GOOD = 1
GATE_MOST_BYTES = 24 << 20  # above what it had before
SILENT_CONNECTIONS = 150
LIMIT_S = 25  # of handshake and connect, with room


@contextlib.contextmanager
def undisturbed(seconds):
    """A node with a good publisher, whose every packet must be there at the end."""
    path = media.clip(seconds)
    with Node() as node:
        publisher = media.ffmpeg(node, path, node.url(GOOD))
        node.wait_state(GOOD, "live")
        gate = node.pids("gate")
        yield node
        publisher.finish(seconds + 20)
        node.wait_state(GOOD, "ended")
        sent, got = media.packets(path), media.archived(node.runs(GOOD))
        assert {kind: len(sent[kind]) for kind in sent} == {kind: len(got[kind]) for kind in got}
        assert node.stream(GOOD)["sessions"] == 1, "the good publisher was interrupted"
        assert node.pids("gate") == gate, "the gate had to be started again"


def refused(node, url, reason):
    """ffmpeg is refused, shows the reason, and has made no run; the node's log has a line about it."""
    lines = len(log_text(node).splitlines())
    done = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-re", "-i", media.clip(5), "-c", "copy", "-f", "flv", url],
                          env=node.client_env, capture_output=True, text=True, timeout=30 * SLOWNESS, check=False)
    assert done.returncode != 0, "ffmpeg was let in"
    assert re.search(f"Server error: .*{reason}", done.stderr), f"no {reason} in:\n{done.stderr}"
    told = [line for line in log_text(node).splitlines()[lines:] if re.search("refus", line, re.I)]
    assert len(told) == 1, f"one line of log about a refusal, not {told}"
    assert not node.runs(STATION), "a refused publisher left a run"


def test_tickets_that_do_not_hold():
    with undisturbed(20) as node:
        refused(node, node.url(STATION, from_="-3h", until="-1h"), "EXPIRED")
        refused(node, node.url(STATION, from_="+1h", until="+2h"), "EARLY")

        # Of another event, as another organiser's node would issue it; then with this node's master key, so that
        # the password holds and the ticket is looked at.
        other = node.folder / "other-keys"
        node.headgate("ticket", "keygen", "--event", "78", "--out", str(other))
        refused(node, publish_url(node.ticket(STATION, keys=other)), "wrong-password")
        for key in node.keys.glob("master-*.key"):
            (other / key.name).chmod(0o600)
            shutil.copy(key, other / key.name)
        refused(node, publish_url(node.ticket(STATION, keys=other)), "FOREIGN-EVENT")

        good = node.url(STATION)
        match = re.fullmatch(r"(rtmp://)(\w+):(\w+)(@.*/)([\w-]{160})", good)
        scheme, user, password, middle, wire = match.groups()
        wrong_secret = password[:-2] + ("ab" if password[-2:] != "ab" else "cd")
        refused(node, f"{scheme}{user}:{wrong_secret}{middle}{wire}", "wrong-password")
        token = bytearray(base64.urlsafe_b64decode(wire))

        def altered(offset, value):
            changed = bytearray(token)
            changed[offset] = value
            return f"{scheme}{user}:{password}{middle}{base64.urlsafe_b64encode(changed).decode()}"

        refused(node, altered(1, token[1] ^ 0x55), "UNKNOWN-ISSUER")
        refused(node, altered(25, token[25] ^ 1), "BAD-SIGNATURE")
        refused(node, altered(119, token[119] ^ 1), "BAD-SIGNATURE")
        refused(node, f"{scheme}{user}:{password}{middle}hello", "MALFORMED")
        # And what holds still gets in.
        publisher = media.ffmpeg(node, media.clip(5), good)
        node.wait_state(STATION, "live")
        publisher.stop()


def handshake(connection):
    """RTMP's simple handshake as a client."""
    c1 = struct.pack(">II", 0, 0) + os.urandom(1528)
    connection.sendall(b"\x03" + c1)
    answer = b""
    while len(answer) < 1 + 1536 + 1536:
        more = connection.recv(4096)
        assert more, "closed within the handshake"
        answer += more
    connection.sendall(answer[1:1537])


def chunk(csid, message_type, body, length=None, stream=0):
    """The first chunk of a message, with a length of its own if one is given."""
    return (bytes([csid]) + b"\0\0\0" + (len(body) if length is None else length).to_bytes(3, "big")
            + bytes([message_type]) + struct.pack("<I", stream) + body)


def amf_string(text):
    return b"\x02" + struct.pack(">H", len(text)) + text.encode()


def connect_command():
    body = amf_string("connect") + b"\0" + struct.pack(">d", 1) + b"\x03"
    for name, value in (("app", "live"), ("tcUrl", "rtmp://127.0.0.1/live")):
        body += struct.pack(">H", len(name)) + name.encode() + amf_string(value)
    return body + b"\0\0\x09"


BAD_BEGINNINGS = {
    "HTTP": lambda c: c.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100),
    "noise": lambda c: c.sendall(b"\xff" + os.urandom(8000)),
    "noise after the handshake": lambda c: (handshake(c), c.sendall(os.urandom(20000))),
    "an endless message": lambda c: (handshake(c), c.sendall(chunk(3, 20, b"\x02" * 128, 0xFFFFFF)),
                                     [c.sendall(b"\xc3" + b"\x02" * 128) for _ in range(2000)]),
    "a chunk size of 2 GB": lambda c: (handshake(c), c.sendall(chunk(2, 1, struct.pack(">I", 0x7FFFFFFF))),
                                       c.sendall(chunk(3, 20, b"\x02" * 65536, 0xFFFFFF))),
    "a chunk size of 0": lambda c: (handshake(c), c.sendall(chunk(2, 1, struct.pack(">I", 0)) * 3)),
    "many half messages": lambda c: (handshake(c), [c.sendall(chunk(csid, 9, b"\0" * 128, 1 << 20))
                                                    for csid in range(3, 64)]),
    "deep AMF": lambda c: (handshake(c), c.sendall(chunk(3, 20, (amf_string("connect") + b"\0" * 9
                                                                + b"\x03\0\1a" * 20)[:128]))),
    "media before publish": lambda c: (handshake(c), c.sendall(chunk(3, 20, connect_command())),
                                       [c.sendall(chunk(6, 9, b"\x17\1\0\0\0" + b"\0" * 100, stream=1)) for _ in range(500)]),
}


def closed(connection):
    """Whether the node has closed; reads away what it says."""
    try:
        connection.setblocking(False)
        return connection.recv(65536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_malformed_rtmp():
    with undisturbed(40) as node:
        gate = node.pids("gate")[0]
        before = resident_bytes(gate)
        for name, send in BAD_BEGINNINGS.items():
            connection = node.rtmp_socket()
            with contextlib.suppress(ConnectionError, BrokenPipeError, AssertionError, socket.timeout):
                send(connection)
            wait_until(f"{name} is shut out", lambda: closed(connection), LIMIT_S)  # pylint: disable=W0640
            connection.close()
            grown = resident_bytes(gate) - before
            assert grown < GATE_MOST_BYTES * max(1, SLOWNESS), f"{name}: the gate grew by {grown >> 20} MiB"


def test_silence():
    with undisturbed(30) as node:
        gate = node.pids("gate")[0]
        before = resident_bytes(gate)
        connections = [node.rtmp_socket() for _ in range(SILENT_CONNECTIONS)]
        half = SILENT_CONNECTIONS // 2
        for connection in connections[half:]:
            with contextlib.suppress(OSError):
                connection.sendall(b"\x03" + b"\0" * 700)
        # One that has shaken hands and connected, and then never publishes.
        idle = node.rtmp_socket()
        with contextlib.suppress(OSError, AssertionError):
            handshake(idle)
            idle.sendall(chunk(3, 20, connect_command()))
        began = time.monotonic()
        for connection in [*connections, idle]:
            wait_until("silence is shut out", lambda: closed(connection), LIMIT_S)  # pylint: disable=W0640
        assert time.monotonic() - began < LIMIT_S * SLOWNESS
        grown = resident_bytes(gate) - before
        assert grown < GATE_MOST_BYTES * max(1, SLOWNESS), f"the gate grew by {grown >> 20} MiB"
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    tap.run(globals())
