# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections that are held and not used, more than there may be, beside viewers."""
import http.client
import socket

from live_case import MEDIA, STATION, LiveCase
from origin_case import PATIENCE, wait_until
import tap  # of the folder that origin_case has added

MOST = 40
# What is said once, then nothing more: nothing, half a request, one that libsoup answers, and one for media.
SAID = (b'', b'GET / HTT', b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', f'GET {MEDIA} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())


class Idler:
    """Holds a connection, and comes again when it is closed."""

    def __init__(self, port, source, said):
        self.port, self.source, self.said = port, source, said
        self.sock = None
        self.connect()

    def connect(self):
        self.sock = socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE, source_address=(self.source, 0))
        self.sock.sendall(self.said)
        self.sock.setblocking(False)

    def is_closed(self):
        try:
            while self.sock.recv(65536):
                pass
            return True
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True

    def stay(self):
        if self.is_closed():
            self.sock.close()
            self.connect()


class Flood(LiveCase):
    def viewer(self, source):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE, source_address=(source, 0))
        self.addCleanup(connection.close)
        return connection

    def watch(self, viewer):
        for path in (MEDIA, f'/hls/{STATION}/2.m4s'):
            viewer.request('GET', path)
            answer = viewer.getresponse()
            body = answer.read()
            self.assertEqual(answer.status, 200, body[:200])

    def test_idlers_keep_no_viewer_out(self):
        self.live(3, '--max-connections', str(MOST))
        player = self.viewer('127.0.9.1')
        self.watch(player)
        connected = player.sock
        idlers = []
        for index in range(2 * MOST):
            idlers.append(Idler(self.port, f'127.0.{1 + index % 3}.{1 + index % 2}', SAID[index % len(SAID)]))
            self.addCleanup(lambda one=idlers[-1]: one.sock.close())

        def made_way(number):
            for one in idlers:
                one.stay()
            return self.status()['closed']['made_way'] >= number
        for index in range(1, 4):
            wait_until('they make way', lambda number=15 * index: made_way(number))
            self.watch(player)
            self.assertIs(player.sock, connected, 'he has the connection that he had')
            self.watch(self.viewer(f'127.0.10.{index}'))
        self.assertLessEqual(self.status()['connections'], MOST)

    def test_idlers_of_an_address_keep_nobody_of_it_out(self):
        self.start('--max-connections', '100', '--max-connections-per-address', '4')
        idlers = [Idler(self.port, '127.0.0.2', said) for said in SAID]
        for one in idlers:
            self.addCleanup(one.sock.close)

        def is_served():
            try:
                neighbour = self.viewer('127.0.0.2')
                neighbour.request('GET', '/healthz')
                return neighbour.getresponse().status == 200
            except (ConnectionError, http.client.RemoteDisconnected):
                return False
        wait_until('one of them makes way', is_served)
        self.assertEqual(sum(one.is_closed() for one in idlers), 1)
        self.assertEqual(self.status()['closed']['made_way'], 0)


if __name__ == '__main__':
    tap.run_unittest()
