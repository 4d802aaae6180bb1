# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate-origin over a made-up archive and workers that are none."""
import glob
import gzip
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import stat

from origin_case import BYTES, EVENT, INIT, PATIENCE, SEGMENT, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../tools/origin/www')


class OriginTest(OriginCase):
    # --- from the disk ---

    def test_an_archive_is_served_as_the_bytes_it_is(self):
        self.archive(5, 9)
        self.archive(5, 5)
        self.start()
        stream = self.stream(5)
        self.assertEqual(stream['state'], 'ended')
        self.assertEqual(stream['sessions'], 2)
        self.assertAlmostEqual(stream['duration_s'], 14, delta=1)
        self.assertEqual([stream['hls'], stream['replay']], ['/hls/5/index.m3u8', '/hls/5/replay.m3u8'])
        replay = self.get('/hls/5/replay.m3u8')
        self.assertIn(b'#EXT-X-ENDLIST', replay)
        inits = re.findall(rb'URI="(init-[0-9a-f]{16}\.mp4)"', replay)
        self.assertTrue(inits)
        content = self.get('/hls/5/' + inits[0].decode())
        served = b''.join(self.get(f'/hls/5/{uri}') for uri in self.uris(replay))
        files = sorted(glob.glob(self.root + f'/lta/{EVENT}/st/05/000005/*/*.mp4'))
        self.assertEqual(len(files), 2)
        stored = b''
        for path in files:
            with open(path, 'rb') as file:
                data = file.read()
            self.assertTrue(data.startswith(content))
            stored += data[len(content):]
        self.assertEqual(served, stored)
        self.assertIn(b'media.m3u8', self.get('/hls/5/index.m3u8'))
        self.assertIn(b'#EXT-X-ENDLIST', self.get('/hls/5/media.m3u8'))

    def test_a_publisher_that_may_come_back_is_waited_for(self):
        self.archive(6, 5, 'disconnect')
        self.start('--grace', '3')
        self.assertEqual(self.stream(6)['state'], 'waiting')
        self.assertNotIn(b'ENDLIST', self.get('/hls/6/media.m3u8'))
        wait_until('the grace is over', lambda: self.stream(6)['state'] == 'ended')
        self.assertIn(b'ENDLIST', self.get('/hls/6/media.m3u8'))

    def test_segments_outside_the_window_come_from_the_disk(self):
        self.archive(7, 60)
        self.start('--window', '10')
        first = self.uris(self.get('/hls/7/replay.m3u8'))[0]
        self.stop()
        self.start('--window', '10')
        answer, body = self.request('/hls/7/' + first)
        self.assertEqual(answer.status, 200)
        self.assertGreater(len(body), 100)

    def test_the_length_of_a_run_does_not_delay_the_answer(self):
        segments = 27_000  # 15 hours
        self.archive(20, 2 * segments, 'unpublish', 'small')
        self.archive(21, 2 * segments, '-', 'small')  # its end has to be found in the media
        for station in range(22, 30):
            shutil.copytree(self.station_folder(20 + station % 2), self.station_folder(station), copy_function=os.link)
        chain, = glob.glob(self.station_folder(20) + '/*/run.jl')
        self.assertGreater(os.path.getsize(chain), 12 << 20)
        self.start()
        for station in range(20, 30):
            with self.subTest(station=station):
                playlist = self.get(f'/hls/{station}/media.m3u8')
                uris = self.uris(playlist)
                self.assertEqual(uris[-1], f'{segments - 1}.m4s')
                self.assertGreaterEqual(len(uris), 30)
                self.assertGreater(len(self.get(f'/hls/{station}/{uris[0]}')), 100)
                self.assertIn(b'm4s', playlist)
                self.assertIn(b'media.m3u8', self.get(f'/hls/{station}/index.m3u8'))
        # Each station twice: in its turn, and because a viewer waits.
        self.assertLess(self.read_by_thread('windows'), 2 * 10 * (1 << 20))
        for station in range(20, 30):
            stream = wait_until('its history is known', lambda n=station: self.stream(n)['duration_s'] is not None
                                and self.stream(n))
            self.assertAlmostEqual(stream['duration_s'], 2 * segments, delta=30)
            self.assertEqual((stream['sessions'], stream['gaps']), (1, 0))
        self.assertEqual(len(self.uris(self.get('/hls/20/replay.m3u8'))), segments)
        self.assertGreater(len(self.get('/hls/21/0.m4s')), 100)

    def test_a_window_is_put_together_from_many_runs(self):
        for _ in range(12):
            self.archive(31, 12)
        self.start('--window', '20', '--playlist', '20')
        few = self.uris(self.get('/hls/31/media.m3u8'))
        stream = wait_until('its history is known', lambda: self.stream(31)['duration_s'] is not None and self.stream(31))
        self.stop()
        self.start('--window', '600', '--playlist', '20')  # all of them
        self.assertEqual(self.uris(self.get('/hls/31/media.m3u8')), few)
        self.assertEqual((stream['sessions'], stream['gaps']), (12, 11))
        self.assertAlmostEqual(stream['duration_s'], 144, delta=2)
        whole = self.stream(31)
        self.assertAlmostEqual(stream.pop('duration_s'), whole.pop('duration_s'), delta=0.1)
        self.assertEqual(stream, whole)

    # --- from a worker ---

    def test_a_live_stream(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 8)
        worker.tell(wire.worker_state(), *live.open_messages())
        self.assertEqual(wait_until('the stream is there', lambda: self.request('/api/v1/streams/8')[0].status == 200
                                    and self.stream(8))['state'], 'live')
        self.get('/hls/8/media.m3u8', 404)  # nothing to list yet
        worker.tell(*live.segments(3), wire.session_health(1, EVENT, 8, '{"stalled":false}', 12345, 24970))
        wait_until('three segments', lambda: self.stream(8)['duration_s'] == 6)
        stream = self.stream(8)
        self.assertEqual((stream['width'], stream['height'], stream['fps'], stream['kbps']), (1280, 720, 24.97, 12))
        self.assertEqual((stream['sessions'], stream['health']), (1, {'stalled': False}))
        playlist = self.get('/hls/8/media.m3u8')
        self.assertEqual(self.uris(playlist), ['0.m4s', '1.m4s', '2.m4s'])
        self.assertNotIn(b'ENDLIST', playlist)
        self.assertEqual(self.get('/hls/8/1.m4s'), bytes([1]) * BYTES)
        self.assertEqual(self.get(f'/hls/8/init-{INIT}.mp4'), live.content[:1024])
        # The file gets its final name; what is listed stays.
        os.rename(live.path, live.path[:-len('.part')])
        self.assertEqual(self.get('/hls/8/2.m4s'), bytes([2]) * BYTES)
        node = self.node()
        self.assertEqual(node['streams'], [{**self.stream(8), 'peer': '192.0.2.1:1000'}])
        self.assertEqual(node['sessions'][0]['peer'], '192.0.2.1:1000')
        self.assertEqual(node['workers'][0]['capacity'], 50)
        self.assertEqual(node['sessions'][0]['received_bytes'], 12345)
        self.assertEqual(node['space']['state'], 'good')
        worker.tell(wire.session_closed(1, EVENT, 8, 'unpublish'))
        wait_until('it has ended', lambda: self.stream(8)['state'] == 'ended')
        self.assertIn(b'ENDLIST', self.get('/hls/8/media.m3u8'))

    def test_a_pipeline_says_how_long_its_publisher_is_waited_for(self):
        worker = self.fake_worker()
        self.start('--grace', '3600')
        worker.accept()
        brief, usual = Live(self, worker, 40, 1, grace_ms=1000), Live(self, worker, 41, 2)
        for live in (brief, usual):
            worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(2),
                        wire.session_closed(live.session, EVENT, live.station, 'disconnect'))
        wait_until('the brief grace is over', lambda: self.request('/api/v1/streams/40')[0].status == 200
                   and self.stream(40)['state'] == 'ended')
        self.assertEqual(self.stream(41)['state'], 'waiting')
        self.assertIn(b'ENDLIST', self.get('/hls/40/media.m3u8'))
        self.assertNotIn(b'ENDLIST', self.get('/hls/41/media.m3u8'))

    def test_a_worker_that_dies_leaves_its_streams_waiting(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 9)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(2))
        wait_until('it is live', lambda: self.request('/api/v1/streams/9')[0].status == 200)
        worker.close()
        wait_until('it waits', lambda: self.stream(9)['state'] == 'waiting')
        again = self.fake_worker()  # under the same name
        again.accept()
        second = Live(self, again, 9, session=2, run='run-b', first=2)
        again.tell(wire.worker_state(), *second.open_messages(), *second.segments(1))
        wait_until('it is live again', lambda: self.stream(9)['state'] == 'live')
        wait_until('its segment is listed', lambda: b'2.m4s' in self.get('/hls/9/media.m3u8'))

    def test_killed_and_started_again_it_says_the_same(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 10)
        told = [wire.worker_state(), *live.open_messages(), *live.segments(4)]
        worker.tell(*told)
        wait_until('four segments', lambda: self.request('/api/v1/streams/10')[0].status == 200
                   and self.stream(10)['duration_s'] == 8)
        before = self.get('/hls/10/media.m3u8')
        self.stop(signal.SIGKILL)
        self.start()
        worker.accept()
        worker.tell(*told)
        wait_until('four segments again', lambda: self.request('/api/v1/streams/10')[0].status == 200
                   and self.stream(10)['duration_s'] == 8)
        self.assertEqual(self.get('/hls/10/media.m3u8'), before)

    def test_records_that_lie_do_no_harm(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 11)
        secret = os.path.join(self.runtime, 'secret')
        with open(secret, 'w', encoding='utf-8') as file:
            file.write('x' * 5000)
        lies = [wire.segment_record(0, '../run/secret', 0, 100, 0, SEGMENT, live.utc_us, INIT),
                wire.segment_record(1, secret, 0, 100, SEGMENT, SEGMENT, live.utc_us, INIT),
                wire.segment_record(2, 'lta/nowhere.mp4', 0, 100, 2 * SEGMENT, SEGMENT, live.utc_us, INIT),
                wire.segment_record(3, live.file, 0, 1 << 40, 3 * SEGMENT, SEGMENT, live.utc_us, INIT)]
        worker.tell(wire.worker_state(), *live.open_messages(),
                    wire.stream_records(1, EVENT, 11, [b'nonsense', *lies]),
                    wire.session_opened(5, EVENT + 1, 12, 0))
        wait_until('it is live', lambda: self.request('/api/v1/streams/11')[0].status == 200)
        for msn in range(4):
            answer, body = self.request(f'/hls/11/{msn}.m4s')
            self.assertIn(answer.status, (404, 410), f'{msn}: {body[:50]}')
        self.get('/api/v1/streams/12', 404)  # another event's

    # --- who may know what ---

    def test_viewers_are_told_of_streams_and_not_of_publishers_or_the_node(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 14)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(2))
        wait_until('it is live', lambda: self.request('/api/v1/streams/14')[0].status == 200)
        self.get('/api/v1/node', 404)
        for path in ('/api/v1/streams', '/api/v1/streams/14'):
            answer, body = self.request(path)
            self.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
            for secret in (b'192.0.2.1', b'peer', b'user_agent', b'pid', self.root.encode()):
                self.assertNotIn(secret, body)
        for path in ('/', '/healthz', '/watch/14', '/assets/style.css', '/nothing'):
            self.assertIsNone(self.request(path)[0].getheader('Access-Control-Allow-Origin'), path)
        self.assertEqual(self.request('/hls/14/media.m3u8', 'OPTIONS')[0].getheader('Access-Control-Allow-Origin'), '*')
        mode = os.stat(os.path.join(self.runtime, 'origin.http.sock')).st_mode
        self.assertEqual((stat.S_ISSOCK(mode), stat.S_IMODE(mode)), (True, 0o600))
        # An origin that takes the place of a dead one.
        self.stop(signal.SIGKILL)
        self.start()
        self.assertIn('workers', self.node())
        self.stop()
        self.assertFalse(os.path.exists(os.path.join(self.runtime, 'origin.http.sock')))

    # --- HTTP ---

    def test_ranges_and_caching(self):
        self.archive(5, 6)
        self.start()
        uri = '/hls/5/' + self.uris(self.get('/hls/5/media.m3u8'))[0]
        whole = self.get(uri)
        answer, body = self.request(uri, headers={'Range': 'bytes=10-19'})
        self.assertEqual((answer.status, body), (206, whole[10:20]))
        self.assertEqual(answer.getheader('Content-Range'), f'bytes 10-19/{len(whole)}')
        answer, body = self.request(uri, headers={'Range': 'bytes=-5'})
        self.assertEqual((answer.status, body), (206, whole[-5:]))
        answer, body = self.request(uri, headers={'Range': f'bytes={len(whole)}-'})
        self.assertEqual(answer.status, 416)
        answer, body = self.request(uri, headers={'Range': 'bytes=' + ','.join(['0-'] * 100)})
        self.assertEqual((answer.status, body), (200, whole))
        answer, body = self.request(uri)
        self.assertIn('immutable', answer.getheader('Cache-Control'))
        self.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
        self.assertEqual(answer.getheader('Content-Type'), 'video/mp4')
        etag = answer.getheader('ETag')
        answer, body = self.request(uri, headers={'If-None-Match': etag})
        self.assertEqual((answer.status, body), (304, b''))
        answer, body = self.request(uri, 'HEAD')
        self.assertEqual((answer.status, body, answer.getheader('Content-Length')), (200, b'', str(len(whole))))
        answer, body = self.request('/hls/5/media.m3u8')
        self.assertEqual(answer.getheader('Content-Type'), 'application/vnd.apple.mpegurl')
        self.assertEqual(answer.getheader('Cache-Control'), 'public, max-age=1')

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

    def test_only_what_is_there_is_found(self):
        self.archive(5, 4)
        self.start()
        for path in ('/nothing', '/hls', '/hls/5', '/hls/5/', '/hls/5/x.m3u8', '/hls/5/999.m4s', '/hls/5/00.m4s',
                     '/hls/5/-1.m4s', '/hls/5/+0.m4s', '/hls/5/18446744073709551616.m4s', '/hls/05/index.m3u8',
                     '/hls/4294967296/index.m3u8', '/hls/6/index.m3u8', '/hls/5/init-.mp4', '/hls/5/init-zz.mp4',
                     '/assets/', '/assets/nothing.js', '/assets/../main.cpp', '/assets/%2e%2e/x', '/watch/x',
                     '/../../../../etc/passwd', '/hls/5/../../../../etc/passwd', '/hls/5/%2e%2e%2frun.jl',
                     '/hls/5/..%2f..%2f000000.mp4', f'/lta/{EVENT}/st/05/000005', '/api', '/api/v1/', '/api/v1/x',
                     '/api/v1/streams/x', '/api/v1/streams/5/x', '//etc/passwd', '/%00'):
            with self.subTest(path=path):
                answer, body = self.request(path)
                self.assertIn(answer.status, (400, 404), f'{path}: {answer.status} {body[:80]}')
                self.assertNotIn(b'root:', body)
        answer, _ = self.request('/' + 'a' * 1000)
        self.assertEqual(answer.status, 414)
        self.assertEqual(self.request('/', 'POST', body=b'x' * 100_000)[0].status, 405)
        self.assertEqual(self.request('/', 'DELETE')[0].status, 405)
        self.assertIsNone(self.request('/', 'OPTIONS')[0].getheader('Access-Control-Allow-Origin'))
        self.assertEqual(self.get('/healthz'), b'ok\n')

    def test_pages_carry_their_policy(self):
        self.start()
        for path, kind in (('/', 'text/html'), ('/watch/12', 'text/html'), ('/assets/style.css', 'text/css'),
                           ('/assets/watch.js', 'text/javascript')):
            answer, body = self.request(path)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.getheader('Content-Type').startswith(kind), path)
            self.assertIn("default-src 'none'", answer.getheader('Content-Security-Policy'))
            self.assertEqual(answer.getheader('X-Content-Type-Options'), 'nosniff')
            again, body = self.request(path, headers={'If-None-Match': answer.getheader('ETag')})
            self.assertEqual((again.status, body), (304, b''))

    def test_pages_are_packed_for_who_takes_them_so(self):
        self.start()
        names = [os.path.basename(path) for path in glob.glob(os.path.join(PAGE, '*.[hcj][ts]*'))]
        names = ['assets/' + name for name in names if name.endswith(('.css', '.html', '.js'))] + ['', 'watch/12']
        self.assertIn('assets/player.js', names)
        if os.path.exists(os.path.join(PAGE, 'node_modules/hls.js')):
            names.append('assets/hls.min.js')
        for name in names:
            plain, whole = self.request(f'/{name}', headers={'Accept-Encoding': 'br'})
            packed, body = self.request(f'/{name}', headers={'Accept-Encoding': 'gzip, deflate, br'})
            self.assertEqual([plain.getheader('Content-Encoding'), packed.getheader('Content-Encoding')], [None, 'gzip'])
            self.assertEqual({plain.getheader('Vary'), packed.getheader('Vary')}, {'Accept-Encoding'})
            self.assertEqual(gzip.decompress(body), whole)
            etag = packed.getheader('ETag')
            self.assertNotEqual(etag, plain.getheader('ETag'))
            again = {'Accept-Encoding': 'gzip', 'If-None-Match': etag}
            answer, nothing = self.request(f'/{name}', headers=again)
            self.assertEqual((answer.status, nothing, answer.getheader('Vary')), (304, b'', 'Accept-Encoding'))
            self.assertEqual(self.request(f'/{name}', headers={'If-None-Match': etag})[0].status, 200)

    def test_a_few_replays_are_read_at_the_same_time(self):
        """Who asks for a fifth one waits for one of those before, however short his is."""
        stations = range(1, 6)
        for station in stations[:4]:
            for _ in range(3):
                self.archive(station, 600, 'unpublish', 'small')
        self.archive(5, 4)
        self.start()
        for station in stations:
            self.stream(station)
        asked = []
        for station in stations:
            one = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
            self.addCleanup(one.close)
            one.request('GET', f'/hls/{station}/replay.m3u8')
            asked.append(one)
        select.select([asked[4].sock], [], [], PATIENCE)
        self.assertTrue(select.select([one.sock for one in asked[:4]], [], [], 0)[0])
        self.assertEqual([one.getresponse().read().count(b'#EXTINF') for one in asked], [900] * 4 + [2])

    def test_events(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request('GET', '/api/v1/events')
        answer = connection.getresponse()
        self.assertEqual(answer.getheader('Content-Type'), 'text/event-stream')

        def event():
            lines = []
            while True:
                line = answer.readline().decode().rstrip('\n')
                if line:
                    lines.append(line)
                elif len(lines) == 2:
                    return lines[0], json.loads(lines[1][len('data: '):])
                else:
                    lines = []
        kind, data = event()
        self.assertEqual((kind, data['streams']), ('event: streams', []))
        live = Live(self, worker, 13)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(2))
        while True:
            kind, data = event()
            self.assertEqual((kind, data['station'], data['state']), ('event: stream', 13, 'live'))
            if data['duration_s'] == 4:
                break

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

    # --- the supervisor's line ---

    def test_the_supervisor_is_heard_and_answered(self):
        self.start()
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(line.close)
        line.settimeout(PATIENCE)
        path = os.path.join(self.runtime, 'origin.sock')
        wait_until('its socket', lambda: os.path.exists(path))
        line.connect(path)
        wire.greet(line)
        line.send(wire.hello('supervisor'))
        self.assertEqual(line.recv(70000)[0], wire.STATUS)
        line.send(wire.message(wire.GET_LISTENERS))
        while True:
            said, fds, _, _ = socket.recv_fds(line, 70000, 4)
            if said[0] == wire.LISTENERS:
                break
        self.assertEqual(said, wire.message(wire.LISTENERS, b'\x01', wire.text('http')))
        inherited = socket.socket(fileno=fds[0])
        self.assertEqual(inherited.getsockname()[1], self.port)
        inherited.close()
        line.send(wire.node_status('supervisor', '{"version":"9","processes":[{"role":"supervisor"},{"role":"gate"}]}'))
        node = wait_until('it knows', lambda: (lambda n: n if n['version'] else None)(self.node()))
        self.assertEqual([one['role'] for one in node['processes']], ['supervisor', 'gate'])
        line.close()
        wait_until('it notices', lambda: [one['role'] for one in self.node()['processes']] == ['gate'])
        again = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(again.close)
        again.connect(path)
        wire.greet(again)
        again.send(wire.message(wire.STOP))
        self.assertEqual(self.process.wait(PATIENCE), 0)


if __name__ == '__main__':
    tap.run_unittest()
