# SPDX-License-Identifier: LGPL-2.1-or-later
"""A ladder's rungs, as the origin shows them: beside their source, from workers and from the disk."""
import glob
import os
import re
import threading

from origin_case import BYTES, EVENT, INIT, PATIENCE, SEGMENT, Live, OriginCase, wait_until
from live_case import PART, Parts, Waiting
import tap  # of the folder that origin_case has added
import wire

RUNG = '360p'
RUNG_INIT = 'fedcba9876543210'
SMALL = 700


class Rung:
    """A rung of a Live, under the same numbers and times."""

    def __init__(self, live, name=RUNG, codecs='avc1.64001f', size=(640, 360)):
        self.live, self.name, self.codecs, self.size = live, name, codecs, size
        self.file = f'derived/{name}/lta/{EVENT}/st/00/{live.station:06}/run-r/000000.mp4'
        self.path = os.path.join(live.test.root, self.file + '.part')
        os.makedirs(os.path.dirname(self.path))
        self.content = b'I' * 512

    def records(self, *records):
        return wire.stream_records(self.live.session, EVENT, self.live.station, records, self.name)

    def told(self, state):
        return self.records(wire.rendition_record(state))

    def open_messages(self, first=0):
        return [self.told(1), self.records(wire.run_record('run-r', first, 0, self.live.utc_us),
                                           wire.init_record(RUNG_INIT, self.file, 0, 512, self.codecs, self.size))]

    def segment(self, msn):
        offset, index = len(self.content), msn - self.live.first
        self.content += bytes([(msn + 7) % 251]) * SMALL
        with open(self.path, 'wb') as file:
            file.write(self.content)
        at = index * SEGMENT, SEGMENT, self.live.utc_us + index * 2_000_000
        return self.records(wire.part_record(msn, 0, self.file, offset, SMALL, *at),
                            wire.segment_record(msn, self.file, offset, SMALL, *at, RUNG_INIT))


def segments(playlist):
    """URIs of a media playlist, those of gaps with a minus."""
    out, gap = [], ''
    for line in playlist.decode().splitlines():
        if line == '#EXT-X-GAP':
            gap = '-'
        elif line and not line.startswith('#'):
            out.append(gap + line)
            gap = ''
    return out


class Renditions(OriginCase):
    def test_dash_has_those_that_are_being_made(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 9)
        rung = Rung(live)
        worker.tell(wire.worker_state(), *live.open_messages(), *rung.open_messages(1), *live.segments(4),
                    *(rung.segment(msn) for msn in (1, 2)))
        listed = f'<Representation id="{RUNG}"'.encode()
        wait_until('it is listed', lambda: listed in self.request('/dash/9/manifest.mpd')[1])
        template = re.search(rb'startNumber="(\d+)" initialization="(360p/[^"]+)" media="(360p/[^"]+)">\s*<SegmentTimeline>\s*'
                             rb'<S t="(\d+)" d="(\d+)" r="1"/>', self.get('/dash/9/manifest.mpd'))
        self.assertEqual([int(template.group(at)) for at in (1, 4, 5)], [1, SEGMENT, SEGMENT])
        self.assertEqual(len(self.get('/hls/9/' + template.group(2).decode())), 512)
        for msn in (1, 2):
            self.assertEqual(len(self.get('/hls/9/' + template.group(3).decode().replace('$Number$', str(msn)))), SMALL)
        # It stays behind: nobody makes it any more. Its Period has what it had, the next one goes on without it.
        def last_has_it():
            periods = self.get('/dash/9/manifest.mpd').split(b'<Period ')[1:]
            self.assertIn(listed, periods[1])
            return listed in periods[-1]
        worker.tell(*live.segments(3))
        wait_until('it is not listed any more', lambda: not last_has_it())
        worker.tell(*(rung.segment(msn) for msn in (3, 4, 5, 6)), *live.segments(1), rung.segment(7))
        wait_until('it is again', last_has_it)

    def test_dash_waits_for_none_when_the_publisher_is_away(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 9)
        rung = Rung(live)
        worker.tell(wire.worker_state(), *live.open_messages(), rung.told(2), *live.segments(1), rung.told(1),
                    wire.stream_records(1, EVENT, 9, [wire.end_record('disconnect')]))
        wait_until('its run has ended', lambda: b'0.m4s' in self.request('/hls/9/media.m3u8')[1])
        self.assertEqual(self.request('/dash/9/manifest.mpd')[0].status, 404, 'not held back for the rung')
        worker.tell(wire.session_closed(1, EVENT, 9, 'disconnect'))
        wait_until('its publisher is away', lambda: self.stream(9)['state'] == 'waiting')
        self.assertIn(b'media="v$Number$.m4s"', self.get('/dash/9/manifest.mpd'))

    def test_what_an_encoder_left_is_there(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 9)
        rung = Rung(live)
        worker.tell(wire.worker_state(), *live.open_messages(), *rung.open_messages(), *live.segments(2),
                    *(rung.segment(msn) for msn in (0, 1)))
        rung.content += b'p' * SMALL
        with open(rung.path, 'wb') as file:
            file.write(rung.content)
        at = len(rung.content) - SMALL, SMALL, 2 * SEGMENT, SEGMENT // 4, live.utc_us + 4_000_000
        worker.tell(rung.records(wire.part_record(2, 0, rung.file, *at), wire.end_record('error')))
        # Before its source is further, and when it is a gap.
        def left():
            answer, body = self.request('/hls/9/360p/2.m4s')
            return answer.status == 200 and body == b'p' * SMALL
        wait_until('it is there', left)
        worker.tell(rung.told(2), *live.segments(2))
        self.listed('/hls/9/media.m3u8', 4)
        self.assertIn('-2.m4s', segments(self.listed('/hls/9/360p/media.m3u8', 4)))
        self.assertTrue(left())

    def listed(self, path, count):
        return wait_until(f'{path} has {count}', lambda: self.listed_now(path, count))

    def listed_now(self, path, count):
        answer, body = self.request(path)
        return answer.status == 200 and len(segments(body)) == count and body

    def test_beside_their_source(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        rung = Rung(live)
        worker.tell(*live.open_messages(), *rung.open_messages())
        for msn in range(4):
            worker.tell(*live.segments(1), rung.segment(msn))
        body = self.listed('/hls/5/360p/media.m3u8', 4)
        self.assertEqual(segments(body), ['0.m4s', '1.m4s', '2.m4s', '3.m4s'])
        self.assertIn(f'#EXT-X-MAP:URI="init-{RUNG_INIT}.mp4"', body.decode())
        dates = re.findall('#EXT-X-PROGRAM-DATE-TIME:(.*)', body.decode())
        self.assertEqual(dates, re.findall('#EXT-X-PROGRAM-DATE-TIME:(.*)', self.get('/hls/5/media.m3u8').decode()))
        self.assertEqual(self.get('/hls/5/360p/2.m4s'), bytes([9]) * SMALL)
        self.assertEqual(self.get(f'/hls/5/360p/init-{RUNG_INIT}.mp4'), b'I' * 512)
        self.assertEqual(self.get('/hls/5/360p/2.0.m4s'), bytes([9]) * SMALL)
        self.assertEqual(self.get('/hls/5/2.m4s'), bytes([2]) * BYTES)
        for path in ('/hls/5/360p/9.m4s', '/hls/5/480p/media.m3u8', '/hls/5/360P/media.m3u8', '/hls/5/360p/index.m3u8',
                     '/hls/5/360p/init-0000.mp4', '/hls/6/360p/media.m3u8', '/hls/5/../media.m3u8', '/hls/5/360p/x/y',
                     '/hls/5/360p/02.m4s'):
            self.get(path, 404)

    def test_sound_alone_says_so(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        rung, sound = Rung(live), Rung(live, 'audio-64k', 'mp4a.40.2', (0, 0))
        worker.tell(*live.open_messages(), *rung.open_messages(), *sound.open_messages(), *live.segments(1), rung.segment(0),
                    sound.segment(0))
        for folder, kind in (('360p/', 'video/mp4'), ('audio-64k/', 'audio/mp4'), ('', 'video/mp4')):
            self.listed(f'/hls/5/{folder}media.m3u8', 1)
            for name in (f'init-{RUNG_INIT if folder else INIT}.mp4', '0.m4s', '0.0.m4s'):
                answer, _ = self.request(f'/hls/5/{folder}{name}')
                self.assertEqual((answer.status, answer.getheader('Content-Type')), (200, kind), folder + name)

    def test_multivariant_playlist(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        rung, sound = Rung(live), Rung(live, 'audio-64k')
        worker.tell(*live.open_messages(), *live.segments(2))
        self.listed('/hls/5/media.m3u8', 2)
        without = self.get('/hls/5/index.m3u8').decode()
        self.assertNotIn('EXT-X-MEDIA:', without)
        self.assertIn('\nmedia.m3u8\n', without)
        self.assertEqual(self.stream(5)['renditions'], [])
        # What is on offer is listed before there is any of it.
        worker.tell(rung.told(0), sound.records(wire.rendition_record(0, 'mp4a.40.2', (0, 0), 70_000, 64_000)))
        wait_until('it is told', lambda: len(self.stream(5)['renditions']) == 2)
        lines = self.get('/hls/5/index.m3u8').decode().splitlines()
        self.assertIn('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",'
                      'URI="audio.m3u8"', lines)
        variants = {lines[i + 1]: line for i, line in enumerate(lines) if line.startswith('#EXT-X-STREAM-INF')}
        self.assertEqual(list(variants)[:3], ['video.m3u8', '360p/media.m3u8', 'audio-64k/media.m3u8'])
        self.assertIn('CODECS="avc1.64001f,mp4a.40.2"', variants['360p/media.m3u8'])
        self.assertIn('RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="audio"', variants['360p/media.m3u8'])
        self.assertGreaterEqual(int(re.search(r':BANDWIDTH=(\d+)', variants['360p/media.m3u8'])[1]), 900_000)
        self.assertEqual(variants['audio-64k/media.m3u8'],
                         '#EXT-X-STREAM-INF:BANDWIDTH=70000,AVERAGE-BANDWIDTH=64000,CODECS="mp4a.40.2"')
        told = {one['name']: one for one in self.stream(5)['renditions']}
        self.assertEqual(told['360p'], {'name': '360p', 'state': 'idle', 'width': 640, 'height': 360, 'kbps': 800,
                                        'codecs': 'avc1.64001f', 'hls': '/hls/5/360p/media.m3u8'})

    def test_rates_of_what_goes_on_have_room(self):
        """Players read them once. Of a stream that has ended they are what its segments had."""
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        worker.tell(*live.open_messages(), *live.segments(3))
        self.listed('/hls/5/media.m3u8', 3)
        def peak():
            return int(re.search(rb':BANDWIDTH=(\d+)', self.get('/hls/5/index.m3u8'))[1])
        expected = peak()
        worker.tell(wire.session_closed(live.session, EVENT, 5, 'unpublish'))
        wait_until('it has ended', lambda: self.stream(5)['state'] == 'ended')
        seen = peak()
        self.assertEqual(expected, seen * 5 // 4)

    def test_a_source_of_an_unknown_rate_has_its_rungs(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        for station, rate in ((5, 0), (6, 24_976), (7, 50_000)):
            live = Live(self, worker, station, session=station, rate=rate)
            worker.tell(*live.open_messages(), *live.segments(2), Rung(live).told(0))
        for station, said in ((5, '25.000'), (6, '25.000'), (7, '50.000')):
            self.listed(f'/hls/{station}/media.m3u8', 2)
            wait_until('the rung is told', lambda at=station: self.stream(at)['renditions'])
            lines = self.get(f'/hls/{station}/index.m3u8').decode().splitlines()
            self.assertIn(f'FRAME-RATE={said}', lines[lines.index('video.m3u8') - 1])

    def test_gaps_where_nobody_encodes(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        rung = Rung(live)
        worker.tell(*live.open_messages(), *rung.open_messages(), *live.segments(1), rung.segment(0))
        worker.tell(rung.told(2), rung.records(wire.end_record('paused')), *live.segments(2))
        body = self.listed('/hls/5/360p/media.m3u8', 3)
        self.assertEqual(segments(body), ['0.m4s', '-1.m4s', '-2.m4s'])
        self.assertEqual(self.stream(5)['renditions'][0]['state'], 'paused')
        self.get('/hls/5/360p/1.m4s', 404)
        worker.tell(*rung.open_messages(3), *live.segments(1), rung.segment(3))
        body = self.listed('/hls/5/360p/media.m3u8', 4)
        self.assertEqual(segments(body), ['0.m4s', '-1.m4s', '-2.m4s', '3.m4s'])
        self.assertNotIn('DISCONTINUITY', body.decode())
        # A worker that died encodes nothing.
        worker.tell(*live.segments(1))
        worker.close()
        body = self.listed('/hls/5/360p/media.m3u8', 5)
        self.assertEqual(segments(body)[4], '-4.m4s')

    def test_every_rung_that_is_listed_is_reported_on(self):
        """RFC 8216bis, B.1: also one that nobody has asked for, and has no playlist yet."""
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Parts(self, worker, 9)
        rung, other = Rung(live), Rung(live, '240p')
        worker.tell(*live.opened(), *rung.open_messages(), *live.whole(4), rung.segment(0),
                    other.records(wire.rendition_record(0, size=(426, 240), on_demand=True)))
        wait_until('both are told', lambda: len(self.stream(9)['renditions']) == 2)
        listed = self.get('/hls/9/index.m3u8')
        for path, uri in (('media.m3u8', b'240p/media.m3u8'), ('360p/media.m3u8', b'../240p/media.m3u8')):
            self.assertIn(b'#EXT-X-RENDITION-REPORT:URI="' + uri + b'",LAST-MSN=2,LAST-PART=0\n', self.get('/hls/9/' + path))
        self.assertIn(b'\n240p/media.m3u8\n', listed)
        # It begins with what was finished last, and has what was said of it.
        worker.tell(*other.open_messages(3), *live.whole(1), other.segment(3))
        self.assertEqual(segments(self.listed('/hls/9/240p/media.m3u8', 4)), ['-0.m4s', '-1.m4s', '-2.m4s', '3.m4s'])
        reports = self.get('/hls/9/media.m3u8')
        self.assertIn(b'#EXT-X-RENDITION-REPORT:URI="240p/media.m3u8",LAST-MSN=3', reports)
        self.assertEqual(reports.count(b'URI="240p/media.m3u8"'), 1)

    def test_gap_parts_where_nobody_encodes(self):
        """They come with the source's, cannot be had, and who waits for one hears so."""
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Parts(self, worker, 9)
        rung = Rung(live)
        def rung_part(msn, index):
            offset = len(rung.content)
            rung.content += bytes([index]) * SMALL
            with open(rung.path, 'wb') as file:
                file.write(rung.content)
            pts = msn * SEGMENT + index * PART
            return rung.records(wire.part_record(msn, index, rung.file, offset, SMALL, pts, PART, live.utc_us, index == 0))
        def listed():
            body = self.get('/hls/9/360p/media.m3u8').decode()
            return re.findall(r'EXT-X-PART:.*URI="([1-9][^"]*)"(?:,INDEPENDENT=YES)?(,GAP=YES)?', body)
        worker.tell(*live.opened(), *rung.open_messages(), *live.whole(1), rung.segment(0))
        worker.tell(live.message(live.part(0)), rung_part(1, 0), rung.records(wire.end_record('error')), rung.told(2))
        wait_until('the first part is there', lambda: listed() == [('1.0.m4s', '')])
        waiting = Waiting(self, '/hls/9/360p/1.1.m4s')
        playlist = Waiting(self, '/hls/9/360p/media.m3u8?_HLS_msn=1&_HLS_part=1')
        worker.tell(*(live.message(live.part(index)) for index in (1, 2)))
        self.get('/hls/9/media.m3u8?_HLS_msn=1&_HLS_part=2')
        self.assertFalse(waiting.is_answered() or playlist.is_answered())
        worker.tell(live.message(live.part(3), live.finish()))
        waiting.answer(404)
        self.assertIn(b'1.1.m4s",GAP=YES', playlist.answer())
        self.assertEqual(listed(), [('1.0.m4s', ''), ('1.1.m4s', ',GAP=YES')])
        self.get('/hls/9/360p/1.1.m4s', 404)
        self.assertEqual(self.get('/hls/9/360p/1.0.m4s'), bytes([0]) * SMALL)
        # Another encoder begins with segment 2.
        worker.tell(rung.told(1), rung.open_messages(2)[1], live.message(live.part(0)), rung_part(2, 0))
        wait_until('it is back', lambda: ('2.0.m4s', '') in listed())
        self.assertEqual(listed()[:-1], [('1.0.m4s', '')] + [(f'1.{index}.m4s', ',GAP=YES') for index in (1, 2, 3)])
        self.assertIn('-1.m4s', segments(self.get('/hls/9/360p/media.m3u8')))

    def test_gap_parts_while_the_source_is_silent(self):
        """What an encoder that waits for more keeps is owed; what it gives later makes the segment whole."""
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Parts(self, worker, 9)
        rung = Rung(live)
        def gaps():
            return re.findall(r'URI="([^"]*)",GAP=YES', self.get('/hls/9/360p/media.m3u8').decode())
        worker.tell(*live.opened(), *rung.open_messages(), *live.whole(1), rung.segment(0))
        worker.tell(live.message(live.part(0), live.part(1)))
        wait_until('the second is a gap', lambda: gaps() == ['1.0.m4s', '1.1.m4s'])
        worker.tell(live.message(live.part(2), live.part(3), live.finish()), rung.segment(1))
        body = wait_until('the segment is there', lambda: self.listed_now('/hls/9/360p/media.m3u8', 2))
        self.assertEqual(segments(body), ['0.m4s', '1.m4s'])
        self.assertEqual(gaps(), [f'1.{index}.m4s' for index in range(4)])

    def test_on_demand(self):
        """The first who asks has the worker told, and is answered when there is something to play."""
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5, session=9)
        rung = Rung(live)
        worker.tell(*live.open_messages(), rung.records(wire.rendition_record(0, on_demand=True)), *live.segments(3))
        self.listed('/hls/5/media.m3u8', 3)
        got = []
        viewer = threading.Thread(target=lambda: got.append(self.get('/hls/5/360p/media.m3u8')))
        viewer.start()
        self.assertEqual(worker.origin.recv(65536), wire.want_rendition(9, RUNG))
        worker.tell(*live.segments(1))  # too early for it
        worker.tell(rung.records(wire.rendition_record(1, on_demand=True)),
                    *rung.open_messages(4)[1:], *live.segments(1), rung.segment(4))
        viewer.join(PATIENCE)
        self.assertEqual(segments(got[0])[-2:], ['-3.m4s', '4.m4s'])
        # While somebody asks, the worker hears of it, but not of each.
        for _ in range(20):
            self.get('/hls/5/360p/media.m3u8')
        wait_until('it is asked for again', lambda: self.get('/hls/5/360p/media.m3u8') and self.heard(worker))

    def heard(self, worker):
        worker.origin.setblocking(False)
        try:
            return worker.origin.recv(65536) == wire.want_rendition(9, RUNG)
        except BlockingIOError:
            return False

    def test_from_the_disk(self):
        self.archive(7, 12, 'unpublish', 'rung')
        self.start()
        source = wait_until('it is read', lambda: self.listed_now('/hls/7/media.m3u8', 6))
        rung = self.get('/hls/7/360p/media.m3u8')
        self.assertEqual(segments(rung), segments(source))
        self.assertTrue(rung.decode().endswith('#EXT-X-ENDLIST\n'))
        for uri in segments(rung):
            self.assertIn(b'moof', self.get('/hls/7/360p/' + uri))
        init = re.search(r'URI="(init-\w+\.mp4)"', rung.decode())[1]
        self.assertIn(b'avc1', self.get('/hls/7/360p/' + init))
        lines = self.get('/hls/7/replay-index.m3u8').decode().splitlines()
        self.assertIn('360p/replay.m3u8', lines)
        self.assertIn('replay-video.m3u8', lines)
        self.assertEqual(segments(self.get('/hls/7/360p/replay.m3u8')), segments(source))
        self.assertEqual(self.stream(7)['replay'], '/hls/7/replay-index.m3u8')
        self.assertEqual(self.stream(7)['renditions'][0]['state'], 'ended')
        # What is kept no longer is a gap, and the rest stays.
        self.stop()
        files = sorted(glob.glob(os.path.join(self.root, 'derived/360p/lta/*/st/*/*/*/*.mp4')))
        self.assertGreaterEqual(len(files), 3)
        os.remove(files[0])
        self.start()
        left = wait_until('it is read', lambda: self.listed_now('/hls/7/360p/media.m3u8', 6))
        self.assertTrue(segments(left)[0].startswith('-'))
        self.assertFalse(segments(left)[-1].startswith('-'))
        read = self.read_by_thread('history')
        self.get('/hls/7/360p/' + segments(left)[0][1:], 404)
        self.assertEqual(self.read_by_thread('history'), read, 'a gap is not looked for in all that there was')
        self.assertEqual(segments(left), segments(self.get('/hls/7/360p/replay.m3u8')))

    def test_what_is_still_to_come_is_not_looked_for_on_the_disk(self):
        self.archive(7, 12, 'unpublish', 'rung')
        self.start()
        wait_until('it is read', lambda: self.listed_now('/hls/7/360p/media.m3u8', 6))
        for name in ('6.m4s', '99999.m4s', '18446744073709551615.m4s'):
            before = self.read_by_thread('history')
            self.assertIn(b'not there yet', self.get(f'/hls/7/360p/{name}', 404))
            self.assertEqual(self.read_by_thread('history'), before)

    def test_an_origin_that_is_started_anew_goes_on(self):
        self.start()
        worker = self.fake_worker()
        worker.accept()
        live = Live(self, worker, 5)
        rung = Rung(live)
        told = [*live.open_messages(), *rung.open_messages()[1:]]  # an encoder that says nothing of itself
        for msn in range(3):
            told += [*live.segments(1), rung.segment(msn)]
        worker.tell(*told)
        before = self.listed('/hls/5/360p/media.m3u8', 3)
        self.assertEqual(self.stream(5)['renditions'][0]['state'], 'running')
        self.stop()
        self.start()
        worker.accept()
        worker.tell(*told)
        self.assertEqual(self.listed('/hls/5/360p/media.m3u8', 3), before)


if __name__ == '__main__':
    tap.run_unittest()
