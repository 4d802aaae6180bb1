# SPDX-License-Identifier: LGPL-2.1-or-later
"""What players and caches ask for, and libsoup does not answer."""
import fcntl
import http.client
import json
import os
import re
import resource
import shutil
import socket
import struct
import termios
import unittest

from origin_case import BYTES, EVENT, INIT, PATIENCE, SEGMENT, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire

LARGE = 24 << 20  # bytes: more than sockets hold


def has_been_read(sock):
    """What was sent has arrived, and the other side, on this machine, has taken it out of its kernel's queue."""
    if struct.unpack('i', fcntl.ioctl(sock, termios.TIOCOUTQ, b'\0' * 4))[0] != 0:
        return False
    ports = sock.getpeername()[1], sock.getsockname()[1]
    with open('/proc/net/tcp', encoding='ascii') as table:
        for line in list(table)[1:]:
            fields = line.split()
            if tuple(int(address.split(':')[1], 16) for address in fields[1:3]) == ports:
                return int(fields[4].split(':')[1], 16) == 0
    return False


def forget(path):
    """A file's pages leave the page cache, but for those that are on their way somewhere."""
    with open(path, 'rb+') as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


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
                            if 'server-timing' in answers[-1][1]:  # each took as long as it took
                                answers[-1][1]['server-timing'] = 'told'
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
            wait_until('the first piece has been read', lambda sock=one: has_been_read(sock))
            one.sendall(request[9:])
            self.assertEqual(self.answer(one)[2], body)

    def large_segment(self):
        """A live stream at station 8: its second segment is LARGE. Also where in its file that is."""
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 8)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(1))
        wait_until('it is live', lambda: self.request('/hls/8/0.m4s')[0].status == 200)
        offset = len(live.content)
        live.content += os.urandom(LARGE)
        live.write()
        worker.tell(wire.stream_records(1, EVENT, 8, [
            wire.part_record(1, 0, live.file, offset, LARGE, SEGMENT, SEGMENT, live.utc_us),
            wire.segment_record(1, live.file, offset, LARGE, SEGMENT, SEGMENT, live.utc_us, INIT)]))
        wait_until('it is listed', lambda: b'1.m4s' in self.get('/hls/8/media.m3u8'))
        return live, offset

    def test_what_the_cache_loses_meanwhile_does_not_wait_in_the_loop(self):
        live, offset = self.large_segment()
        one = self.connect()
        one.sendall(b'GET /hls/8/1.m4s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        self.assertEqual(one.recv(1, socket.MSG_PEEK), b'H')  # it has begun, and all of it is there
        before = self.read_by_thread('media')
        forget(live.path)
        self.assertEqual(self.answer(one)[2], live.content[offset:])
        self.assertGreater(self.read_by_thread('media'), before)

    def test_no_more_is_read_than_is_answered(self):
        live, offset = self.large_segment()
        uri = '/hls/8/1.m4s'
        etag = self.request(uri, 'HEAD')[0].getheader('ETag')
        content = live.content[offset:]
        for what, method, headers, status, body in (
                (uri, 'GET', {'Range': 'bytes=0-0'}, 206, content[:1]),
                (uri, 'GET', {'Range': 'bytes=1000000-1000999'}, 206, content[1000000:1001000]),
                (uri, 'GET', {'Range': 'bytes=-7'}, 206, content[-7:]),
                (uri, 'GET', {'Range': f'bytes={LARGE}-'}, 416, None),
                (uri, 'GET', {'If-None-Match': etag}, 304, b''),
                (uri, 'GET', {'If-None-Match': etag, 'Range': 'bytes=5-'}, 304, b''),
                (uri, 'HEAD', {'Range': 'bytes=5-'}, 200, b''),
                (uri + '?x', 'HEAD', {}, 200, b''),
                (uri + '?x', 'GET', {}, 200, content),
                (uri, 'GET', {'Range': f'bytes=-{2 * LARGE}'}, 206, content)):
            with self.subTest(what=what, method=method, headers=headers):
                loop, media = self.read_by_thread('headgate-origin'), self.read_by_thread('media')
                answer, got = self.request(what, method, headers)
                self.assertEqual(answer.status, status)
                if body is not None:
                    self.assertEqual(got, body)
                self.assertEqual(self.read_by_thread('media') - media, len(body or b''))
                self.assertLess(self.read_by_thread('headgate-origin') - loop, 1000)  # wake-ups
                if method == 'HEAD':
                    self.assertEqual(answer.getheader('Content-Length'), str(LARGE))
                if status == 416:
                    self.assertEqual(answer.getheader('Content-Range'), f'bytes */{LARGE}')
                    self.assertEqual(answer.getheader('Cache-Control'), 'no-store')

    @unittest.skipIf('UBSAN_OPTIONS' in os.environ, "UBSan looks at an object's type through a pipe of its own")
    def test_what_may_pass_is_not_told_to_be_final(self):
        self.archive(5, 6)
        self.start()
        # On connections that stay: one that the origin closes after the descriptors were counted would leave one free.
        kept = {how: self.connect() for how in ('', '?not-plain')}
        for one in kept.values():
            one.sendall(b'GET /hls/5/media.m3u8 HTTP/1.1\r\nHost: x\r\n\r\n')
            status, _, playlist = self.answer(one)
            self.assertEqual(status, 200)
        uri = '/hls/5/' + self.uris(playlist)[0]
        limits = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        self.addCleanup(resource.prlimit, self.process.pid, resource.RLIMIT_NOFILE, limits)
        used = {int(name) for name in os.listdir(f'/proc/{self.process.pid}/fd')}
        none_free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (none_free, limits[1]))
        for how, one in kept.items():
            one.sendall(f'GET {uri}{how} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
            status, headers, _ = self.answer(one)
            self.assertEqual((status, headers.get('retry-after'), headers['cache-control']), (503, '1', 'no-store'))
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, limits)
        self.get(uri)

    def test_every_connection_may_have_a_file_of_its_own(self):
        worker = self.fake_worker()
        self.start(limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        worker.accept()
        stations = range(100, 132)
        told = [wire.worker_state()]
        for station in stations:
            live = Live(self, worker, station, session=station)
            told += [*live.open_messages(), wire.stream_records(station, EVENT, station, [
                wire.part_record(0, 0, live.file, 0, LARGE, 0, SEGMENT, live.utc_us),
                wire.segment_record(0, live.file, 0, LARGE, 0, SEGMENT, live.utc_us, INIT)])]
            os.truncate(live.path, LARGE)
        worker.tell(*told)
        wait_until('all are live', lambda: len(json.loads(self.get('/api/v1/streams'))['streams']) == len(stations)
                   and b'0.m4s' in self.get(f'/hls/{stations[-1]}/media.m3u8'))
        held = []
        for station in stations:
            one = self.connect()
            one.sendall(f'GET /hls/{station}/0.m4s HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
            held.append(one)
        # Half of them wait in the kernel until others go; none is refused.
        for index, one in enumerate(held):
            if index >= 16:
                held[index - 16].close()
            self.assertEqual(one.recv(12), b'HTTP/1.1 200')

    def test_files_that_were_deleted_are_closed(self):
        self.archive(5, 4)
        self.archive(6, 4)
        self.start()
        for station in (5, 6):
            self.get(f'/hls/{station}/0.m4s')
        self.assertEqual(sum('.mp4' in link for link in self.open_files()), 2)
        shutil.rmtree(self.station_folder(5))
        wait_until('its room is free', lambda: not any('(deleted)' in link for link in self.open_files()))
        self.assertEqual(sum('.mp4' in link for link in self.open_files()), 1)
        for how in range(5):
            self.get('/hls/5/0.m4s' + ('?not-plain' if how % 2 else ''), 410)
        self.get('/hls/6/0.m4s')
        with open(self.log.name, encoding='utf-8') as log:  # told of once, whoever asks for it
            self.assertEqual(log.read().count('a segment cannot be read'), 1)

    def test_a_large_segment_for_a_slow_client_that_the_cache_does_not_have(self):
        live, offset = self.large_segment()
        forget(live.path)
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
