# SPDX-License-Identifier: LGPL-2.1-or-later
"""One track of a stream, its key frames, its manifests: held against the boxes of the stream's own segments."""
import glob
import http.client
import os
import re
import resource
import struct
import xml.etree.ElementTree as ET

from origin_case import PATIENCE, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire

VIDEO, AUDIO = 1, 2
MPD = '{urn:mpeg:dash:schema:mpd:2011}'


def boxes(data):
    """(type, body, whole) of each."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from('>I4s', data, at)
        yield kind.decode(), data[at + 8:at + size], data[at:at + size]
        at += size


def inner(data, *path):
    for kind in path:
        data = next(body for found, body, _ in boxes(data) if found == kind)
    return data


class Chunk:
    """A moof and its mdat."""

    def __init__(self, moof, mdat):
        self.bytes = moof + mdat
        traf = inner(moof[8:], 'traf')
        tfhd, trun = inner(traf, 'tfhd'), inner(traf, 'trun')
        flags, self.track = struct.unpack_from('>II', tfhd)
        defaults = list(struct.unpack_from(f'>{(len(tfhd) - 8) // 4}I', tfhd, 8))
        size = duration = None
        if flags & 8:
            duration = defaults.pop(0)
        if flags & 0x10:
            size = defaults.pop(0)
        self.time = struct.unpack_from('>Q', inner(traf, 'tfdt'), 4)[0]
        flags, self.samples = struct.unpack_from('>II', trun)
        flags &= 0xffffff
        at = 12 + (4 if flags & 4 else 0)
        self.sizes, self.duration, shown = [], 0, []
        for sample in range(self.samples):
            last = self.duration if flags & 0x100 else sample * duration
            offset = 0
            for bit in (0x100, 0x200, 0x400, 0x800):
                if flags & bit:
                    value = struct.unpack_from('>i', trun, at)[0]
                    at += 4
                    if bit == 0x100:
                        self.duration += value
                    if bit == 0x200:
                        self.sizes.append(value)
                    if bit == 0x800:
                        offset = value
            shown.append(self.time + last + offset)
        self.shown = min(shown)
        if not flags & 0x100:
            self.duration = duration * self.samples
        if not flags & 0x200:
            self.sizes = [size] * self.samples
        self.first_end = len(moof) + 8 + self.sizes[0]


def chunks(segment):
    out, moof = [], None
    for kind, _, whole in boxes(segment):
        if kind == 'moof':
            moof = whole
        elif kind == 'mdat':
            out.append(Chunk(moof, whole))
    return out


def track(segment, number):
    return [chunk for chunk in chunks(segment) if chunk.track == number]


class ViewsTest(OriginCase):
    def two_runs(self, station, *how):
        self.archive(station, 9, 'disconnect', *how)
        self.archive(station, 5, 'unpublish', *how)

    def headers(self, path, headers):
        answer, body = self.request(path, headers=headers)
        return answer.status, answer.getheader('Content-Range'), body

    def test_each_track_is_served_from_the_bytes_that_are_there(self):
        self.two_runs(5)
        self.start()
        for letter, number, kind in (('v', VIDEO, 'video'), ('a', AUDIO, 'audio')):
            for name in (f'{kind}.m3u8', f'replay-{kind}.m3u8'):
                playlist = self.get(f'/hls/5/{name}')
                self.assertNotIn(b'#EXT-X-GAP', playlist)
                self.assertIn(b'#EXT-X-DISCONTINUITY\n', playlist)
                self.assertIn(b'#EXT-X-ENDLIST', playlist)
                control = re.search(rb'#EXT-X-SERVER-CONTROL:.*\n', self.get('/hls/5/media.m3u8')).group()
                whole = self.get('/hls/5/media.m3u8').replace(b'init-', letter.encode() + b'init-')
                whole = re.sub(rb'\n(\d+\.m4s)', rb'\n%s\1' % letter.encode(), whole)
                # All live ones have the same server control (RFC 8216bis, 6.2.4).
                if not name.startswith('replay'):
                    self.assertIn(control, playlist)
                without = re.compile(re.escape(control) + b'|#EXT-X-PLAYLIST-TYPE:VOD\n')
                if kind == 'audio':  # its own durations
                    told = [float(one) for one in re.findall(rb'#EXTINF:([\d.]+),', playlist)]
                    for one, uri in zip(told, self.uris(playlist), strict=True):
                        ticks = sum(chunk.duration for chunk in track(self.get(f'/hls/5/{uri[1:]}'), number))
                        self.assertAlmostEqual(one, ticks / 48_000, places=4)
                    without = re.compile(without.pattern + b'|#EXTINF:.*')
                self.assertEqual(without.sub(b'', playlist), without.sub(b'', whole))
                for uri in self.uris(playlist):
                    self.assertTrue(uri.startswith(letter))
                    expected = b''.join(chunk.bytes for chunk in track(self.get(f'/hls/5/{uri[1:]}'), number))
                    self.assertEqual(self.get(f'/hls/5/{uri}'), expected)
        answer, body = self.request('/hls/5/a0.m4s')
        self.assertEqual(answer.getheader('Content-Type'), 'audio/mp4')
        self.assertIn('immutable', answer.getheader('Cache-Control'))
        self.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
        etag = answer.getheader('ETag')
        self.assertNotEqual(etag, self.request('/hls/5/v0.m4s')[0].getheader('ETag'))
        self.assertEqual(self.request('/hls/5/a0.m4s', headers={'If-None-Match': etag})[0].status, 304)
        answer, nothing = self.request('/hls/5/a0.m4s', 'HEAD')
        self.assertEqual((answer.getheader('Content-Length'), nothing), (str(len(body)), b''))
        self.assertEqual(self.get('/hls/5/a0.m4s?not-plain'), body)

    def test_ranges_go_over_the_holes(self):
        self.archive(5, 9)
        self.start()
        whole = self.get('/hls/5/v1.m4s')
        parts = [len(chunk.bytes) for chunk in chunks(whole)]
        self.assertGreater(len(parts), 2)
        edge = parts[0]
        for first, last in ((0, 0), (edge - 1, edge), (edge, edge + parts[1]), (3, len(whole) - 3), (edge - 5, len(whole) + 9)):
            status, where, body = self.headers('/hls/5/v1.m4s', {'Range': f'bytes={first}-{last}'})
            self.assertEqual(status, 206)
            self.assertEqual(body, whole[first:last + 1])
            self.assertEqual(where, f'bytes {first}-{min(last, len(whole) - 1)}/{len(whole)}')
        self.assertEqual(self.headers('/hls/5/v1.m4s', {'Range': 'bytes=-7'})[2], whole[-7:])
        self.assertEqual(self.headers('/hls/5/v1.m4s', {'Range': f'bytes={len(whole)}-'})[0], 416)

    def test_init_segments_of_one_track(self):
        self.archive(5, 4)
        self.archive(6, 4, 'unpublish', 'small')  # without sound
        self.start()
        init = re.search(rb'URI="(init-[0-9a-f]{16}\.mp4)"', self.get('/hls/5/media.m3u8')).group(1).decode()
        both = self.get(f'/hls/5/{init}')
        traks = [whole for kind, _, whole in boxes(inner(both, 'moov')) if kind == 'trak']
        for letter, number in (('v', VIDEO), ('a', AUDIO)):
            alone = self.get(f'/hls/5/{letter}{init}')
            self.assertEqual([whole for kind, _, whole in boxes(inner(alone, 'moov')) if kind == 'trak'], [traks[number - 1]])
            self.assertEqual(struct.unpack('>II', inner(alone, 'moov', 'mvex', 'trex')[:8]), (0, number))
            self.assertIn(b'cmfc', inner(alone, 'ftyp'))
            self.assertEqual(self.get(f'/hls/5/{letter}{init}'), alone)
            answer, _ = self.request(f'/hls/5/{letter}{init}')
            self.assertEqual(answer.getheader('Content-Type'), 'video/mp4' if letter == 'v' else 'audio/mp4')
            self.assertIn('immutable', answer.getheader('Cache-Control'))
        init = re.search(rb'URI="(init-[0-9a-f]{16}\.mp4)"', self.get('/hls/6/media.m3u8')).group(1).decode()
        self.assertEqual(self.get(f'/hls/6/v{init}'), self.get(f'/hls/6/{init}'))
        self.get(f'/hls/6/a{init}', 404)
        self.get('/hls/6/a0.m4s', 404)
        self.assertIn(b'#EXT-X-GAP', self.get('/hls/6/audio.m3u8'))

    def test_key_frames_are_ranges_of_the_segments(self):
        self.two_runs(5)
        self.start()
        for name in ('iframes.m3u8', 'replay-iframes.m3u8'):
            playlist = self.get(f'/hls/5/{name}').decode()
            self.assertIn('\n#EXT-X-I-FRAMES-ONLY\n', playlist)
            self.assertEqual(re.findall('URI="(.)init-', playlist), ['v', 'v'])
            found = re.findall(r'#EXT-X-BYTERANGE:(\d+)@(\d+)\n(\d+\.m4s)\n', playlist)
            self.assertEqual([uri for _, _, uri in found], self.uris(self.get('/hls/5/media.m3u8')))
            for length, offset, uri in found:
                segment = self.get(f'/hls/5/{uri}')
                first = track(segment, VIDEO)[0]
                self.assertEqual(int(offset), segment.index(first.bytes))
                self.assertEqual(int(length), first.first_end)
                status, _, body = self.headers(f'/hls/5/{uri}',
                                               {'Range': f'bytes={offset}-{int(offset) + int(length) - 1}'})
                self.assertEqual((status, body), (206, first.bytes[:first.first_end]))

    def test_the_multivariant_playlist_tells_true_rates(self):
        self.archive(5, 20)
        self.start()
        for name, media, prefix in (('index.m3u8', 'media.m3u8', ''), ('replay-index.m3u8', 'replay.m3u8', 'replay-')):
            lines = self.get(f'/hls/5/{name}').decode().splitlines()
            self.assertEqual(lines[3], media)
            self.assertRegex(lines[4], r'^#EXT-X-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="mp4a\.40\.2"$')
            self.assertEqual(lines[5], f'{prefix}audio.m3u8')
            self.assertRegex(lines[6], r'^#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,'
                             rf'CODECS="avc1\.[0-9a-fA-F]+",RESOLUTION=\d+x\d+,URI="{prefix}iframes\.m3u8"$')
            playlist = self.get('/hls/5/audio.m3u8').decode()
            rates, sizes, lasts = [], [], []
            for seconds, uri in re.findall(r'#EXTINF:([\d.]+),\n(a\d+\.m4s)', playlist):
                sizes.append(len(self.get(f'/hls/5/{uri}')))
                lasts.append(float(seconds))
                rates.append(sizes[-1] * 8 / lasts[-1])
            told = [int(value) for value in re.findall(r'BANDWIDTH=(\d+)', lines[4])]
            self.assertAlmostEqual(told[1], sum(sizes) * 8 / sum(lasts), delta=2)
            self.assertGreaterEqual(told[0], told[1])
            self.assertLessEqual(told[0], max(rates) + 1)

    def test_segments_outside_the_window_come_from_the_disk(self):
        self.archive(7, 60)
        self.start('--window', '10', '--playlist', '10')
        self.assertNotIn(b'a0.m4s', self.get('/hls/7/audio.m3u8'))
        self.assertIn(b'\na0.m4s\n', self.get('/hls/7/replay-audio.m3u8'))
        self.assertEqual([chunk.track for chunk in chunks(self.get('/hls/7/a0.m4s'))], [AUDIO] * 4)

    def test_what_is_known_is_not_read_again(self):
        self.archive(7, 7200, 'unpublish', 'small')
        self.start()
        self.assertEqual(len(self.uris(self.get('/hls/7/replay-iframes.m3u8'))), 3600)
        for _ in range(2):
            before = self.read_by_thread('boxes')
            self.assertGreater(before, 3600 * 100)
            self.assertEqual(self.get('/hls/7/replay-iframes.m3u8').count(b'#EXT-X-BYTERANGE'), 3600)
            self.get('/hls/7/iframes.m3u8')
            self.get('/dash/7/replay.mpd')
            self.assertEqual(self.read_by_thread('boxes'), before)

    def test_a_replay_of_more_files_than_may_be_open(self):
        self.archive(7, 7200, 'unpublish', 'small')
        self.start()
        self.assertEqual(len(self.uris(self.get('/hls/7/replay.m3u8'))), 3600)
        files = glob.glob(self.station_folder(7) + '/*/*.mp4')
        limits = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        used = [int(name) for name in os.listdir(f'/proc/{self.process.pid}/fd')]
        most = max(used) + 8
        self.assertGreater(len(files), 16)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (most, limits[1]))
        self.assertEqual(self.get('/hls/7/replay-iframes.m3u8').count(b'#EXT-X-BYTERANGE'), 3600)

    def test_facts_outlive_their_replays(self):
        stations = range(1, 18)  # one more than replays are kept
        for station in stations:
            self.archive(station, 30)
        self.start('--window', '10', '--playlist', '10')
        for turn in range(2):
            for station in stations:
                self.assertEqual(self.get(f'/hls/{station}/replay-iframes.m3u8').count(b'#EXT-X-BYTERANGE'), 15)
            if turn == 0:
                before = self.read_by_thread('boxes')
        self.assertEqual(self.read_by_thread('boxes'), before)

    def let_open(self, fifo):
        self.addCleanup(os.close, os.open(fifo, os.O_RDWR | os.O_NONBLOCK))

    def test_so_many_replays_are_read_at_the_same_time(self):
        """One is, whose file does not come; a few wait for it; the others are told to come later."""
        stations, queued = range(1, 13), 8
        for station in stations:
            self.archive(station, 140, 'unpublish', 'small')
        self.start('--window', '10', '--playlist', '10')
        for station in stations:
            self.get(f'/hls/{station}/replay.m3u8')
        files = glob.glob(self.station_folder(1) + '/*/*.mp4')
        for file in files:
            os.remove(file)
            os.mkfifo(file)
            self.addCleanup(self.let_open, file)
        asked = []
        for station in stations:
            one = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
            self.addCleanup(one.close)
            one.request('GET', f'/hls/{station}/replay-iframes.m3u8')
            asked.append(one)
            self.get('/healthz')  # requests are taken in the order in which they have come
        late = [one.getresponse() for one in asked[queued:]]
        self.assertEqual({(one.status, one.getheader('Retry-After')) for one in late}, {(503, '1')})
        for file in files:
            self.let_open(file)
        for one in asked[1:queued]:
            answer = one.getresponse()
            self.assertEqual((answer.status, answer.read().count(b'#EXT-X-BYTERANGE')), (200, 70))
        self.assertEqual(asked[0].getresponse().read().count(b'#EXT-X-GAP'), 70)
        for station in stations[queued:]:
            self.assertEqual(self.get(f'/hls/{station}/replay-iframes.m3u8').count(b'#EXT-X-BYTERANGE'), 70)

    def test_media_that_cannot_be_understood_has_no_views(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 8)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(3))
        wait_until('it is live', lambda: self.request('/hls/8/2.m4s')[0].status == 200)
        self.assertEqual(self.get('/hls/8/index.m3u8').count(b'#EXT-X-'), 2)  # its version and its own variant
        self.get('/hls/8/a1.m4s', 410)
        self.get('/hls/8/ainit-0123456789abcdef.mp4', 404)
        self.assertEqual(self.get('/hls/8/iframes.m3u8').count(b'#EXT-X-GAP'), 3)
        self.assertIn(b'type="dynamic"', self.get('/dash/8/manifest.mpd'))
        worker.tell(*live.segments(1))
        wait_until('the next one is told', lambda: self.get('/hls/8/iframes.m3u8').count(b'#EXT-X-GAP') == 4)

    def test_the_presentations_zero_stays_whatever_the_clock_does(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 8)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(3))
        wait_until('it is live', lambda: self.request('/hls/8/2.m4s')[0].status == 200)
        zero = re.compile(rb'availabilityStartTime="([^"]+)"')
        before = zero.search(self.get('/dash/8/manifest.mpd')).group(1)
        # The next run's media begins where the last one's ended, and came 20 s later.
        offset, late = len(live.content) - 3000, live.utc_us + 26_000_000
        worker.tell(wire.stream_records(live.session, 77, 8, [
            wire.run_record('run-b', 3, 1, late), wire.init_record('0123456789abcdef', live.file, 0, 1024),
            *(wire.segment_record(msn, live.file, offset, 3000, msn * 180_000, 180_000, late + (msn - 3) * 2_000_000,
                                  '0123456789abcdef') for msn in (3, 4))]))
        wait_until('it is told', lambda: self.request('/hls/8/4.m4s')[0].status == 200)
        manifest = self.get('/dash/8/manifest.mpd')
        self.assertEqual(zero.search(manifest).group(1), before)
        self.assertIn(b'<Period id="1" start="PT26.000000S">', manifest)

    def test_only_what_is_there_is_found(self):
        self.archive(5, 4)
        self.start()
        for path in ('/hls/5/v00.m4s', '/hls/5/v-1.m4s', '/hls/5/v.m4s', '/hls/5/v99.m4s', '/hls/5/b0.m4s', '/hls/5/V0.m4s',
                     '/hls/5/vinit-zz.mp4', '/hls/5/vinit-.mp4', '/hls/5/vv0.m4s', '/hls/6/audio.m3u8', '/dash/6/manifest.mpd',
                     '/dash/5/x.mpd', '/dash/5/', '/dash/5', '/dash', '/dash/5/0.m4s', '/hls/5/manifest.mpd', '/dash/05/replay.mpd'):
            self.get(path, 404)

    def times(self, template):
        """(start, duration) of each segment that a SegmentTemplate lists."""
        out, at = [], 0
        for line in template.find(f'{MPD}SegmentTimeline'):
            at = int(line.get('t', at))
            for _ in range(int(line.get('r', 0)) + 1):
                out.append((at, int(line.get('d'))))
                at += int(line.get('d'))
        return out

    def check_manifest(self, station, name):
        """Every segment that it lists is there, and begins and ends when it says."""
        answer, text = self.request(f'/dash/{station}/{name}')
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader('Content-Type'), 'application/dash+xml')
        self.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
        manifest = ET.fromstring(text)
        self.assertEqual(manifest.find(f'{MPD}BaseURL').text, f'../../hls/{station}/')
        numbers = []
        for period in manifest.iter(f'{MPD}Period'):
            start = float(re.fullmatch(r'PT([\d.]+)S', period.get('start')).group(1))
            for adaptation in period:
                template = next(adaptation.iter(f'{MPD}SegmentTemplate'))  # of the source, where there are others
                video = adaptation.get('contentType') == 'video'
                init = self.get(f'/hls/{station}/' + template.get('initialization'))
                timescale = int(template.get('timescale'))
                self.assertEqual(struct.unpack_from('>I', inner(init, 'moov', 'trak', 'mdia', 'mdhd'), 12)[0], timescale)
                self.assertAlmostEqual(int(template.get('presentationTimeOffset')) / timescale, start, delta=1 / timescale)
                for number, (begin, duration) in enumerate(self.times(template), int(template.get('startNumber'))):
                    found = chunks(self.get(f'/hls/{station}/' + template.get('media').replace('$Number$', str(number))))
                    self.assertEqual({chunk.track for chunk in found}, {VIDEO if video else AUDIO})
                    self.assertEqual(min(chunk.shown for chunk in found), begin)
                    self.assertEqual(sum(chunk.duration for chunk in found), duration)
                    if video:
                        numbers.append(number)
        return manifest, numbers

    def test_manifests_of_what_was_recorded(self):
        self.two_runs(5)
        self.start()
        for name in ('manifest.mpd', 'replay.mpd'):
            manifest, numbers = self.check_manifest(5, name)
            self.assertEqual(manifest.get('type'), 'static')
            self.assertEqual([f'{number}.m4s' for number in numbers], self.uris(self.get('/hls/5/media.m3u8')))
            periods = manifest.findall(f'{MPD}Period')
            self.assertEqual([period.get('id') for period in periods], ['0', '1'])
            self.assertEqual([len(period) for period in periods], [2, 2])
            self.assertRegex(manifest.get('mediaPresentationDuration'), r'^PT\d+\.\d{6}S$')
        # In public, and plain: the same as any other request's.
        self.assertEqual(self.get('/dash/5/replay.mpd').split(b'UTCTiming')[0],
                         self.get('/dash/5/replay.mpd?not-plain').split(b'UTCTiming')[0])
        self.assertEqual(self.request('/dash/5/replay.mpd', 'OPTIONS')[0].getheader('Access-Control-Allow-Origin'), '*')

    def test_a_manifest_of_a_stream_that_may_go_on(self):
        self.archive(6, 9, 'disconnect')
        self.start('--grace', '3600')
        manifest, _ = self.check_manifest(6, 'manifest.mpd')
        self.assertEqual(manifest.get('type'), 'dynamic')
        self.assertIsNone(manifest.get('mediaPresentationDuration'))
        for name in ('availabilityStartTime', 'publishTime', 'minimumUpdatePeriod', 'timeShiftBufferDepth',
                     'suggestedPresentationDelay'):
            self.assertTrue(manifest.get(name), name)
        clock, timing = manifest.findall(f'{MPD}UTCTiming')
        self.assertEqual(clock.get('schemeIdUri'), 'urn:mpeg:dash:utc:http-xsdate:2014')
        self.assertEqual(timing.get('schemeIdUri'), 'urn:mpeg:dash:utc:direct:2014')
        # One that was asked for before: the time is the present one all the same.
        wait_until('time goes on', lambda: ET.fromstring(self.get('/dash/6/manifest.mpd')).findall(f'{MPD}UTCTiming')[1].get('value')
                   > timing.get('value'))


if __name__ == '__main__':
    tap.run_unittest()
