# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rungs on demand: how many the origin has encoded, who is refused, and what he is told."""
import http.client
import threading
import time

from origin_case import EVENT, PATIENCE, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire
from rendition_test import Rung, segments

# Millions of pixels a second, of 25 pictures: the source is 1280x720 and counts a quarter when it is decoded.
SIZES = {'480p': (854, 480), '360p': (640, 360), '144p': (256, 144)}
MEGA = {name: width * height * 25 / 1e6 for name, (width, height) in SIZES.items()}
DECODING = 1280 * 720 * 25 / 4e6

ASKED_S = 10  # kAskedMs, demand.h


class Station:
    """A live stream with rungs that nobody has asked for yet."""

    def __init__(self, test, worker, number):
        self.test, self.worker, self.number = test, worker, number
        self.live = Live(test, worker, number, session=number)
        self.rungs = {name: Rung(self.live, name) for name in SIZES}
        worker.tell(*self.live.open_messages(), *(self.told(name, 0) for name in SIZES), *self.live.segments(2))
        wait_until('it is listed', lambda: len(test.stream(number)['renditions']) == len(SIZES))

    def told(self, name, state):
        return self.rungs[name].records(wire.rendition_record(state, size=SIZES[name], on_demand=True))

    def path(self, name):
        return f'/hls/{self.number}/{name}/media.m3u8'

    def want(self, name):
        """A viewer asks, and the worker is told."""
        self.test.ask(self.path(name))
        self.test.assertEqual(self.worker.origin.recv(65536), wire.want_rendition(self.number, name))

    def run(self, name):
        self.want(name)
        self.say(name, 1, 'running')

    def say(self, name, state, called):
        self.worker.tell(self.told(name, state))
        wait_until(f'{name} is {called}', lambda: any(
            one['name'] == name and one['state'] == called for one in self.test.stream(self.number)['renditions']))

    def refused(self, name):
        answer, body = self.test.request(self.path(name))
        self.test.assertEqual(answer.status, 503, body)
        self.test.assertGreaterEqual(int(answer.getheader('Retry-After')), 1)
        self.test.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
        self.test.assertIn(b'The stream goes on', body)

    def goes_on(self):
        self.test.assertEqual(segments(self.test.get(f'/hls/{self.number}/media.m3u8')), ['0.m4s', '1.m4s'])
        listed = self.test.get(f'/hls/{self.number}/index.m3u8').decode().splitlines()
        for uri in ('video.m3u8', *(f'{name}/media.m3u8' for name in SIZES)):
            self.test.assertIn(uri, listed)


class Demand(OriginCase):
    def begin(self, mega, *more):
        self.start('--rung-mpixels', str(mega), *more)
        worker = self.fake_worker()
        worker.accept()
        worker.origin.settimeout(PATIENCE)
        return worker

    def ask(self, path, seconds=0.0):
        """A viewer asks. The status, if it comes within that time."""
        got = []

        def viewer():
            try:
                got.append(self.request(path)[0].status)
            except (OSError, http.client.HTTPException):
                pass  # the test was over
        thread = threading.Thread(target=viewer, daemon=True)
        thread.start()
        thread.join(seconds)
        return got[0] if got else None

    def nothing_asked(self, worker):
        worker.origin.setblocking(False)
        self.assertRaises(BlockingIOError, worker.origin.recv, 65536)
        worker.origin.settimeout(PATIENCE)

    def test_what_is_too_much_is_refused_and_the_source_goes_on(self):
        limit = int(DECODING + MEGA['360p'] + 1)
        worker = self.begin(limit)
        one, two = Station(self, worker, 1), Station(self, worker, 2)
        one.run('360p')
        for _ in range(3):
            two.refused('360p')
            two.refused('144p')
        two.goes_on()
        self.nothing_asked(worker)
        rungs = self.node()['rungs']
        self.assertEqual(rungs, {'running': 1, 'paused': 0, 'mpixels': int(DECODING + MEGA['360p']), 'max_mpixels': limit,
                                 'max_of_worker': 16, 'started': 1, 'refused': 6, 'made_way': 0})
        # Nobody asks for the first one any more: it stops, and there is room.
        one.say('360p', 0, 'idle')
        wait_until('it may be encoded', lambda: self.refused_no_more(two.path('360p'), worker))
        self.assertEqual(self.node()['rungs']['started'], 2)

    def refused_no_more(self, path, worker):
        self.ask(path)
        worker.origin.settimeout(0.5)
        try:
            return worker.origin.recv(65536) == wire.want_rendition(2, '360p')
        except TimeoutError:
            return False

    def test_a_stream_with_several_makes_way_for_one_with_none(self):
        # All of the first stream's, and not a rung of another.
        worker = self.begin(int(DECODING + MEGA['480p'] + MEGA['360p'] + 1))
        one, two = Station(self, worker, 1), Station(self, worker, 2)
        one.run('360p')
        one.run('480p')
        two.refused('144p')
        self.assertEqual(self.node()['rungs']['made_way'], 1)
        # The large one is not asked for any more, the other is.
        one.refused('480p')
        self.nothing_asked(worker)
        wait_until('it is asked for again', lambda: self.asked_again(one, worker))
        one.say('480p', 0, 'idle')
        wait_until('there is room', lambda: self.status(two.path('144p')) is None and
                   self.worker_heard(worker, wire.want_rendition(2, '144p')))
        one.refused('480p')
        self.assertEqual(self.node()['rungs']['made_way'], 1, 'nobody is pushed out in turn')

    def status(self, path):
        """None: the answer is waited for."""
        return self.ask(path, 0.5)

    def asked_again(self, station, worker):
        self.status(station.path('360p'))
        return self.worker_heard(worker, wire.want_rendition(station.number, '360p'))

    def worker_heard(self, worker, message):
        worker.origin.settimeout(0.5)
        try:
            while True:
                if worker.origin.recv(65536) == message:
                    return True
        except TimeoutError:
            return False
        finally:
            worker.origin.settimeout(PATIENCE)

    def test_who_fetches_segments_alone_keeps_a_rung_and_starts_none(self):
        worker = self.begin(1000)
        one = Station(self, worker, 1)
        one.run('360p')
        rung = one.rungs['360p']
        worker.tell(*rung.open_messages()[1:], rung.segment(0), rung.segment(1))
        path = '/hls/1/360p/1.m4s'
        wait_until('there is a segment', lambda: self.request(path)[0].status == 200)
        # Once a second at most.
        wait_until('its worker hears of it', lambda: self.request(path)[0].status == 200 and
                   self.worker_heard(worker, wire.want_rendition(1, '360p')))
        one.say('360p', 0, 'idle')
        self.worker_heard(worker, None)  # what was on its way
        self.assertEqual(self.request(path)[0].status, 200)
        self.assertFalse(self.worker_heard(worker, wire.want_rendition(1, '360p')))

    def next_session(self, station, number, run):
        worker = station.worker
        worker.tell(wire.session_closed(number - 1, EVENT, station.number, 'disconnect'))
        wait_until('its publisher is away', lambda: self.stream(station.number)['state'] == 'waiting')
        self.worker_heard(worker, None)  # what was on its way
        live = Live(self, worker, station.number, session=number, run=run, first=2)
        for name in SIZES:
            station.rungs[name].live = live
        worker.tell(*live.open_messages())
        self.nothing_asked(worker)
        worker.tell(*(station.told(name, 0) for name in SIZES))

    def test_a_rung_that_was_watched_is_asked_for_again_with_the_next_session(self):
        worker = self.begin(1000, '--rungs-per-worker', '1')  # which is that one's
        one = Station(self, worker, 1)
        one.run('360p')
        asked = time.monotonic()
        time.sleep(2)  # so that what is asked for in his name is told from what he asked for
        self.next_session(one, 2, 'run-b')
        self.assertEqual(worker.origin.recv(65536), wire.want_rendition(2, '360p'), 'nobody has asked for it')
        self.nothing_asked(worker)
        # It was asked for in the name of somebody, who does not come again.
        time.sleep(max(ASKED_S + 0.1 - (time.monotonic() - asked), 0))
        self.next_session(one, 3, 'run-c')
        wait_until('it is heard', lambda: self.stream(1)['state'] == 'live')
        self.assertFalse(self.worker_heard(worker, wire.want_rendition(3, '360p')))

    def test_a_worker_has_its_own_limit(self):
        worker = self.begin(1000, '--rungs-per-worker', '2')
        one, two = Station(self, worker, 1), Station(self, worker, 2)
        one.run('360p')
        two.run('144p')
        one.refused('144p')
        two.refused('480p')
        self.nothing_asked(worker)

    def test_none_at_all(self):
        worker = self.begin(0)
        one = Station(self, worker, 1)
        one.refused('144p')
        one.goes_on()
        self.nothing_asked(worker)

    def test_no_more_while_encoders_cannot_keep_up(self):
        worker = self.begin(1000)
        stations = [Station(self, worker, number) for number in (1, 2, 3)]
        for station in stations[:2]:
            station.run('360p')
        stations[0].say('360p', 2, 'paused')
        stations[0].refused('144p')
        stations[2].run('144p')
        stations[1].say('360p', 2, 'paused')
        stations[2].refused('360p')
        self.assertEqual(self.node()['rungs']['paused'], 2)

    def test_what_is_paused_takes_no_room_when_nobody_watches_it(self):
        worker = self.begin(1000)
        stations = [Station(self, worker, number) for number in (1, 2, 3)]
        for station in stations[:2]:
            station.run('360p')
            station.say('360p', 2, 'paused')
        stations[2].refused('144p')
        wait_until('it may be encoded', lambda: self.status(stations[2].path('144p')) is None and
                   self.worker_heard(worker, wire.want_rendition(3, '144p')))
        self.assertEqual(self.node()['rungs']['paused'], 0)
        # Those are decided on anew when somebody asks again.
        started = self.node()['rungs']['started']
        for station in stations[:2]:
            station.want('360p')
        rungs = self.node()['rungs']
        self.assertEqual((rungs['paused'], rungs['started']), (2, started + 2))
        stations[2].refused('360p')

    def test_how_long_it_takes_to_start_is_no_time_of_the_origins(self):
        worker = self.begin(1000)
        one = Station(self, worker, 1)
        got = []
        viewer = threading.Thread(target=lambda: got.append(self.request(one.path('360p'))), daemon=True)
        viewer.start()
        self.assertEqual(worker.origin.recv(65536), wire.want_rendition(1, '360p'))
        rung = one.rungs['360p']
        worker.tell(one.told('360p', 1), *rung.open_messages()[1:], rung.segment(0))
        viewer.join(PATIENCE)
        self.assertEqual(segments(got[0][1]), ['0.m4s'])
        self.assertIsNone(got[0][0].getheader('Server-Timing'), 'it waited for the rung')
        self.assertIsNotNone(self.request(one.path('360p'))[0].getheader('Server-Timing'))

    def test_one_that_does_not_start_is_told_so(self):
        worker = self.begin(1000)
        one = Station(self, worker, 1)
        answer, body = self.request(one.path('360p'))
        self.assertEqual(answer.status, 503)
        self.assertIn(b'has not begun in time', body)


if __name__ == '__main__':
    tap.run_unittest()
