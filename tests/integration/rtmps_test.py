#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""RTMPS and proxies, with stock clients on a whole node: what they send is what the archive has."""
import contextlib
import os
import signal
import socket
import ssl
import tempfile
import threading

import media
import tap
from node import Node, log_text, records, wait_until

import certificate  # of tests/support, which node makes known

SECONDS = 8
STATION = 421


@contextlib.contextmanager
def tls_node(folder, *arguments):
    cert, key = certificate.write(folder)
    with Node(arguments=["--rtmps", "127.0.0.1:0", "--tls-cert", str(cert), "--tls-key", str(key), *arguments]) as node:
        yield node


def rtmps_url(node, client=None):
    ticket = node.ticket(STATION, endpoint_=f"rtmps://{node.addresses['rtmps']}/lt")
    return next(entry["url"] for entry in ticket["publish"] if entry["protocol"] == "rtmps" and entry.get("client") == client)


def expect_archived(node, sent, protocol, peer="127.0.0.1:"):
    node.wait_state(STATION, "ended")
    run, = node.runs(STATION)
    wait_until("the run is closed", lambda: records(run, "end"))
    opened, = records(run, "open")
    assert opened["proto"] == protocol and opened["peer"].startswith(peer), opened
    got = media.archived([run])
    assert {kind: len(sent[kind]) for kind in sent} == {kind: len(got[kind]) for kind in got}
    node.check_archive()


def client_sends(client):
    path, sent = media.prepare(client, SECONDS, "av")
    with tempfile.TemporaryDirectory() as folder, tls_node(folder) as node:
        publisher = media.send_to(node, client, path, "av", rtmps_url(node))
        assert publisher.finish(SECONDS + 30) == 0, publisher.stderr()
        expect_archived(node, sent, "rtmps")


def test_ffmpeg():
    client_sends("ffmpeg")


def test_rtmp2sink():
    client_sends("rtmp2sink")


def test_challenge_and_new_certificate():
    """Who streams keeps the connection while others see the new certificate, also on SIGHUP to the supervisor."""
    path = media.clip(SECONDS)
    with tempfile.TemporaryDirectory() as folder, tls_node(folder) as node:
        publisher = media.ffmpeg(node, path, rtmps_url(node, "challenge"))
        node.wait_state(STATION, "live")
        host, port = node.addresses["rtmps"].rsplit(":", 1)

        def shown():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection((host, int(port)), timeout=10) as plain, context.wrap_socket(plain) as one:
                return one.getpeercert(binary_form=True)
        first = shown()
        certificate.write(folder, "another")
        wait_until("the new certificate is shown", lambda: shown() != first, 10)
        read = log_text(node).count("read the certificate")
        os.kill(node.supervisor.pid, signal.SIGHUP)
        wait_until("it was read again", lambda: log_text(node).count("read the certificate") > read, 10)
        assert publisher.finish(SECONDS + 30) == 0, publisher.stderr()
        expect_archived(node, media.packets(path), "rtmps")


def test_a_node_that_stops_says_goodbye():
    path = media.clip(60)
    with tempfile.TemporaryDirectory() as folder, tls_node(folder) as node:
        publisher = media.ffmpeg(node, path, rtmps_url(node))
        node.wait_media(STATION, 2)
        node.stop()
        run, = node.runs(STATION)
        end, = records(run, "end")
        assert end["reason"] == "shutdown", end
        assert publisher.finish(10) != 0
        assert "shutdown" in publisher.stderr() or "Server error" in publisher.stderr(), publisher.stderr()
        node.start()


class Proxy:
    """Carries connections to a node and says whose they are, as a proxy does."""

    def __init__(self, node, client):
        self.target = node.addresses["rtmp"].rsplit(":", 1)
        self.header = f"PROXY TCP4 {client} 127.0.0.1 40000 1935\r\n".encode()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                one, _ = self.listening.accept()
                other = socket.create_connection((self.target[0], int(self.target[1])))
                other.sendall(self.header)
                for pair in ((one, other), (other, one)):
                    threading.Thread(target=self.carry, args=pair, daemon=True).start()

    @staticmethod
    def carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def test_behind_a_proxy():
    path = media.clip(SECONDS)
    with Node(arguments=["--rtmp-proxies", "127.0.0.1"]) as node:
        proxy = Proxy(node, "203.0.113.9")
        ticket = node.ticket(STATION)
        url = ticket["publish"][0]["url"].replace(f"@{node.addresses['rtmp']}/", f"@127.0.0.1:{proxy.port}/")
        publisher = media.ffmpeg(node, path, url)
        assert publisher.finish(SECONDS + 30) == 0, publisher.stderr()
        expect_archived(node, media.packets(path), "rtmp", "203.0.113.9:")
        # Without the proxy nobody gets in.
        direct = media.ffmpeg(node, path, ticket["publish"][0]["url"])
        assert direct.finish(30) != 0
        assert "no PROXY header" in log_text(node)
        proxy.listening.close()


if __name__ == "__main__":
    tap.run(globals())
