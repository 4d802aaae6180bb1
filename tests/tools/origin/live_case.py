# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of a stream's live end have in common: a session that tells parts, and requests that wait for them."""
import http.client
import re
import socket
import time

from origin_case import EVENT, INIT, PATIENCE, SEGMENT, Live, OriginCase, wait_until
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


class LiveCase(OriginCase):
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
