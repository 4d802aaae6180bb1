# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who waits at the live end of a stream: for how long, how many, and what they leave to others."""
import time

from live_case import MEDIA, STATION, LiveCase, Waiting
from origin_case import SLOWNESS, wait_until
import tap  # of the folder that origin_case has added


class LivePlacesTest(LiveCase):
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


if __name__ == '__main__':
    tap.run_unittest()
