# SPDX-License-Identifier: LGPL-2.1-or-later
"""Viewers' connections to headgate-origin: how long they last, and how many anybody may have."""
import http.client
import socket

from origin_case import PATIENCE, OriginCase, wait_until
import tap  # of the folder that origin_case has added


class ConnectionsTest(OriginCase):
    def test_a_connection_serves_one_request_after_the_other(self):
        self.start()
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.connect()
        first = connection.sock.getsockname()
        for path in ('/healthz', '/api/v1/streams', '/hls/9/index.m3u8', '/healthz'):
            connection.request('GET', path)
            connection.getresponse().read()
            self.assertIsNotNone(connection.sock, f'closed after {path}')
            self.assertEqual(connection.sock.getsockname(), first)

    def test_connections_that_clients_close_are_let_go(self):
        self.archive(5, 4)
        self.start()

        def sockets():
            return sum(link.startswith('socket:') for link in self.open_files())
        before = sockets()
        uri = '/hls/5/' + self.uris(self.get('/hls/5/media.m3u8'))[0]
        for path in ('/healthz', uri, '/hls/5/999.m4s', '/api/v1/streams') * 10:
            connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
            for _ in range(2):
                connection.request('GET', path)
                connection.getresponse().read()
            connection.close()
        wait_until('they are closed here, too', lambda: sockets() <= before)

    def test_a_connection_is_not_used_for_ever(self):
        self.start()
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        for left in range(99, -1, -1):
            connection.request('GET', '/healthz')
            answer = connection.getresponse()
            self.assertEqual(answer.read(), b'ok\n')
            self.assertEqual(answer.getheader('Connection'), None if left else 'close')

    def test_listeners_of_an_address_leave_places_to_others(self):
        self.start()

        def listen(source):
            connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE, source_address=(source, 0))
            self.addCleanup(connection.close)
            connection.request('GET', '/api/v1/events')
            return connection.getresponse().status
        said = [listen('127.0.0.2')]
        while said[-1] == 200:
            said.append(listen('127.0.0.2'))
            self.assertLess(len(said), 100)  # of 256, a third of what the others have left
        self.assertEqual(said[-1], 503)
        self.assertEqual(listen('127.0.0.3'), 200)

    def test_connections_are_bounded(self):
        self.start('--max-connections', '20')
        busy = [socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE) for _ in range(20)]
        for one in busy:
            self.addCleanup(one.close)
            one.sendall(b'GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n')
            self.assertIn(b'200 OK', one.recv(100))
        # The next waits in the kernel's queue, and is served when one of them goes.
        late = socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE)
        self.addCleanup(late.close)
        late.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
        late.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            late.recv(100)
        busy[0].close()
        late.settimeout(PATIENCE)
        self.assertIn(b'200 OK', late.recv(100))

    def test_one_address_cannot_have_all_connections(self):
        self.start('--max-connections', '20', '--max-connections-per-address', '3')

        def connect(source):
            one = socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE, source_address=(source, 0))
            self.addCleanup(one.close)
            one.sendall(b'GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n')  # never idle
            try:
                return one, b'200 OK' in one.recv(1000)
            except ConnectionResetError:
                return one, False
        held = [connect('127.0.0.2') for _ in range(3)]
        self.assertEqual([served for _, served in held], [True] * 3)
        self.assertFalse(connect('127.0.0.2')[1])
        self.assertTrue(connect('127.0.0.3')[1])  # somebody else
        for _ in range(5):
            self.assertTrue(connect('127.0.0.1')[1])  # a proxy on this machine
        held[0][0].close()
        wait_until('one that has gone makes room', lambda: connect('127.0.0.2')[1])


if __name__ == '__main__':
    tap.run_unittest()
