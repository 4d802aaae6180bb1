# SPDX-License-Identifier: LGPL-2.1-or-later
"""The live end of a stream from one run to the next: publishers, workers and origins that go and come back."""
import http.client
import json
import os
import re
import signal

from live_case import BYTES, MEDIA, PART, PARTS, STATION, TARGET_S, LiveCase, Parts, Waiting, without_reports
from origin_case import EVENT, INIT, SEGMENT, wait_until
import tap  # of the folder that origin_case has added
import wire


class LiveRunsTest(LiveCase):
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


if __name__ == '__main__':
    tap.run_unittest()
