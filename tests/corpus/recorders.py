# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands where a client sends, and keeps every byte of it."""
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import wire  # noqa: E402

MAGIC = b"HGR1"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Recording:
    """Pieces as they came: (connection, milliseconds since the first, bytes). No bytes: the client has closed."""

    def __init__(self):
        self.pieces = []
        self.lock = threading.Lock()
        self.began = None

    def add(self, connection, data):
        with self.lock:
            now = time.monotonic()
            self.began = self.began or now
            self.pieces.append((connection, round((now - self.began) * 1000), bytes(data)))

    def is_over(self):
        with self.lock:
            return bool(self.pieces) and not self.pieces[-1][2]

    def encode(self):
        return MAGIC + b"".join(struct.pack(">BII", connection, ms, len(data)) + data for connection, ms, data in self.pieces)


def decode(data):
    """The pieces of a file."""
    assert data[:len(MAGIC)] == MAGIC
    pieces, at = [], len(MAGIC)
    while at < len(data):
        connection, ms, length = struct.unpack_from(">BII", data, at)
        at += 9 + length
        pieces.append((connection, ms, data[at - length:at]))
    return pieces


class TcpRecorder:
    """A proxy in front of HOST:PORT. With (certificate, key) it speaks TLS on both sides and keeps what is inside."""

    def __init__(self, target, tls=None):
        self.target = target
        self.recording = Recording()
        self.answers = {}  # connection: bytes
        self.server_tls = self.client_tls = None
        if tls:
            self.server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.server_tls.num_tickets = 0  # librtmp
            self.server_tls.load_cert_chain(*tls)
            self.client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.client_tls.check_hostname = False
            self.client_tls.verify_mode = ssl.CERT_NONE
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listening.getsockname()[1]
        self.threads = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listening.close()
        for thread in self.threads:
            thread.join(20)

    def _serve(self):
        for number in range(256):
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._relay, args=(number, client), daemon=True))
            self.threads[-1].start()

    def _relay(self, number, client):
        host, port = self.target.rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.server_tls:
            client = self.server_tls.wrap_socket(client, server_side=True, suppress_ragged_eofs=True)
            server = self.client_tls.wrap_socket(server, suppress_ragged_eofs=True)
        answers = threading.Thread(target=self._answer, args=(number, server, client), daemon=True)
        answers.start()
        for data in received(client):
            self.recording.add(number, data)
            try:
                server.sendall(data)
            except OSError:
                break
        self.recording.add(number, b"")
        end_sending(server)
        answers.join(20)
        client.close()
        server.close()

    def _answer(self, number, server, client):
        self.answers[number] = b""
        for data in received(server):
            self.answers[number] += data
            try:
                client.sendall(data)
            except OSError:
                return
        end_sending(client)


def received(source):
    """Until its end, of whatever kind."""
    while True:
        try:
            data = source.recv(1 << 16)
        except OSError:
            return
        if not data:
            return
        yield data


def end_sending(target):
    try:
        (target.unwrap() if isinstance(target, ssl.SSLSocket) else target).shutdown(socket.SHUT_WR)
    except (OSError, ValueError):
        pass


class SrtRecorder:
    """A gate, and a worker's place behind it: every message of SRT as the gate relays it (docs/srt.md)."""

    def __init__(self, gate, keys, runtime, env):
        self.recording = Recording()
        self.ended = threading.Event()
        self.stream_id = None
        self.told = threading.Event()
        path = os.path.join(runtime, "worker-0.sock")
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(path + ".new")
        self.listening.listen(8)
        os.rename(path + ".new", path)
        threading.Thread(target=self._serve, daemon=True).start()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % udp.getsockname()[1]
        self.gate = subprocess.Popen(
            ["sh", "-c", f'LISTEN_PID=$$ exec "$0" "$@" 3<&{udp.fileno()}', gate, "--runtime-dir", runtime, "--keys", keys],
            env={**env, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "srt"}, pass_fds=(udp.fileno(),), stdin=subprocess.DEVNULL)
        udp.close()
        assert self.told.wait(30), "the gate does not find its worker"

    def close(self):
        self.gate.terminate()
        self.gate.wait()
        self.listening.close()

    def _serve(self):
        try:
            gate = self.listening.accept()[0]
            wire.greet(gate)
        except OSError:
            return
        while True:
            message, descriptors, _, _ = socket.recv_fds(gate, 1 << 18, 4)
            if not message:
                return
            if message[0] == wire.HELLO:
                gate.send(wire.worker_state())
                self.told.set()
            elif message[0] == wire.HANDOFF:
                threading.Thread(target=self._keep, args=(socket.socket(fileno=descriptors[0]),), daemon=True).start()

    def _keep(self, relay):
        for message in received(relay):
            # 'u': aligned otherwise than a TS packet; what is neither is the relay's statistics.
            if message[0] == 0x47:
                self.recording.add(0, message)
            elif message[0] == ord("u"):
                self.recording.add(0, message[1:])
        self.recording.add(0, b"")
        self.ended.set()
