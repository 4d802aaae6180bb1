# SPDX-License-Identifier: LGPL-2.1-or-later
"""A segment that is being written, sent as its parts come, and the manifests that list it (low-latency DASH)."""
import http.client
import re
import signal
import socket

import rendition_test
from live_case import BYTES, PART, PARTS, STATION, LiveCase, Parts, Waiting
from origin_case import EVENT, INIT, PATIENCE, wait_until
import tap  # of the folder that origin_case has added
import wire

OPEN = f'/hls/{STATION}/3.m4s'
LARGE = 16_000_000  # more than sockets hold


class Growing(Waiting):
    """An answer in chunks."""

    def __init__(self, test, path, receive_buffer=None):
        super().__init__(test, path)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)

    def begin(self):
        self.response = http.client.HTTPResponse(self.sock)
        self.response.begin()
        self.test.assertEqual(self.response.status, 200)
        self.test.assertEqual(self.response.getheader('Transfer-Encoding'), 'chunked')
        self.test.assertIsNone(self.response.getheader('Content-Length'))
        self.test.assertEqual(self.response.getheader('Cache-Control'), 'public, max-age=1')
        self.test.assertIsNone(self.response.getheader('Accept-Ranges'))
        return self

    def take(self, count):
        return self.response.read(count)


class OpenSegmentTest(LiveCase):
    def test_parts_are_sent_as_they_come(self):
        live = self.live()
        self.get(OPEN, 404)
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        readers = [Growing(self, path).begin() for path in (OPEN, f'/hls/{STATION}/v3.m4s')]
        whole = Waiting(self, OPEN, plain=False)  # libsoup's are sent what is whole
        for index in range(PARTS):
            for one in readers:
                self.assertEqual(one.take(BYTES), live.body(3, index))
                self.assertFalse(one.is_answered(), 'nothing is sent before its time')
            if index + 1 < PARTS:
                self.worker.tell(live.message(live.part(index + 1)))
        self.assertFalse(whole.is_answered())
        self.worker.tell(live.message(live.finish(), live.part(0)))
        for one in readers:
            self.assertEqual(one.take(1), b'')
        body = b''.join(live.body(3, index) for index in range(PARTS))
        self.assertEqual(whole.answer(), body)
        answer, content = self.request(OPEN)
        self.assertEqual((content, answer.getheader('Content-Length')), (body, str(len(body))))
        # The connection goes on, with the next one.
        one = readers[0]
        one.sock.sendall(f'GET /hls/{STATION}/4.m4s HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        self.assertEqual(one.begin().take(BYTES), live.body(4, 0))
        # Of what is open a part cannot be asked for before its end is known.
        part = socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE)
        self.addCleanup(part.close)
        part.sendall(f'GET /hls/{STATION}/4.m4s HTTP/1.1\r\nHost: x\r\nRange: bytes=500-1499\r\n\r\n'.encode())
        self.worker.tell(live.message(live.part(1), live.finish()))
        response = http.client.HTTPResponse(part)
        response.begin()
        self.assertEqual((response.status, response.read()), (206, (live.body(4, 0) + live.body(4, 1))[500:1500]))
        self.assertEqual(self.request(f'/hls/{STATION}/5.m4s')[0].status, 404)

    def test_a_rung(self):
        live = self.live()
        rung = rendition_test.Rung(live)
        self.worker.tell(*rung.open_messages(), *(rung.segment(msn) for msn in range(3)))
        path = f'/hls/{STATION}/{rung.name}/3.m4s'
        offset = len(rung.content)
        records = []
        for index in range(2):
            with open(rung.path, 'ab') as file:
                file.write(live.body(3, index))
            at = (3 * PARTS + index) * PART, PART, live.utc_us
            records.append(wire.part_record(3, index, rung.file, offset + index * BYTES, BYTES, *at))
        self.worker.tell(live.message(live.part(0), live.part(1)), rung.records(records[0]))
        self.heard()
        one = Growing(self, path).begin()
        self.assertEqual(one.take(BYTES), live.body(3, 0))
        self.worker.tell(rung.records(records[1]))
        self.assertEqual(one.take(BYTES), live.body(3, 1))
        manifest = self.get(f'/dash/{STATION}/manifest.mpd').decode()
        self.assertRegex(manifest, rung.name + r'/\$Number\$\.m4s" availabilityTimeOffset="1.450000" '
                         r'availabilityTimeComplete="false">\s*<SegmentTimeline>\s*<S t="0" d="180000" r="3"/>')
        last = wire.segment_record(3, rung.file, offset, 2 * BYTES, 3 * PARTS * PART, 2 * PART, live.utc_us,
                                   rendition_test.RUNG_INIT)
        self.worker.tell(live.message(live.finish()), rung.records(last))
        self.assertEqual(one.take(1), b'')

    def test_a_rung_that_is_too_late_for_its_parts(self):
        live = self.live()
        rung = rendition_test.Rung(live)
        self.worker.tell(*rung.open_messages(), *(rung.segment(msn) for msn in range(3)))
        path = f'/hls/{STATION}/{rung.name}/3.m4s'
        offset = len(rung.content)
        with open(rung.path, 'ab') as file:
            file.write(live.body(3, 0) + live.body(3, 1))
        first = wire.part_record(3, 0, rung.file, offset, BYTES, 3 * PARTS * PART, PART, live.utc_us)
        self.worker.tell(live.message(live.part(0)), rung.records(first))
        self.heard()
        one = Growing(self, path).begin()
        self.assertEqual(one.take(BYTES), live.body(3, 0))
        self.worker.tell(live.message(*(live.part(index) for index in range(1, PARTS)), live.finish()),
                         *(live.message(live.part(index)) for index in range(PARTS)))
        self.heard()
        playlist = self.get(f'/hls/{STATION}/{rung.name}/media.m3u8')
        self.assertEqual(rendition_test.segments(playlist)[-1], '-3.m4s')
        self.assertFalse(one.is_answered())
        late = Growing(self, path).begin()
        self.assertEqual(late.take(BYTES), live.body(3, 0))
        last = wire.segment_record(3, rung.file, offset, 2 * BYTES, 3 * PARTS * PART, PARTS * PART, live.utc_us,
                                   rendition_test.RUNG_INIT)
        self.worker.tell(rung.records(last))
        for each in (one, late):
            self.assertEqual(each.take(BYTES), live.body(3, 1), 'what was too late is the end of it')
            self.assertEqual(each.take(1), b'')
        self.assertEqual(self.get(path), live.body(3, 0) + live.body(3, 1))
        manifest = self.get(f'/dash/{STATION}/manifest.mpd').decode()
        self.assertEqual(manifest.count('<Period '), 1)
        # Of a recording nobody asks when it came.
        replay = self.get(f'/hls/{STATION}/{rung.name}/replay.m3u8')
        self.assertEqual(rendition_test.segments(replay)[-1], '3.m4s')

    def test_head(self):
        live = self.live()
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        answer, body = self.request(OPEN, 'HEAD')
        self.assertEqual((answer.status, answer.getheader('Transfer-Encoding'), body), (200, 'chunked', b''))

    def test_a_track_that_has_nothing_in_it_yet_is_waited_for(self):
        live = self.live()
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        audio = Waiting(self, f'/hls/{STATION}/a3.m4s')
        self.heard()
        self.assertFalse(audio.is_answered())
        self.worker.tell(live.message(live.part(1), live.finish()))
        audio.answer(404)

    def test_a_publisher_that_is_lost_ends_it(self):
        live = self.live()
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        one = Growing(self, OPEN).begin()
        self.assertEqual(one.take(BYTES), live.body(3, 0))
        self.worker.tell(live.message(wire.end_record('disconnect')), wire.session_closed(1, EVENT, STATION, 'disconnect'))
        self.assertEqual(one.take(1), b'')  # not IncompleteRead
        self.get(OPEN, 404)
        self.assertEqual(self.stream(STATION)['state'], 'waiting')
        # Another run's segment of that number is none of it.
        again = Parts(self, self.worker, STATION, session=2, run='run-b', first=3)
        self.worker.tell(*again.opened(1), again.message(again.part(0)))
        wait_until('it is being written', lambda: self.request(OPEN, 'HEAD')[0].status == 200)
        one.sock.sendall(f'GET {OPEN} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        self.assertEqual(one.begin().take(BYTES), again.body(3, 0))

    def test_who_is_too_slow_gets_no_more(self):
        live = self.live()
        large = wire.part_record(3, 0, live.file, len(live.content), LARGE, 3 * PARTS * PART, PART, live.utc_us)
        live.content += bytes(LARGE)
        live.write()
        self.worker.tell(live.message(large))
        self.heard()
        slow = Growing(self, OPEN, 65_536).begin()
        offset = len(live.content)
        live.content += live.body(3, 1)
        live.write()
        second = wire.part_record(3, 1, live.file, offset, BYTES, (3 * PARTS + 1) * PART, PART, live.utc_us)
        self.worker.tell(live.message(second))
        self.heard()
        segment = wire.segment_record(3, live.file, offset - LARGE, LARGE + BYTES, 3 * PARTS * PART, 2 * PART, live.utc_us,
                                      INIT)
        live.next += 1
        self.worker.tell(live.message(segment), *live.whole(8))
        wait_until('the next ones are listed', lambda: self.request(f'/hls/{STATION}/11.m4s')[0].status == 200)
        self.assertEqual(len(slow.take(LARGE)), LARGE)  # what was on its way
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            slow.response.read()

    def test_who_is_slow_and_has_all_of_it_sees_its_end(self):
        live = self.live()
        large = wire.part_record(3, 0, live.file, len(live.content), LARGE, 3 * PARTS * PART, PART, live.utc_us)
        segment = wire.segment_record(3, live.file, len(live.content), LARGE, 3 * PARTS * PART, PART, live.utc_us, INIT)
        live.content += bytes(LARGE)
        live.write()
        self.worker.tell(live.message(large))
        self.heard()
        slow = Growing(self, OPEN, 65_536).begin()
        live.next += 1
        self.worker.tell(live.message(segment), *live.whole(8))
        wait_until('the next ones are listed', lambda: self.request(f'/hls/{STATION}/11.m4s')[0].status == 200)
        self.assertEqual(len(slow.take(LARGE)), LARGE)
        self.assertEqual(slow.take(1), b'')  # not IncompleteRead

    def test_clients_that_go(self):
        live = self.live()
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        before = len(self.open_files())
        readers = [Growing(self, OPEN).begin() for _ in range(20)]
        for one in readers:
            one.sock.close()
            one.response.close()
        wait_until('their places are free', lambda: len(self.open_files()) <= before)
        self.worker.tell(live.message(live.part(1)))
        self.heard()
        self.assertEqual(Growing(self, OPEN).begin().take(2 * BYTES), live.body(3, 0) + live.body(3, 1))

    def test_an_origin_that_ends_meanwhile(self):
        live = self.live()
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        one = Growing(self, OPEN).begin()
        self.assertEqual(one.take(BYTES), live.body(3, 0))
        self.stop(signal.SIGTERM)  # which looks at how it ends
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            one.response.read()

    def test_the_manifest_lists_it(self):
        live = self.live()
        path = f'/dash/{STATION}/manifest.mpd'
        template = r'media="v\$Number\$\.m4s" availabilityTimeOffset="1.450000" availabilityTimeComplete="false">\s*' \
                   r'<SegmentTimeline>\s*<S t="0" d="180000" r="%d"/>'
        self.assertRegex(self.get(path).decode(), template % 2)
        self.worker.tell(live.message(live.part(0)))
        self.heard()
        manifest = self.get(path).decode()
        self.assertRegex(manifest, template % 3)
        self.assertIn('<Latency referenceId="0" target="2750"', manifest)
        clock = re.search(r'http-xsdate:2014" value="([^"]*)"', manifest).group(1)
        self.assertEqual(clock, f'../../dash/{STATION}/time')
        answer, now = self.request(f'/dash/{STATION}/time')
        self.assertRegex(now.decode(), r'\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z')  # no end of line: Date.parse()
        self.assertEqual((answer.getheader('Cache-Control'), answer.getheader('Access-Control-Allow-Origin')),
                         ('no-store', '*'))
        self.worker.tell(live.message(wire.end_record('unpublish')), wire.session_closed(1, EVENT, STATION, 'unpublish'))
        wait_until('it has ended', lambda: self.stream(STATION)['state'] == 'ended')
        self.assertNotIn('availabilityTimeComplete', self.get(path).decode())


if __name__ == '__main__':
    tap.run_unittest()
