# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate-origin over a made-up archive and workers that are none."""
import glob
import http.client
import os
import re
import select
import shutil
import signal

from origin_case import BYTES, EVENT, INIT, PATIENCE, SEGMENT, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire


class OriginTest(OriginCase):
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


if __name__ == '__main__':
    tap.run_unittest()
