# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the origin does for its answers, counted: texts that it makes, bytes that it reads; and how long it says that took."""

from live_case import STATION, LiveCase, Waiting
from origin_case import EVENT, wait_until
import tap  # of the folder that origin_case has added
import wire

HLS, DASH = f'/hls/{STATION}', f'/dash/{STATION}'
WITHOUT_PARTS = (f'{HLS}/index.m3u8', f'{HLS}/replay.m3u8', f'{HLS}/replay-index.m3u8', f'{HLS}/replay-iframes.m3u8',
                 f'{DASH}/replay.mpd')


class Work(LiveCase):
    def made_by(self, *paths):
        before = self.status()['texts_made']
        for path in paths:
            self.get(path)
        return self.status()['texts_made'] - before

    def test_what_lists_no_parts_is_not_made_for_them(self):
        live = self.live()
        self.assertEqual(self.made_by(*WITHOUT_PARTS), len(WITHOUT_PARTS))
        for index in range(3):
            self.worker.tell(live.message(live.part(index)))
            self.heard()
            # Once for all who ask.
            self.assertEqual(self.made_by(f'{HLS}/media.m3u8', f'{HLS}/media.m3u8'), 1)
            self.assertEqual(self.made_by(*WITHOUT_PARTS), 0)
        self.worker.tell(live.message(live.part(3), live.finish()))
        self.heard()
        self.assertEqual(self.made_by(*WITHOUT_PARTS), len(WITHOUT_PARTS))
        for path in (f'{HLS}/replay.m3u8', f'{HLS}/replay-iframes.m3u8'):
            self.assertIn(b'\n3.m4s\n', self.get(path))

    def test_boxes_are_read_before_somebody_asks_again(self):
        live = self.live()
        before = self.read_by_thread('boxes')
        self.worker.tell(*live.whole(1))
        self.heard()
        self.assertEqual(self.read_by_thread('boxes'), before, 'nobody has ever asked')
        self.get(f'{HLS}/iframes.m3u8')
        known = wait_until('the boxes are read', lambda: (lambda read: read > before and read)(self.read_by_thread('boxes')))
        self.worker.tell(*live.whole(1))
        wait_until('those of the next segment, too', lambda: self.read_by_thread('boxes') > known)
        self.heard()
        again = self.read_by_thread('boxes')
        self.get(f'{HLS}/iframes.m3u8')
        self.assertEqual(self.read_by_thread('boxes'), again)

    def test_lists_tell_how_long_they_took(self):
        self.live()
        for path in (f'{HLS}/media.m3u8', f'{HLS}/index.m3u8', f'{DASH}/manifest.mpd'):
            for headers in ({}, {'If-None-Match': '"none"'}):  # ours, and libsoup's
                answer, _ = self.request(path, headers=headers)
                self.assertRegex(answer.getheader('Server-Timing'), r'^origin;dur=\d+\.\d{3}$')
        self.assertIsNone(self.request(f'{HLS}/2.m4s')[0].getheader('Server-Timing'))
        # Of what waited for media it would tell nothing.
        waiting = Waiting(self, f'{HLS}/media.m3u8?_HLS_msn=3')
        wait_until('it waits', lambda: self.status()['waiting'] == 1)
        self.worker.tell(wire.session_closed(1, EVENT, STATION, 'unpublish'))
        head = waiting.sock.recv(65536)
        self.assertTrue(head.startswith(b'HTTP/1.1 200'))
        self.assertNotIn(b'Server-Timing', head)


if __name__ == '__main__':
    tap.run_unittest()
