# SPDX-License-Identifier: LGPL-2.1-or-later
"""The live end of a stream (RFC 8216bis, 6.2.5, 6.2.6): blocking reloads, delta updates, parts and hinted parts."""
import gzip
import re

from live_case import MEDIA, PARTS, STATION, LiveCase, Parts, Waiting, without_reports
from origin_case import wait_until
import tap  # of the folder that origin_case has added
import wire


class LiveTest(LiveCase):
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
