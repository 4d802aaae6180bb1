# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate serve with publishers: what is recorded while the archive is recovered, who is refused, how many workers there
are."""
import fcntl
import json
import os
import pathlib
import signal

from serve_case import PATIENCE, ServeCase, alive, command_line, run
import tap  # of the folder that serve_case has added
from waiting import wait_until


class SessionsTest(ServeCase):
    @staticmethod
    def parent(pid):
        try:
            return int(pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rsplit(')', 1)[1].split()[1])
        except OSError:
            return 0

    def runs(self, station):
        """The lines of the station's chains, oldest run first."""
        folder = pathlib.Path(self.data, 'lta', '77', 'st', f'{station % 256:02x}', f'{station:06d}')
        chains = sorted(folder.glob('*/run.jl'))
        # The last line may be on its way.
        return [[json.loads(line) for line in chain.read_text().split('\n')[:-1]] for chain in chains]

    def recorded(self, station, run=0):
        """What is on record of the station's run, once there is a segment."""
        def look():
            runs = self.runs(station)
            return len(runs) > run and any(line['t'] == 'frag' for line in runs[run]) and runs
        return wait_until(f'station {station} has a segment in run {run}', look)

    def test_the_node_serves_while_its_archive_is_recovered(self):
        self.start()
        publishers = [self.publish('1'), self.publish('2')]
        for station in (1, 2):
            self.recorded(station)
        pids = [one['pid'] for one in self.node()['processes']]
        pids.sort(key=lambda pid: pid != self.supervisor.pid)  # it first, or it starts the others again
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.supervisor.wait()
        for publisher in publishers:
            publisher.wait(PATIENCE)
        wait_until('they are gone', lambda: not any(alive(pid) for pid in pids))
        # The recovery waits for this lock, as long as the test wants.
        lock = os.open(os.path.join(self.data, 'lta/77/st/01/000001'), os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        node = self.start()
        self.assertEqual(node['recovery']['state'], 'running')
        self.assertIn('the archive is being recovered', run('status', '--data', self.data).stdout)
        (recovery,) = [pid for pid in map(int, filter(str.isdigit, os.listdir('/proc')))
                       if self.parent(pid) == self.supervisor.pid and b'recover' in command_line(pid)]
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, recovery), 19)
        # A station that comes back ends its last run by itself, and goes on behind it.
        self.publish('2')
        first, second = self.recorded(2, 1)
        first = wait_until('the first run is ended', lambda: [line for line in self.runs(2)[0] if line['t'] == 'end'])
        self.assertEqual(first[0]['reason'], 'crash')
        last = [line for line in self.runs(2)[0] if line['t'] == 'frag'][-1]
        self.assertGreater(second[0]['msn'], 0)
        self.assertGreaterEqual(second[0]['msn'], last['msn'] + 1)
        self.assertEqual(self.node()['recovery']['state'], 'running')
        self.assertFalse([line for line in self.runs(1)[0] if line['t'] == 'end'])
        os.close(lock)
        wait_until('the recovery is done', lambda: self.node()['recovery']['state'] == 'done')
        self.assertEqual(self.runs(1)[0][-1]['t'], 'end')
        self.assertEqual(len([line for line in self.runs(2)[0] if line['t'] == 'end']), 1)
        self.stop()

    def test_a_publisher_who_cannot_be_recorded_is_refused(self):
        folder = os.path.join(self.data, 'lta', '77')
        os.makedirs(folder)
        path = os.path.join(folder, 'VOLUME.json')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('not what it should be')
        self.start()
        for worker in self.node()['workers']:
            self.assertFalse(worker['accepting'])
            self.assertIn('archive', worker['reason'])
        refused = self.publish('1')
        _, text = refused.communicate(timeout=PATIENCE)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn('1507 NO-STORAGE', text)
        self.assertNotIn(self.data, text)
        self.assertEqual([stream for stream in self.node()['streams'] if stream['state'] == 'live'], [])
        self.assertIn(path, self.log())
        os.unlink(path)
        wait_until('the workers take sessions again', lambda: all(one['accepting'] for one in self.node()['workers']))
        self.publish('1')
        self.recorded(1)
        self.stop()

    def test_workers_that_fill_get_company(self):
        self.start('--capacity', '1', '--max-workers', '6')
        for station in (1, 2, 3):
            self.publish_all(str(station))
            # Four places are always free, up to the limit.
            workers = min(station + 4, 6)
            wait_until(f'{workers} workers', lambda n=workers: len(self.node()['workers']) == n)
        self.assertEqual(sorted(one['worker'] for one in self.node()['sessions']), [0, 1, 2])
        self.stop()

    def test_a_whole_worker_is_always_free(self):
        self.start('--capacity', '5', '--workers', '1', '--max-workers', '4')
        for sessions, workers in ((1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 3)):
            self.publish_all(str(sessions))
            wait_until(f'{workers} workers', lambda n=workers: len(self.node()['workers']) == n)
        self.stop()

    def test_workers_too_many_end_again(self):
        self.start('--capacity', '1', '--workers', '1', '--max-workers', '7')
        publishers = self.publish_all('1', '2', '3')
        wait_until('7 workers', lambda: len(self.node()['workers']) == 7)
        for one in publishers[1:]:
            one.kill()
        # One has the session, four are free.
        wait_until('5 workers', lambda: len(self.node()['workers']) == 5)
        self.assertEqual([one['station'] for one in self.node()['sessions']], [1])
        self.publish_all('4')
        self.stop()


if __name__ == '__main__':
    tap.run_unittest()
