# SPDX-License-Identifier: LGPL-2.1-or-later
"""What players and caches ask for, and libsoup does not answer."""
import fcntl
import http.client
import os
import re
import resource
import socket
import struct
import termios

from origin_case import BYTES, EVENT, INIT, PATIENCE, SEGMENT, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire


def sent_and_acknowledged(sock):
    """Nothing of what was sent is on its way any more."""
    return struct.unpack('i', fcntl.ioctl(sock, termios.TIOCOUTQ, b'\0' * 4))[0] == 0


class MediaTest(OriginCase):
    def connect(self):
        one = socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE)
        self.addCleanup(one.close)
        return one

    def answer(self, one, method='GET'):
        """The next answer on a connection: status, headers without the date, body."""
        response = http.client.HTTPResponse(one, method=method)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        self.assertRegex(headers.pop('date'), r'^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$')
        return response.status, headers, response.read()

    def test_a_plain_request_is_answered_as_any_other(self):
        self.archive(5, 6)
        self.start()
        playlist = self.get('/hls/5/media.m3u8')
        init = re.search(rb'URI="(init-[0-9a-f]{16}\.mp4)"', playlist).group(1).decode()
        for name in ('index.m3u8', 'media.m3u8', 'replay.m3u8', self.uris(playlist)[0], init, '999.m4s', 'x', '', 'a/b'):
            for method in ('GET', 'HEAD'):
                for how in (b'', b'Connection: close\r\n'):
                    with self.subTest(name=name, method=method, how=how):
                        answers = []
                        for what in (f'/hls/5/{name}', f'/hls/5/{name}?not-plain'):
                            one = self.connect()
                            one.sendall(f'{method} {what} HTTP/1.1\r\nHost: x\r\n'.encode() + how + b'\r\n')
                            answers.append(self.answer(one, method))
                            answers[-1][1].pop('connection', None)  # libsoup closes without saying so
                            if how:
                                self.assertEqual(one.recv(1), b'')
                        self.assertEqual(answers[0], answers[1])

    def test_a_connection_for_media_is_used_again_and_again(self):
        self.archive(5, 6)
        self.start()
        playlist = self.get('/hls/5/media.m3u8')
        uri = '/hls/5/' + self.uris(playlist)[0]
        segment = self.get(uri)
        one = self.connect()
        for _ in range(150):  # libsoup would have closed it
            one.sendall(f'GET {uri} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
            self.assertEqual(self.answer(one)[2], segment)
        # Something else is answered on it, too, and then media again.
        for path, expected in (('/healthz', b'ok\n'), (uri, segment), ('/hls/5/media.m3u8', playlist)):
            one.sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
            self.assertEqual(self.answer(one)[2], expected)

    def test_more_files_than_may_be_open(self):
        stations = range(40, 60)
        for station in stations:
            self.archive(station, 4)
        self.start(limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        first = {station: self.get(f'/hls/{station}/0.m4s') for station in stations}
        self.assertEqual({station: self.get(f'/hls/{station}/0.m4s') for station in stations}, first)
        files = sum(link.endswith('.mp4') for link in self.open_files())
        self.assertIn(files, range(1, 9))  # an eighth of what it is given

    def test_requests_that_come_together_or_in_pieces(self):
        self.archive(5, 6)
        self.start()
        playlist = self.get('/hls/5/media.m3u8')
        segments = [(f'/hls/5/{uri}', self.get(f'/hls/5/{uri}')) for uri in self.uris(playlist)]
        wanted = segments + [('/hls/5/media.m3u8', playlist), ('/healthz', b'ok\n')]
        requests = [f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode() for path, _ in wanted]
        one = self.connect()
        one.sendall(b''.join(requests))
        file = one.makefile('rb')
        self.addCleanup(file.close)
        for _, body in wanted:
            self.assertEqual(file.readline(), b'HTTP/1.1 200 OK\r\n')
            headers = http.client.parse_headers(file)
            self.assertEqual(file.read(int(headers['Content-Length'])), body)
        for request, (_, body) in zip(requests, wanted):
            one = self.connect()
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.sendall(request[:9])
            # Only when the rest cannot come in the same piece any more.
            wait_until('the first piece is there', lambda sock=one: sent_and_acknowledged(sock))
            one.sendall(request[9:])
            self.assertEqual(self.answer(one)[2], body)

    def test_a_large_segment_for_a_slow_client_that_the_cache_does_not_have(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 8)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(1))
        wait_until('it is live', lambda: self.request('/hls/8/0.m4s')[0].status == 200)
        large = 24 << 20  # more than sockets hold
        offset = len(live.content)
        live.content += os.urandom(large)
        live.write()
        with open(live.path, 'rb+') as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        worker.tell(wire.stream_records(1, EVENT, 8, [
            wire.part_record(1, 0, live.file, offset, large, SEGMENT, SEGMENT, live.utc_us),
            wire.segment_record(1, live.file, offset, large, SEGMENT, SEGMENT, live.utc_us, INIT)]))
        wait_until('it is listed', lambda: b'1.m4s' in self.get('/hls/8/media.m3u8'))
        one = self.connect()
        one.sendall(b'GET /hls/8/1.m4s HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
        self.assertEqual(one.recv(1, socket.MSG_PEEK), b'H')  # it has begun, and waits for us
        self.assertEqual(self.get('/hls/8/0.m4s'), bytes([0]) * BYTES)  # nobody waits for it
        file = one.makefile('rb')
        self.addCleanup(file.close)
        self.assertEqual(file.readline(), b'HTTP/1.1 200 OK\r\n')
        headers = http.client.parse_headers(file)
        self.assertEqual(file.read(int(headers['Content-Length'])), live.content[offset:])
        self.assertEqual(file.readline(), b'HTTP/1.1 200 OK\r\n')
        # Clients that go in the middle of an answer are let go.
        for _ in range(5):
            gone = self.connect()
            gone.sendall(b'GET /hls/8/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n')
            gone.recv(1000)
            gone.close()
        # A file that has become shorter: not one byte of another.
        os.truncate(live.path, offset + 1000)
        self.get('/hls/8/1.m4s', 410)


if __name__ == '__main__':
    tap.run_unittest()
