# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stream's small pictures, as the origin shows them."""
import concurrent.futures
import os
import re
import struct
import subprocess

from origin_case import EVENT, PATIENCE, SEGMENT, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire

INIT = 'abcdefabcdefabcd'


def box(kind, content):
    return struct.pack('>I4s', 8 + len(content), kind) + content


def jpeg(msn):
    return b'\xff\xd8' + bytes([msn % 251]) * (100 + msn) + b'\xff\xd9'


class Track:
    """The pictures of a Live: one JPEG in each segment, which lasts for less long than its segment does."""

    def __init__(self, live):
        self.live = live
        self.file = f'derived/pictures/lta/{EVENT}/st/00/{live.station:06}/run-p/000000.mp4'
        self.path = os.path.join(live.test.root, self.file + '.part')
        os.makedirs(os.path.dirname(self.path))
        self.content = b'I' * 512

    def records(self, *records):
        return wire.stream_records(self.live.session, EVENT, self.live.station, records, 'pictures')

    def open_message(self):
        return self.records(wire.run_record('run-p', 0, 0, self.live.utc_us),
                            wire.init_record(INIT, self.file, 0, 512, 'mjpg', (320, 180)))

    def segment(self, msn, content=None):
        if content is None:
            content = box(b'free', b'12') + box(b'moof', b'of no account') + box(b'mdat', jpeg(msn))
        offset = len(self.content)
        self.content += content
        with open(self.path, 'wb') as file:
            file.write(self.content)
        at = msn * SEGMENT, SEGMENT // 4, self.live.utc_us + msn * 2_000_000
        return self.records(wire.part_record(msn, 0, self.file, offset, len(content), *at),
                            wire.segment_record(msn, self.file, offset, len(content), *at, INIT))


class Pictures(OriginCase):
    def begin(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        track = Track(live)
        worker.tell(*live.open_messages(), track.open_message())
        return worker, live, track

    def pictures(self, count):
        def there():
            answer, body = self.request('/hls/5/pictures/media.m3u8')
            return answer.status == 200 and body.decode().count('#EXTINF') == count and body.decode()
        return wait_until(f'{count} segments are listed', there)

    def test_what_is_still_to_come_is_not_looked_for_on_the_disk(self):
        self.archive(5, 4)
        worker, live, track = self.begin()
        worker.tell(*live.segments(1), track.segment(0))
        wait_until('it has a picture', lambda: self.request('/hls/5/poster.jpg')[0].status == 200)
        before = self.read_by_thread('history')
        self.get('/hls/5/pictures/99999.jpg', 404)
        self.assertEqual(self.read_by_thread('history'), before)

    def test_pictures_by_number_and_the_newest(self):
        worker, live, track = self.begin()
        for msn in range(3):
            worker.tell(*live.segments(1), track.segment(msn))
        self.pictures(3)
        for msn in range(3):
            answer, body = self.request(f'/hls/5/pictures/{msn}.jpg')
            self.assertEqual((answer.status, body), (200, jpeg(msn)))
            self.assertEqual(answer.getheader('Content-Type'), 'image/jpeg')
            self.assertIn('immutable', answer.getheader('Cache-Control'))
        answer, body = self.request('/hls/5/poster.jpg')
        self.assertEqual((answer.status, body), (200, jpeg(2)))
        self.assertEqual(answer.getheader('Cache-Control'), 'no-cache')
        again, body = self.request('/hls/5/poster.jpg', headers={'If-None-Match': answer.getheader('ETag')})
        self.assertEqual((again.status, body), (304, b''))
        self.assertEqual(self.stream(5)['poster'], '/hls/5/poster.jpg')
        self.assertEqual(self.stream(5)['pictures'], '/hls/5/pictures/media.m3u8')
        for path in ('/hls/5/pictures/3.jpg', '/hls/5/pictures/02.jpg', '/hls/5/pictures/.jpg', '/hls/5/2.jpg',
                     '/hls/6/pictures/2.jpg', '/hls/6/poster.jpg', '/hls/5/360p/2.jpg'):
            self.get(path, 404)

    def poster(self, pool):
        """What somebody gets who asks for it now."""
        return pool.submit(self.request, '/hls/5/poster.jpg')

    def asked_for_it(self, worker, session=1):
        worker.origin.settimeout(PATIENCE)
        self.assertEqual(worker.origin.recv(65536), wire.want_rendition(session, 'poster'))

    def test_a_stream_without_rungs_has_a_picture_when_somebody_asks(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        worker.tell(*live.open_messages(), *live.segments(1))
        wait_until('it is told', lambda: self.stream(5)['poster'] == '/hls/5/poster.jpg')
        self.assertIsNone(self.stream(5)['pictures'])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            held = [self.poster(pool), self.poster(pool)]
            self.asked_for_it(worker)
            # Another session's, another stream's, and what is no JPEG, are passed over.
            worker.tell(wire.session_picture(2, EVENT, 5, jpeg(1)), wire.session_picture(1, EVENT, 6, jpeg(2)),
                        wire.session_picture(1, EVENT, 5, b'GIF89a'), wire.session_picture(1, EVENT, 5, jpeg(3)))
            for one in held:
                answer, body = one.result(PATIENCE)
                self.assertEqual((answer.status, body), (200, jpeg(3)))
                self.assertEqual((answer.getheader('Content-Type'), answer.getheader('Cache-Control')),
                                 ('image/jpeg', 'no-cache'))
        # It is new: nobody is asked for another one.
        answer, body = self.request('/hls/5/poster.jpg')
        self.assertEqual((answer.status, body), (200, jpeg(3)))
        again, _ = self.request('/hls/5/poster.jpg', headers={'If-None-Match': answer.getheader('ETag')})
        self.assertEqual(again.status, 304)
        worker.origin.setblocking(False)
        self.assertRaises(BlockingIOError, worker.origin.recv, 65536)
        # A rung that runs has newer ones.
        track = Track(live)
        worker.tell(track.open_message(), *live.segments(1), track.segment(1))
        wait_until('it is the newest', lambda: self.get('/hls/5/poster.jpg') == jpeg(1))
        # And it stays when the stream is over.
        worker.tell(wire.session_closed(1, EVENT, 5, 'unpublish'))
        wait_until('it is over', lambda: self.stream(5)['state'] == 'ended')
        self.assertEqual(self.stream(5)['poster'], '/hls/5/poster.jpg')
        self.get('/hls/5/poster.jpg')

    def test_a_stream_without_pictures_has_none(self):
        self.archive(7, 4)
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        sound = wire.stream_records(live.session, EVENT, live.station, [
            wire.run_record(live.run, 0, 0, live.utc_us),
            wire.init_record('0123456789abcdef', live.file, 0, 1024, 'mp4a.40.2', (0, 0))])
        worker.tell(live.open_messages()[0], sound, *live.segments(1))
        wait_until('it is there', lambda: self.stream(5)['state'] == 'live')
        for station in (5, 7):
            self.get(f'/hls/{station}/poster.jpg', 404)
            self.assertIsNone(self.stream(station)['poster'])

    def test_a_picture_that_does_not_come_is_not_waited_for_for_ever(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        worker.tell(*live.open_messages(), *live.segments(1))
        wait_until('it is told', lambda: self.stream(5)['poster'])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            held = self.poster(pool)
            self.asked_for_it(worker)
            answer, _ = held.result(PATIENCE)
            self.assertEqual(answer.status, 404)
            self.assertIsNone(answer.getheader('Server-Timing'))

    def test_playlist_lists_the_segments_with_gaps(self):
        worker, live, track = self.begin()
        worker.tell(*live.segments(1), track.segment(0), *live.segments(2), track.segment(2))
        lines = self.pictures(3).splitlines()
        self.assertIn('#EXT-X-I-FRAMES-ONLY', lines)
        self.assertIn(f'#EXT-X-MAP:URI="init-{INIT}.mp4"', lines)
        media = [line for line in lines if not line.startswith('#EXT-X-') or line == '#EXT-X-GAP']
        self.assertEqual(media[1:], ['#EXTINF:2.000000,', '0.m4s', '#EXT-X-GAP', '#EXTINF:2.000000,', '1.m4s',
                                     '#EXTINF:2.000000,', '2.m4s'])
        dates = [line for line in lines if 'DATE-TIME' in line]
        source = [line for line in self.get('/hls/5/media.m3u8').decode().splitlines() if 'DATE-TIME' in line]
        self.assertEqual(dates, source)
        self.assertIn(jpeg(2), self.get('/hls/5/pictures/2.m4s'))
        self.get('/hls/5/pictures/1.jpg', 404)

    def test_the_playlist_knows_directives_as_the_others_do(self):
        worker, live, track = self.begin()
        for msn in range(20):
            worker.tell(*live.segments(1), track.segment(msn))
        text = self.pictures(20)
        control = re.findall('#EXT-X-SERVER-CONTROL:.*', text)
        self.assertEqual(control, re.findall('#EXT-X-SERVER-CONTROL:.*', self.get('/hls/5/media.m3u8').decode()))
        self.assertIn('CAN-BLOCK-RELOAD=YES', control[0])
        self.assertIn('#EXT-X-SKIP:SKIPPED-SEGMENTS=8\n', self.get('/hls/5/pictures/media.m3u8?_HLS_skip=YES').decode())
        self.get('/hls/5/pictures/media.m3u8?_HLS_part=1', 400)
        self.get('/hls/5/pictures/media.m3u8?_HLS_msn=99', 400)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            held = pool.submit(self.get, '/hls/5/pictures/media.m3u8?_HLS_msn=20')
            # The stream has the segment, the picture is not there yet.
            worker.tell(*live.segments(1))
            wait_until('the stream has it', lambda: self.request('/hls/5/20.m4s')[0].status == 200)
            worker.tell(track.segment(20))
            self.assertIn(b'\n20.m4s\n', held.result())
        # How far it is no other playlist says, as of the other I-frame playlist.
        self.assertNotIn(b'pictures/', self.get('/hls/5/media.m3u8'))

    def test_the_replay_and_the_storyboard_have_them_too(self):
        worker, live, track = self.begin()
        for msn in range(3):
            worker.tell(*live.segments(1), track.segment(msn))
        self.pictures(3)
        self.assertIn('#EXT-X-PLAYLIST-TYPE:EVENT', self.get('/hls/5/pictures/replay.m3u8').decode())
        answer, body = self.request('/hls/5/storyboard.vtt')
        self.assertEqual(answer.getheader('Content-Type'), 'text/vtt; charset=utf-8')
        self.assertTrue(body.decode().startswith('WEBVTT\n\n00:00:00.000 --> 00:00:02.000\npictures/0.jpg\n'))
        self.assertTrue(body.decode().endswith('00:00:04.000 --> 00:00:06.000\npictures/2.jpg\n'))

    def test_sheets_of_those_that_are_complete(self):
        real = subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180', '-frames:v', '1', '-f',
                               'mjpeg', '-pix_fmt', 'yuvj420p', '-'], check=True, capture_output=True).stdout
        worker, live, track = self.begin()
        for msn in range(24):
            worker.tell(*live.segments(1), track.segment(msn, box(b'mdat', real)))
        self.pictures(24)
        sheet = '/hls/5/pictures/sheet-0.jpg'
        self.get(sheet, 404)
        self.assertNotIn(b'sheet', self.get('/hls/5/storyboard.vtt'))
        self.assertNotIn(b'image/jpeg', self.get('/dash/5/replay.mpd'))
        worker.tell(*live.segments(1), track.segment(24, box(b'mdat', b'no picture')))
        worker.tell(*live.segments(2), track.segment(26, box(b'mdat', real)))
        self.pictures(27)
        answer, body = self.request(sheet)
        self.assertEqual((answer.status, answer.getheader('Content-Type')), (200, 'image/jpeg'))
        self.assertIn('immutable', answer.getheader('Cache-Control'))
        self.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
        again, nothing = self.request(sheet, headers={'If-None-Match': answer.getheader('ETag')})
        self.assertEqual((again.status, nothing), (304, b''))
        size = subprocess.run(['ffprobe', '-v', 'error', '-f', 'mjpeg', '-show_entries', 'stream=width,height', '-of',
                               'csv=p=0', '-'], check=True, capture_output=True, input=body).stdout
        self.assertEqual(size.strip(), b'800,450')
        kept = os.listdir(os.path.join(self.root, 'derived/.sheets'))
        self.assertEqual(len(kept), 1)
        for path in ('sheet-1.jpg', 'sheet-00.jpg', 'sheet-.jpg', 'sheet--1.jpg', f'sheet-{2 ** 64 - 1}.jpg',
                     f'sheet-{2 ** 64}.jpg'):
            self.get(f'/hls/5/pictures/{path}', 404)
        cues = self.get('/hls/5/storyboard.vtt').decode()
        self.assertTrue(cues.startswith('WEBVTT\n\n00:00:00.000 --> 00:00:02.000\npictures/sheet-0.jpg#xywh=0,0,160,90\n'))
        self.assertIn('\n00:00:52.000 --> 00:00:54.000\npictures/26.jpg\n', cues)
        for manifest in ('manifest.mpd', 'replay.mpd'):
            text = self.get(f'/dash/5/{manifest}').decode()
            self.assertIn('startNumber="0" media="pictures/sheet-$Number$.jpg"', text)
            self.assertIn('thumbnail_tile" value="5x5"', text)

    def test_among_the_variants_it_is_no_rung(self):
        worker, live, track = self.begin()
        rung = wire.stream_records(1, EVENT, 5, [wire.rendition_record(0)], '360p')
        worker.tell(rung, *live.segments(1), track.segment(0))
        self.pictures(1)
        lines = self.get('/hls/5/index.m3u8').decode().splitlines()
        tracks = [line for line in lines if 'mjpg' in line]
        self.assertEqual(len(tracks), 1, lines)
        self.assertRegex(tracks[0], r'^#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="mjpg",'
                                    r'RESOLUTION=320x180,URI="pictures/media.m3u8"$')
        self.assertNotIn('pictures/media.m3u8', lines)
        for manifest in ('manifest.mpd', 'replay.mpd'):
            self.assertNotIn(b'pictures', self.get(f'/dash/5/{manifest}'))
        self.assertEqual([one['name'] for one in self.stream(5)['renditions']], ['360p'])

    def test_what_is_no_picture_is_not_sent_as_one(self):
        worker, live, track = self.begin()
        broken = (box(b'moof', b'x'), b'\0\0\0\x05mdat', struct.pack('>I4s', 2 ** 31, b'mdat') + b'x', b'mdat')
        for msn, content in enumerate(broken):
            worker.tell(*live.segments(1), track.segment(msn, content))
        self.pictures(len(broken))
        for msn in range(len(broken)):
            self.get(f'/hls/5/pictures/{msn}.jpg', 410)


if __name__ == '__main__':
    tap.run_unittest()
