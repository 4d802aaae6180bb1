# SPDX-License-Identifier: LGPL-2.1-or-later
"""The live end of a stream (RFC 8216bis, 6.2.5, 6.2.6): blocking reloads, delta updates, parts and hinted parts."""
import gzip
import http.client
import json
import os
import re
import signal
import socket
import time
import unittest

from origin_case import EVENT, INIT, PATIENCE, SEGMENT, SLOWNESS, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire

PARTS = 4  # of a segment
PART = SEGMENT // PARTS
BYTES = 1000  # of a part
TARGET_S, PART_TARGET_MS = 2, 550
STATION = 9
MEDIA = f'/hls/{STATION}/media.m3u8'


class Parts(Live):
    """A session that tells parts."""

    on_disk = True
    target_s = TARGET_S

    def open_records(self, sequence=0):
        return [wire.run_record(self.run, self.first, sequence, self.utc_us, self.target_s * 1000, PART_TARGET_MS),
                wire.init_record(INIT, self.file, 0, 1024)]

    def opened(self, sequence=0):
        return [wire.session_opened(self.session, EVENT, self.station, self.utc_us, grace_ms=self.grace_ms),
                self.message(*self.open_records(sequence))]

    def message(self, *records):
        return wire.stream_records(self.session, EVENT, self.station, list(records))

    def body(self, msn, index):
        return bytes([(msn * PARTS + index) % 251]) * BYTES

    def part(self, index):
        """The open segment's part, written; its record."""
        if index == 0:
            self.segment_offset = len(self.content)
        offset = len(self.content)
        self.content += self.body(self.next, index)
        if self.on_disk:
            self.write()
        pts = (self.next - self.first) * SEGMENT + index * PART
        return wire.part_record(self.next, index, self.file, offset, BYTES, pts, PART, self.utc_us + pts * 100 // 9,
                                independent=index == 0)

    def finish(self):
        pts = (self.next - self.first) * SEGMENT
        record = wire.segment_record(self.next, self.file, self.segment_offset, len(self.content) - self.segment_offset,
                                     pts, (len(self.content) - self.segment_offset) // BYTES * PART,
                                     self.utc_us + pts * 100 // 9, INIT)
        self.next += 1
        return record

    def whole(self, count):
        """Messages of so many finished segments."""
        out = []
        for _ in range(count):
            records = [self.part(index) for index in range(PARTS)]
            out.append(self.message(*records, self.finish()))
        return out


def without_reports(body):
    return re.sub(rb'#EXT-X-RENDITION-REPORT:.*\n', b'', body)


class Waiting:
    """A request on a connection of its own, not answered yet."""

    def __init__(self, test, path, plain=True, source='127.0.0.1', forwarded=None):
        self.sock = socket.create_connection(('127.0.0.1', test.port), timeout=PATIENCE, source_address=(source, 0))
        test.addCleanup(self.sock.close)
        more = '' if plain else 'Accept-Encoding: identity\r\nIf-None-Match: "none"\r\n'  # libsoup's
        if forwarded:
            more += f'X-Forwarded-For: {forwarded}\r\n'
        self.sock.sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n'.encode())
        self.test = test

    def is_answered(self):
        self.sock.setblocking(False)
        try:
            return len(self.sock.recv(1, socket.MSG_PEEK)) > 0
        except BlockingIOError:
            return False
        finally:
            self.sock.settimeout(PATIENCE)

    def answer(self, status=200):
        response = http.client.HTTPResponse(self.sock)
        response.begin()
        body = response.read()
        self.test.assertEqual(response.status, status, body[:200])
        self.cache = response.getheader('Cache-Control')
        return body


class LiveTest(OriginCase):
    def live(self, segments=3, *arguments, target_s=TARGET_S):
        self.worker = self.fake_worker()
        self.start(*arguments)
        self.worker.accept()
        live = Parts(self, self.worker, STATION)
        live.target_s, live.on_disk, live.content = target_s, False, bytearray(live.content)
        self.worker.tell(wire.worker_state(), *live.opened(), *live.whole(segments))
        live.write()
        live.on_disk = True
        wait_until('it is listed', lambda: self.request(f'/hls/{STATION}/{segments - 1}.m4s')[0].status == 200)
        return live

    def heard(self):
        """All that was told before has been taken in."""
        self.worker.tell(wire.session_health(1, EVENT, STATION, '{"mark":%d}' % time.monotonic_ns()))
        mark = time.monotonic_ns()
        self.worker.tell(wire.session_health(1, EVENT, STATION, '{"mark":%d}' % mark))
        wait_until('it has heard', lambda: (self.stream(STATION)['health'] or {}).get('mark') == mark)

    def test_a_playlist_lists_parts_and_they_are_there(self):
        live = self.live()
        self.worker.tell(live.message(live.part(0), live.part(1)))
        self.heard()
        answer, body = self.request(MEDIA)
        self.assertTrue(body.endswith(b'\n#EXT-X-RENDITION-REPORT:URI="audio.m3u8",LAST-MSN=3,LAST-PART=1\n'), body)
        audio = self.get(f'/hls/{STATION}/audio.m3u8')
        self.assertTrue(audio.endswith(b'\n#EXT-X-RENDITION-REPORT:URI="media.m3u8",LAST-MSN=3,LAST-PART=1\n'), audio)
        text = without_reports(body).decode()
        self.assertEqual(answer.getheader('Cache-Control'), 'public, max-age=1')
        self.assertIn('#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,'
                      'PART-HOLD-BACK=1.650\n#EXT-X-PART-INF:PART-TARGET=0.550\n', text)
        self.assertTrue(text.endswith('#EXT-X-PART:DURATION=0.500000,URI="3.1.m4s"\n'
                                      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="3.2.m4s"\n'), text)
        parts = re.findall(r'#EXT-X-PART:.*URI="(\d+)\.(\d+)\.m4s"', text)
        self.assertEqual(len(parts), 2 * PARTS + 2)
        for msn, index in parts:
            for how in ({}, {'If-None-Match': '"other"'}):  # ours, and libsoup's
                answer, body = self.request(f'/hls/{STATION}/{msn}.{index}.m4s', headers=how)
                self.assertEqual((answer.status, body), (200, live.body(int(msn), int(index))))
                self.assertIn('immutable', answer.getheader('Cache-Control'))
        answer, body = self.request(f'/hls/{STATION}/a3.1.m4s')  # one track of a part
        self.assertEqual((answer.status, body), (404, b'The part has nothing of this track.\n'))
        self.assertEqual(self.get(f'/hls/{STATION}/v3.1.m4s'), live.body(3, 1))
        for name in ('3.9.m4s', '4.0.m4s', '03.1.m4s', '3.01.m4s', '3..m4s', '3.1.1.m4s', '3.-1.m4s', 'x3.1.m4s'):
            self.get(f'/hls/{STATION}/{name}', 404)

    def test_a_reload_waits_for_its_part_and_all_get_the_same(self):
        live = self.live()
        waiting = [Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0', plain) for plain in (True, False) for _ in range(20)]
        later = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=1')
        whole = Waiting(self, f'{MEDIA}?_HLS_msn=3')
        self.heard()
        self.assertFalse(any(one.is_answered() for one in waiting))
        self.worker.tell(live.message(live.part(0)))
        bodies = {one.answer() for one in waiting}
        self.assertEqual(len(bodies), 1)
        self.assertTrue(without_reports(bodies.pop()).endswith(b'URI="3.0.m4s",INDEPENDENT=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="3.1.m4s"\n'))
        self.assertEqual({one.cache for one in waiting}, {'public, max-age=24'})
        self.assertFalse(later.is_answered())
        self.worker.tell(live.message(live.part(1)))
        self.assertIn(b'"3.1.m4s"', later.answer())
        self.assertFalse(whole.is_answered())
        self.worker.tell(live.message(live.part(2), live.part(3), live.finish()))
        self.assertIn(b'\n3.m4s\n', whole.answer())
        # What is there already is answered at once; a part behind the last is the next segment's first.
        for query in ('_HLS_msn=0', '_HLS_msn=3', '_HLS_msn=3&_HLS_part=3', '_HLS_msn=2&_HLS_part=99'):
            self.assertIn(b'\n3.m4s\n', self.get(f'{MEDIA}?{query}'))
        behind = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=4')
        self.heard()
        self.assertFalse(behind.is_answered())
        self.worker.tell(live.message(live.part(0)))
        self.assertIn(b'"4.0.m4s"', behind.answer())

    def test_a_connection_goes_on_after_it_has_waited(self):
        live = self.live()
        one = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0')
        self.heard()
        self.worker.tell(live.message(live.part(0)))
        one.answer()
        one.sock.sendall(f'GET {MEDIA}?_HLS_msn=3&_HLS_part=1 HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        self.heard()
        self.assertFalse(one.is_answered())
        self.worker.tell(live.message(live.part(1)))
        self.assertIn(b'"3.1.m4s"', one.answer())

    def test_what_cannot_be_asked_for(self):
        self.live()
        for query in ('_HLS_part=0', '_HLS_msn=x', '_HLS_msn=-1', '_HLS_msn=3&_HLS_part=x', '_HLS_skip=NO', '_HLS_msn=5',
                      '_HLS_msn=3&_HLS_part=100', '_HLS_msn=99999999999999999999'):
            with self.subTest(query=query):
                for how in ({}, {'If-None-Match': '"other"'}):
                    answer, _ = self.request(f'{MEDIA}?{query}', headers=how)
                    self.assertEqual((answer.status, answer.getheader('Cache-Control')), (400, 'no-store'))
        self.assertIn(b'#EXTM3U', self.get(f'{MEDIA}?t=17&_HLS_skip=v2'))

    def test_a_hinted_part_is_sent_as_soon_as_it_is_there(self):
        live = self.live()
        path = f'/hls/{STATION}/3.0.m4s'
        waiting = [Waiting(self, path, plain) for plain in (True, False)]
        self.get(f'/hls/{STATION}/3.1.m4s', 404)  # not hinted
        self.heard()
        self.assertFalse(any(one.is_answered() for one in waiting))
        self.worker.tell(live.message(live.part(0)))
        self.assertEqual([one.answer() for one in waiting], [live.body(3, 0)] * 2)
        self.assertIn('immutable', waiting[0].cache)
        # A hint that does not come true: the segment ends before.
        waiting = Waiting(self, f'/hls/{STATION}/3.1.m4s')
        self.heard()
        self.worker.tell(live.message(live.finish()))
        waiting.answer(404)
        self.assertEqual(waiting.cache, 'no-store')

    def test_delta_updates(self):
        self.live(20)
        full, delta = self.get(MEDIA).decode(), self.get(f'{MEDIA}?_HLS_skip=YES').decode()
        self.assertIn('#EXT-X-VERSION:9\n', delta)
        head, skipped, rest = re.fullmatch(r'(.*\n)#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)\n(.*)', delta, re.S).groups()
        self.assertEqual(int(skipped), 14)  # all but 12 s
        self.assertTrue(full.endswith(rest))
        self.assertEqual(len(self.uris(full[:-len(rest)].encode())), 14)
        self.assertEqual(head.replace('VERSION:9', 'VERSION:6'), full[:len(head)])

    def test_the_end_of_the_stream_answers_all(self):
        live = self.live()
        playlists = [Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0'), Waiting(self, f'{MEDIA}?_HLS_msn=4&_HLS_skip=YES')]
        part = Waiting(self, f'/hls/{STATION}/3.0.m4s')
        self.heard()
        self.worker.tell(live.message(wire.end_record('unpublish')), wire.session_closed(1, EVENT, STATION, 'unpublish'))
        for one in playlists:
            self.assertTrue(one.answer().endswith(b'\n2.m4s\n#EXT-X-ENDLIST\n'))
            self.assertEqual(one.cache, 'public, max-age=1')  # it may go on
        part.answer(404)
        # From now on directives count for nothing.
        for query in ('_HLS_msn=3', '_HLS_msn=300', '_HLS_msn=3&_HLS_part=0&_HLS_skip=YES'):
            self.assertTrue(self.get(f'{MEDIA}?{query}').endswith(b'\n2.m4s\n#EXT-X-ENDLIST\n'))
        self.get(f'/hls/{STATION}/3.0.m4s', 404)

    def test_a_publisher_that_goes_and_comes_back_while_players_wait(self):
        live = self.live()
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        playlist = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=1')
        part = Waiting(self, f'/hls/{STATION}/3.1.m4s')
        self.heard()
        self.worker.tell(live.message(live.finish(), wire.end_record('disconnect')),
                         wire.session_closed(1, EVENT, STATION, 'disconnect'))
        part.answer(404)
        self.assertFalse(playlist.is_answered())
        self.assertNotIn(b'PRELOAD-HINT', self.get(MEDIA))
        again = Parts(self, self.worker, STATION, session=2, run='run-b', first=4)
        self.worker.tell(*again.opened(1), again.message(again.part(0)))
        text = without_reports(playlist.answer()).decode()
        self.assertRegex(text, r'\n3\.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:.*\n#EXT-X-PROGRAM-DATE-TIME:.*\n'
                               r'#EXT-X-PART:DURATION=0.500000,URI="4\.0\.m4s",INDEPENDENT=YES\n'
                               r'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="4\.1\.m4s"\n$')

    def test_what_was_hinted_comes_with_the_next_run(self):
        live = self.live()
        part = Waiting(self, f'/hls/{STATION}/3.0.m4s')
        self.heard()
        self.worker.tell(live.message(wire.end_record('disconnect')), wire.session_closed(1, EVENT, STATION, 'disconnect'))
        wait_until('it waits', lambda: self.stream(STATION)['state'] == 'waiting')
        late = Waiting(self, f'/hls/{STATION}/3.0.m4s')  # by a playlist of before
        self.get(f'/hls/{STATION}/3.1.m4s', 404)
        self.assertFalse(part.is_answered())
        again = Parts(self, self.worker, STATION, session=2, run='run-b', first=3)
        self.worker.tell(*again.opened(1), again.message(again.part(0)))
        self.assertEqual([part.answer(), late.answer()], [again.body(3, 0)] * 2)

    def killed_run(self, seconds):
        """Written while the origin looks on, and left as a kill does: its name, its init segment's record, and all
        parts' of its first segment; how many segments it has."""
        known = set(os.listdir(self.station_folder(STATION)))
        self.archive(STATION, seconds, '-')
        run, = set(os.listdir(self.station_folder(STATION))) - known
        with open(os.path.join(self.station_folder(STATION), run, 'run.jl'), encoding='utf-8') as chain:
            lines = [json.loads(line) for line in chain]
        of_file = next(line for line in lines if line['t'] == 'file')
        segments = [line for line in lines if line['t'] == 'frag']
        first = segments[0]
        file = f'lta/{EVENT}/st/{STATION:02x}/{STATION:06}/{run}/000000.mp4'
        parts = [wire.part_record(first['msn'], index, file, part[0], part[1], part[2], part[3], first['utc'] + part[4],
                                  bool(part[5])) for index, part in enumerate(first['parts'])]
        return (wire.run_record(run, first['msn'], first['dseq'], first['utc']),
                wire.init_record(of_file['init'][:16], file, 0, of_file['len']), parts, len(segments))

    def test_what_a_killed_worker_could_not_tell_any_more(self):
        self.archive(STATION, 4)
        worker = self.fake_worker()
        self.start()
        worker.accept()
        before = self.uris(self.get(MEDIA))
        # Of a run of three segments it tells the first one's first part.
        run, init, parts, count = self.killed_run(6)
        self.assertEqual((count, len(parts)), (3, PARTS))
        worker.tell(wire.worker_state(), wire.session_opened(1, EVENT, STATION, 1),
                    wire.stream_records(1, EVENT, STATION, [run, init, parts[0]]))
        self.assertIsNotNone(wait_until('it is live', lambda: self.stream(STATION)['state'] == 'live' or None))
        duration = self.stream(STATION)['duration_s']
        worker.close()
        wait_until('it waits', lambda: self.stream(STATION)['state'] == 'waiting')
        again = self.fake_worker()
        again.accept()
        first = len(before) + count
        live = Parts(self, again, STATION, session=2, run='run-c', first=first)
        again.tell(wire.worker_state(), *live.opened(2), *live.whole(1))
        wait_until('the next run is listed', lambda: f'{first}.m4s'.encode() in self.get(MEDIA))
        text = self.get(MEDIA)
        self.assertEqual(self.uris(text), [f'{msn}.m4s' for msn in range(first + 1)])
        self.assertEqual(re.findall(rb'#EXT-X-DISCONTINUITY(?=\n)', text), [b'#EXT-X-DISCONTINUITY'] * 2)
        self.assertEqual(self.stream(STATION)['duration_s'], duration + 6 + TARGET_S)
        # The same as who reads the archive afterwards is given.
        told = {uri: self.get(f'/hls/{STATION}/{uri}') for uri in self.uris(text)[:-1]}
        self.stop()
        self.start()
        self.assertEqual(self.uris(self.get(f'/hls/{STATION}/replay.m3u8')), list(told))
        for uri, body in told.items():
            self.assertEqual(self.get(f'/hls/{STATION}/{uri}'), body, uri)

    def test_a_run_whose_number_says_more_than_the_archive_has(self):
        live = self.live()
        self.worker.tell(live.message(wire.end_record('disconnect')), wire.session_closed(1, EVENT, STATION, 'disconnect'))
        again = Parts(self, self.worker, STATION, session=2, run='run-b', first=5)
        self.worker.tell(*again.opened(1), *again.whole(1))
        wait_until('the next run is listed', lambda: b'5.m4s' in self.get(MEDIA))
        self.assertEqual(self.uris(self.get(MEDIA)), ['5.m4s'])

    def test_a_disk_that_does_not_answer_is_not_waited_for(self):
        live = self.live()
        self.worker.tell(live.message(wire.end_record('disconnect')), wire.session_closed(1, EVENT, STATION, 'disconnect'))
        # Who opens it to read waits for somebody who writes.
        folder = os.path.join(self.station_folder(STATION), '20260914T060000Z-n01-0000')
        os.makedirs(folder)
        chain = os.path.join(folder, 'run.jl')
        os.mkfifo(chain)

        def answer():
            self.addCleanup(os.close, os.open(chain, os.O_RDWR))
            self.addCleanup(self.stop)
        self.addCleanup(answer)
        again = Parts(self, self.worker, STATION, session=2, run='run-b', first=5)
        self.worker.tell(*again.opened(1), *again.whole(1))
        wait_until('the next run is listed', lambda: b'5.m4s' in self.get(MEDIA))
        self.assertEqual(self.uris(self.get(MEDIA)), ['5.m4s'])
        # It answers after all, and nothing is taken back.
        answer()
        self.worker.tell(*again.whole(1))
        wait_until('the run goes on', lambda: b'6.m4s' in self.get(MEDIA))
        self.assertEqual(self.uris(self.get(MEDIA)), ['5.m4s', '6.m4s'])

    def test_who_has_waited_for_long_is_told_so(self):
        live = self.live()
        began = time.monotonic()
        waiting = [Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0', plain) for plain in (True, False)]
        part = Waiting(self, f'/hls/{STATION}/3.0.m4s')
        for one in (*waiting, part):
            one.answer(503)
            self.assertEqual(one.cache, 'no-store')
        self.assertGreaterEqual(time.monotonic() - began, 11.9)
        self.assertLess(time.monotonic() - began, 13 * SLOWNESS)
        # And the others are waited for all the same.
        late = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0')
        self.heard()
        self.worker.tell(live.message(live.part(0)))
        late.answer()

    def test_clients_that_go_while_they_wait(self):
        live = self.live()
        for plain in (True, False):
            for _ in range(10):
                Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0', plain).sock.close()
        stays = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0')
        self.heard()
        self.worker.tell(live.message(live.part(0)))
        stays.answer()
        self.assertEqual(self.get('/healthz'), b'ok\n')

    def connections(self):
        """Those that the origin has not closed."""
        with open('/proc/net/tcp', encoding='ascii') as table:
            fields = [line.split() for line in list(table)[1:]]
        return sum(int(one[1].split(':')[1], 16) == self.port and one[3] in ('01', '08') for one in fields)

    def test_who_waits_leaves_places_to_others_and_gives_his_own_back(self):
        live = self.live(3, '--max-connections', '16', target_s=60)  # who waits may do so for three minutes
        places = 12
        asked = [f'{MEDIA}?_HLS_msn=3&_HLS_part=0', f'{MEDIA}?_HLS_msn=3', f'/hls/{STATION}/3.0.m4s']
        for plain in (True, False):
            waiting = [Waiting(self, asked[i % len(asked)], plain) for i in range(places)]
            self.heard()
            self.assertFalse(any(one.is_answered() for one in waiting))
            more = Waiting(self, asked[0])
            self.assertIn(b'Too many are waiting', more.answer(503))
            self.assertEqual(self.get('/healthz'), b'ok\n')
            for one in (*waiting, more):
                one.sock.close()
            wait_until('their places are free', lambda: self.connections() == 0)
        self.assertIn(b'"2.3.m4s"', self.get(MEDIA))
        stays = Waiting(self, asked[0])
        self.heard()
        self.worker.tell(live.message(live.part(0)))
        self.assertIn(b'"3.0.m4s"', stays.answer())

    def test_no_handful_of_addresses_takes_all_places(self):
        self.live(3, '--max-connections', '16', target_s=60)  # twelve may wait
        asked = [f'{MEDIA}?_HLS_msn=3&_HLS_part=0', f'{MEDIA}?_HLS_msn=3', f'/hls/{STATION}/3.0.m4s']
        hosts = [f'127.0.0.{last}' for last in range(2, 6)]
        ways = [  # addresses that connect, and those of which a proxy on this machine tells; what a stranger tells is his own
            [{'source': host, 'forwarded': None} for host in hosts],
            [{'source': host, 'forwarded': f'2001:db8::{i}, {hosts[0]}'} for i, host in enumerate(hosts)],
            [{'forwarded': host} for host in hosts],
            [{'forwarded': f'192.0.2.1,  2001:db8:0:{i}::1'} for i in range(len(hosts))],
        ]
        for way in ways:
            waiting = []
            for part, one in zip((4, 3, 2, 1), way):
                its = [Waiting(self, asked[i % len(asked)], **one) for i in range(part)]
                self.heard()
                self.assertFalse(any(each.is_answered() for each in its), way)
                waiting += its
                for plain in (True, False):
                    more = Waiting(self, asked[0], plain, **one)
                    self.assertIn(b'Too many are waiting', more.answer(503))
                    more.sock.close()
            # A cache's requests are of all its viewers: it has the room as it is.
            waiting += [Waiting(self, asked[0]) for _ in range(2)]
            self.heard()
            self.assertFalse(any(each.is_answered() for each in waiting), way)
            for each in waiting:
                each.sock.close()
            wait_until('their places are free', lambda: self.connections() == 0)

    def test_a_restarted_origin_goes_on_where_it_was(self):
        live = self.live()
        waiting = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0')
        self.heard()
        self.stop(signal.SIGKILL)
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            waiting.answer()
        self.start()
        # The worker tells everything anew, as the archive has nothing of this run.
        self.worker.accept()
        records = [wire.part_record(msn, index, live.file, 1024 + (msn * PARTS + index) * BYTES, BYTES,
                                    msn * SEGMENT + index * PART, PART, live.utc_us + (msn * SEGMENT + index * PART) * 100 // 9)
                   for msn in range(3) for index in range(PARTS)]
        segments = [wire.segment_record(msn, live.file, 1024 + msn * PARTS * BYTES, PARTS * BYTES, msn * SEGMENT, SEGMENT,
                                        live.utc_us + msn * 2_000_000, INIT) for msn in range(3)]
        told = [one for msn in range(3) for one in (*records[msn * PARTS:(msn + 1) * PARTS], segments[msn])]
        self.worker.tell(wire.worker_state(), *live.opened(), live.message(*told))
        wait_until('it is listed', lambda: self.request(f'/hls/{STATION}/2.m4s')[0].status == 200)
        again = Waiting(self, f'{MEDIA}?_HLS_msn=3&_HLS_part=0')
        self.heard()
        self.assertFalse(again.is_answered())
        self.worker.tell(live.message(live.part(0)))
        self.assertIn(b'"3.0.m4s"', again.answer())

    def test_a_stream_that_begins_has_nothing_to_wait_for(self):
        self.worker = self.fake_worker()
        self.start()
        self.worker.accept()
        live = Parts(self, self.worker, STATION)
        self.worker.tell(wire.worker_state(), *live.opened(), live.message(live.part(0)))
        wait_until('it is known', lambda: self.request(f'/api/v1/streams/{STATION}')[0].status == 200)
        self.get(f'{MEDIA}?_HLS_msn=0&_HLS_part=1', 404)
        self.get(f'/hls/77/media.m3u8?_HLS_msn=0', 404)

    def test_a_window_of_hours(self):
        count = 3600  # two hours
        live = self.live(count, '--window', '7200', '--playlist', '7200')
        self.assertEqual(len(self.uris(self.get(MEDIA))), count)

        self.worker.tell(live.message(live.part(0)))
        self.heard()
        body = self.get(f'{MEDIA}?_HLS_msn={count}&_HLS_part=0&_HLS_skip=YES')
        self.assertIn(f'SKIPPED-SEGMENTS={count - 6}\n'.encode(), body)
        self.assertLess(len(body), 4000)
        self.assertEqual(self.uris(body), self.uris(self.get(MEDIA))[-6:])
        # The whole of it is packed for who takes it so, from then on as from the beginning.
        for index in range(1, 4):
            for how in ({}, {'If-None-Match': '"none"'}):  # ours, and libsoup's
                answer, packed = self.request(MEDIA, headers={'Accept-Encoding': 'gzip', **how})
                self.assertEqual(answer.getheader('Content-Encoding'), 'gzip')
                self.assertEqual(answer.getheader('Vary'), 'Accept-Encoding')
                plain, whole = self.request(MEDIA, headers={'Accept-Encoding': 'gzip;q=0', **how})
                self.assertIsNone(plain.getheader('Content-Encoding'))
                self.assertEqual(plain.getheader('Vary'), 'Accept-Encoding')
                self.assertLess(len(packed), len(whole) / 4)
                self.assertEqual(gzip.decompress(packed), whole)
                self.assertIn(f'"{count}.{index - 1}.m4s"'.encode(), whole)
            self.worker.tell(live.message(live.part(index)))
            self.heard()
        answer, delta = self.request(f'{MEDIA}?_HLS_skip=YES', headers={'Accept-Encoding': 'gzip'})
        self.assertIsNone(answer.getheader('Content-Encoding'))
        self.assertIn(b'#EXT-X-SKIP', delta)


if __name__ == '__main__':
    tap.run_unittest()
