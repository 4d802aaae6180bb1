# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate streams, sessions, kick, release, drain, events, logs against a node that is whatever the test wants."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import tap  # noqa: E402
from waiting import PATIENCE_S, SLOWNESS, wait_until  # noqa: E402
from fake_node import FakeNode, event, stream  # noqa: E402

HEADGATE = sys.argv[1]
PATIENCE = PATIENCE_S * SLOWNESS
LINES = """\
2026-09-14T06:00:00.000Z headgate-gate[11] info: admitted event=77 station=7 session=1001 worker=3 agent="FMLE/3.0 station=8"
2026-09-14T06:00:01.000Z headgate-worker[12] warning: over its rate: 9 of 8 kbit/s station=7 session=1001 worker=3
2026-09-14T06:00:02.000Z headgate-worker[13] info: session opened station=8 session=1002 worker=4
(some library says something)
2026-09-14T06:00:03.000Z headgate[10] error: worker 3 ends again and again
"""


class Operating(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='hg-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def fake(self, *streams):
        node = FakeNode(self.folder, streams)
        self.addCleanup(lambda: node.stop() if os.path.exists(node.socket) else None)
        return node

    def run_headgate(self, *arguments, code=0, **environment):
        where = [] if '--file' in arguments or arguments[0] == 'logs' else ['--runtime-dir', self.folder]
        done = subprocess.run([HEADGATE, arguments[0], *where, *arguments[1:]], capture_output=True, text=True, timeout=PATIENCE,
                              check=False, stdin=subprocess.DEVNULL, env=dict(os.environ, **environment))
        self.assertEqual(done.returncode, code, f'{arguments}: {done.stdout}{done.stderr}')
        return done

    def stations(self, *arguments, **how):
        """Of the table's first column, in its order."""
        lines = self.run_headgate(*arguments, **how).stdout.splitlines()
        return [int(line.split()[0]) for line in lines[1:]]

    def three(self):
        return self.fake(stream(1), stream(2, state='waiting', kbps=None, health={'stalled': False}),
                         stream(3, kbps=5000, gaps=4, health={'late': True, 'streams': [{'kind': 'video', 'lateness': 4_500_000_000}]}))

    # --- streams and sessions ---

    def test_streams_are_listed_sorted_and_chosen(self):
        self.three()
        self.assertEqual(self.stations('streams'), [1, 2, 3])
        self.assertEqual(self.stations('streams', '--sort', 'kbps'), [3, 1, 2])
        self.assertEqual(self.stations('streams', '--sort', 'late'), [3, 1, 2])
        self.assertEqual(self.stations('streams', '--sort', 'gaps'), [3, 1, 2])
        self.assertEqual(self.stations('streams', '--alarms'), [2, 3])
        self.assertEqual(self.stations('streams', '--state', 'waiting'), [2])
        self.assertEqual(self.stations('streams', '3', '1'), [1, 3])
        late = self.run_headgate('streams', '3').stdout.splitlines()[1]
        self.assertRegex(late, r'^ +3  live +1m0\ds +5000  25\.00  1280x720 +4\.5 +4 +1 +0:01:00  late +192\.0\.2\.3:10003$')

    def test_json_is_what_the_node_said(self):
        node = self.three()
        told = json.loads(self.run_headgate('streams', '--alarms', '--json').stdout)
        self.assertEqual(told, {'streams': node.streams[1:]})
        told = json.loads(self.run_headgate('sessions', '3', '--json').stdout)
        self.assertEqual([one['session'] for one in told['sessions']], [str(10**17 + 3)])

    def test_sessions_are_listed(self):
        self.three()
        lines = self.run_headgate('sessions').stdout.splitlines()
        self.assertEqual(lines[0].split(), ['SESSION', 'STATION', 'WORKER', 'SINCE', 'KBIT/S', 'RECEIVED', 'PROTOCOL', 'PEER', 'CLIENT'])
        self.assertEqual([line.split()[1] for line in lines[1:]], ['1', '3'])
        self.assertIn('12.0 MB', lines[1])
        self.assertEqual(len(self.run_headgate('sessions', '--worker', '5').stdout.splitlines()), 1)

    def test_a_strangers_text_moves_no_cursor(self):
        self.fake(stream(1, peer='\x1b[2J\x07evil\u202e'))
        shown = self.run_headgate('streams').stdout
        self.assertIn('evil', shown)
        self.assertNotRegex(shown, '[\x00-\x09\x0b-\x1f\x7f\u202e]')

    def test_wrong_usage_is_told(self):
        for arguments, reason in ((('streams', 'room'), "'room' is not a station's number"), (('streams', '--sort', 'x'), '--sort takes'),
                                  (('streams', '--state', 'x'), '--state takes'), (('sessions', '--worker', 'x'), '--worker'),
                                  (('kick',), 'give --station N or --session ID'), (('kick', '--station', '1', '--session', '2'), 'give'),
                                  (('kick', '--station', '1', '--reason', ''), '--reason'),
                                  (('kick', '--station', '1', '--reason', 'ä' * 61), '--reason'), (('kick', '--station', '1', '--reason', 'a\nb'), '--reason'),
                                  (('kick', '--station', '1', '--reason', b'\xff'), '--reason'), (('kick', '--session', '1x'), "'1x' is not"),
                                  (('kick', '--session', str(2**64)), 'is not a session'), (('logs', '--session', '-1'), 'is not a session'), (('release',), 'give --station N'),
                                  (('release', '--station', '1', '--reason', ''), '--reason'), (('drain', '--reason', 'a\nb'), '--reason'),
                                  (('release', '7'), "unexpected argument '7'"), (('drain', '--off', '--wait'), '--off'),
                                  (('drain', '--timeout', '3'), 'needs --wait'), (('drain', '--reconnect'), '--reconnect needs --worker'),
                                  (('drain', '--reconnect-to', 'rtmp://'), '--reconnect-to takes'), (('drain', '--reconnect-to', 'http://b/live'), '--reconnect-to takes'),
                                  (('drain', '--reconnect-to', 'rtmp://b/li ve'), '--reconnect-to takes'),
                                  (('drain', '--reconnect-to', 'rtmp://b/live', '--off'), 'the whole node'),
                                  (('drain', '--reconnect-to', 'rtmp://b/live', '--worker', '1'), 'the whole node'), (('events', '--severity', 'bad'), '--severity takes'),
                                  (('logs', '--level', 'loud'), '--level takes'), (('logs', '--since', 'then'), 'is not a time'),
                                  (('top', 'x'), 'unexpected')):
            self.assertIn(reason, self.run_headgate(*arguments, code=2).stderr)
        for command in ('status', 'streams', 'sessions', 'kick', 'release', 'drain', 'events', 'logs', 'top'):
            told = self.run_headgate(command, '--help').stdout
            self.assertIn(f'headgate {command} [OPTION', told)
            if command != 'status':
                self.assertIn('Examples:', told)

    def test_a_node_that_is_not_there_is_told_with_what_to_do(self):
        for command in (('streams',), ('sessions',), ('kick', '--station', '1'), ('release', '--station', '1'), ('drain',), ('events',),
                        ('top',), ('top', '--json')):
            told = self.run_headgate(*command, code=1).stderr
            self.assertIn(f'no node answers at {self.folder}/admin.sock', told)
            self.assertIn('--data is the folder', told)

    def test_who_may_not_ask_is_told_who_may(self):
        node = self.three()
        os.chmod(node.socket, 0)
        if os.access(node.socket, os.W_OK):
            raise unittest.SkipTest('root may do everything')
        self.assertIn("own user may ask it: sudo -u", self.run_headgate('streams', code=1).stderr)

    def test_an_older_node_is_told_apart(self):
        node = self.three()
        for answer in ((404, b'nothing here'), (404, {'error': 'there is no such page'})):
            node.answers = {('POST', '/api/v1/drain'): answer, ('GET', '/api/v1/events'): answer}
            self.assertIn('older than this command', self.run_headgate('drain', code=1).stderr)
            self.assertIn('older than this command', self.run_headgate('events', code=1).stderr)

    def test_a_station_that_was_never_there(self):
        self.three()
        self.assertIn('never seen station 9', self.run_headgate('streams', '9', code=1).stderr)

    # --- orders ---

    def test_kick_says_who_and_why(self):
        node = self.three()
        self.assertEqual(self.run_headgate('kick', '--station', '3', '--reason', 'wrong "room"').stdout, 'session 1001 is ended\n')
        self.run_headgate('kick', '--session', str(10**17 + 1))
        self.run_headgate('kick', '--session', str(2**64 - 1), '--reason', 'ä' * 60)
        self.assertEqual(self.run_headgate('kick', '--station', '1').stdout, 'session 1001 was told to end\n')
        self.assertEqual(node.orders, [('POST', '/api/v1/streams/3/kick', {'reason': 'wrong "room"'}),
                                       ('POST', f'/api/v1/sessions/{10**17 + 1}/kick', {}),
                                       ('POST', f'/api/v1/sessions/{2**64 - 1}/kick', {'reason': 'ä' * 60}),
                                       ('POST', '/api/v1/streams/1/kick', {})])
        node.answers[('POST', '/api/v1/streams/3/kick')] = (404, {'error': 'station 3 has no session', 'do': 'see /api/v1/sessions'})
        told = self.run_headgate('kick', '--station', '3', code=1).stderr
        self.assertIn('station 3 has no session: see /api/v1/sessions', told)

    def test_a_station_is_released(self):
        node = self.three()
        self.assertEqual(self.run_headgate('release', '--station', '3').stdout, 'station 3 is released\n')
        self.assertEqual(json.loads(self.run_headgate('release', '--station', '3', '--json').stdout), {'station': 3, 'released': True})
        self.run_headgate('release', '--station', '3', '--reason', 'new encoder')
        self.assertEqual(node.orders, 2 * [('POST', '/api/v1/streams/3/release', {})] +
                         [('POST', '/api/v1/streams/3/release', {'reason': 'new encoder'})])
        node.answers[('POST', '/api/v1/streams/3/release')] = (404, {'error': 'the station is not in quarantine', 'do': 'look'})
        self.assertIn('the station is not in quarantine: look', self.run_headgate('release', '--station', '3', code=1).stderr)

    def test_drain_waits_for_the_last_session(self):
        node = self.three()
        drain = subprocess.Popen([HEADGATE, 'drain', '--runtime-dir', self.folder, '--wait'], stdout=subprocess.PIPE, text=True)
        self.addCleanup(drain.stdout.close)
        self.assertEqual(drain.stdout.readline(), 'the node takes no new publishers\n')
        self.assertEqual(drain.stdout.readline(), '2 sessions left\n')
        node.streams[0]['state'] = 'ended'
        self.assertEqual(drain.stdout.readline(), '1 session left\n')
        node.streams[2]['state'] = 'ended'
        self.assertEqual(drain.stdout.readline(), '0 sessions left\n')
        self.assertEqual(drain.wait(PATIENCE), 0)
        self.run_headgate('drain', '--off')
        self.run_headgate('drain', '--worker', '0', code=1)
        self.assertEqual([one[:2] for one in node.orders], [('POST', '/api/v1/drain'), ('DELETE', '/api/v1/drain'),
                                                            ('POST', '/api/v1/workers/0/drain')])

    def test_drain_waits_through_a_nodes_silence(self):
        node = self.three()
        drain = subprocess.Popen([HEADGATE, 'drain', '--runtime-dir', self.folder, '--wait'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True)
        self.addCleanup(drain.stderr.close)
        self.addCleanup(drain.stdout.close)
        self.addCleanup(lambda: (drain.kill(), drain.wait()))
        self.assertEqual([drain.stdout.readline() for _ in range(2)], ['the node takes no new publishers\n', '2 sessions left\n'])
        node.answers[('GET', '/api/v1/node')] = (503, {'error': 'the origin does not answer', 'do': 'wait'})
        self.assertIn('the origin does not answer: wait; it is asked again', drain.stderr.readline())
        asked = node.gets
        wait_until('it asks again', lambda: node.gets > asked + 1)
        node.streams[0]['state'] = node.streams[2]['state'] = 'ended'
        del node.answers[('GET', '/api/v1/node')]
        self.assertEqual(drain.stdout.readline(), '0 sessions left\n')
        self.assertEqual((drain.wait(PATIENCE), drain.stderr.read()), (0, ''), 'said once')
        node.answers[('GET', '/api/v1/node')] = (503, {'error': 'the origin does not answer', 'do': 'wait'})
        self.assertIn('does not answer: wait\n', self.run_headgate('drain', '--wait', '--timeout', '1', code=1).stderr)

    def test_drain_waits_for_whoever_cannot_tell(self):
        """A worker of another version has sessions that nobody lists; a node without its supervisor knows of none."""
        node = self.three()
        node.streams[0]['state'] = node.streams[2]['state'] = 'ended'
        node.processes.append(('worker', 17))
        self.assertIn('0 sessions, and those of 1 worker that cannot tell, are still there',
                      self.run_headgate('drain', '--wait', '--timeout', '1', code=1).stderr)
        node.processes.pop()
        self.assertIn('0 sessions left', self.run_headgate('drain', '--wait').stdout)
        node.processes.clear()
        self.assertIn('has no supervisor', self.run_headgate('drain', '--wait', '--timeout', '1', code=1).stderr)

    def test_status_of_a_drained_node_says_so(self):
        node = self.three()
        self.assertNotIn('DRAINING', self.run_headgate('status').stdout)
        self.run_headgate('drain')
        told = self.run_headgate('status').stdout
        self.assertIn(f'DRAINING since {node.draining["since_utc"]}', told)
        self.assertNotIn('accepting', told)

    def test_drain_says_where_to_go(self):
        node = self.three()
        self.run_headgate('drain', '--reconnect-to', 'rtmps://b.example:1936/live')
        self.assertEqual(node.orders, [('POST', '/api/v1/drain', {'reconnect_to': 'rtmps://b.example:1936/live'})])

    def test_a_worker_is_drained_and_only_if_wanted_asked_to_reconnect(self):
        node = self.three()
        path = '/api/v1/workers/3/drain'
        node.answers[('POST', path)] = (200, {'worker': 3, 'draining': True})
        self.assertEqual(self.run_headgate('drain', '--worker', '3').stdout, 'the worker takes no new publishers\n')
        self.run_headgate('drain', '--worker', '3', '--reconnect')
        self.assertEqual(node.orders, [('POST', path, {}), ('POST', path, {'reconnect': True})])
        self.assertIn('no such worker', self.run_headgate('drain', '--worker', '3', '--wait', code=1).stderr)
        self.assertEqual(len(node.orders), 2, 'nothing is drained that cannot be waited for')

    def test_drain_gives_up_when_it_is_told_to(self):
        self.three()
        self.assertIn('2 sessions are still there', self.run_headgate('drain', '--wait', '--timeout', '1', code=1).stderr)

    # --- events ---

    def test_events_are_chosen(self):
        node = self.fake()
        node.events = [event(number, 'session.opened', station=number % 7) for number in range(1, 1201)]
        node.events += [event(1201, 'worker.died', 'error', 'killed by signal 9', worker=3, after_s=27.815999999999999, sessions=['1'], why=None), event(1202, 'workers.odd')]
        self.assertEqual(len(self.run_headgate('events').stdout.splitlines()), 1202)
        (died,) = self.run_headgate('events', '--kind', 'worker').stdout.splitlines()
        self.assertRegex(died, r'^\d{4}-\S+Z  error    worker\.died +killed by signal 9 worker=3 after_s=27\.816 sessions=\["1"\] why=$')
        self.assertEqual(self.run_headgate('events', '--severity', 'warning').stdout.splitlines(), [died])
        self.assertEqual(json.loads(self.run_headgate('events', '--after', '1200', '--kind', 'worker', '--json').stdout), node.events[1200])
        self.assertEqual(len(self.run_headgate('events', '--station', '3', '--last', '5').stdout.splitlines()), 5)

    def test_events_are_followed_through_a_restart(self):
        node = self.fake()
        node.events = [event(1, 'node.started')]
        follow = subprocess.Popen([HEADGATE, 'events', '--runtime-dir', self.folder, '--follow', '--json'], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(follow.stdout.close)
        self.addCleanup(lambda: (follow.kill(), follow.wait()))
        # The fake node ends each stream when it has told what there is: every event comes by a connection of its own.
        for number in range(1, 4):
            self.assertEqual(json.loads(follow.stdout.readline())['id'], number)
            if number == 2:
                node.stop()
                node.start()
            node.events.append(event(number + 1, 'node.something'))

    # --- logs ---

    def log_file(self):
        path = Path(self.folder, 'node.log')
        path.write_text(LINES, encoding='utf-8')
        return str(path)

    def logged(self, *arguments):
        return self.run_headgate('logs', '--file', self.log_file(), *arguments).stdout.splitlines()

    def test_logs_are_chosen_from_a_file(self):
        lines = [line for line in LINES.splitlines() if line.startswith('2026')]
        self.assertEqual(self.logged(), lines)
        self.assertEqual(self.logged('--station', '7'), lines[:2])
        # What a publisher calls himself is no field.
        self.assertEqual(self.logged('--station', '8'), lines[2:3])
        self.assertEqual(self.logged('--session', '1002'), lines[2:3])
        self.assertEqual(self.logged('--worker', '3'), lines[:2])
        self.assertEqual(self.logged('--level', 'warning'), [lines[1], lines[3]])
        self.assertEqual(self.logged('--since', '2026-09-14T06:00:02Z'), lines[2:])
        self.assertEqual(self.logged('--last', '1'), lines[3:])
        first = json.loads(self.logged('--json')[0])
        self.assertEqual(first['fields'], {'event': '77', 'station': '7', 'session': '1001', 'worker': '3', 'agent': 'FMLE/3.0 station=8'})
        self.assertEqual((first['program'], first['pid'], first['level'], first['message']), ('headgate-gate', 11, 'info', 'admitted'))

    def test_logs_of_a_node_are_where_it_writes_them(self):
        node = self.fake()

        def logs_to(stderr):
            program = subprocess.Popen(['sleep', '1000'], stderr=stderr)
            self.addCleanup(lambda: (program.kill(), program.wait()))
            node.processes[0] = ('supervisor', program.pid)
        path = self.log_file()
        with open(path, encoding='utf-8') as log:
            logs_to(log)
        where = ('--runtime-dir', self.folder)
        last = LINES.splitlines()[-1]
        self.assertEqual(self.run_headgate('logs', *where, '--last', '1').stdout, last + '\n')
        os.rename(path, path + '.1')
        self.assertEqual(self.run_headgate('logs', *where, '--last', '1').stdout, last + '\n')
        os.remove(path + '.1')
        self.assertEqual(self.run_headgate('logs', *where, '--last', '1').stdout, last + '\n', 'as long as it writes there')
        self.assertIn('are places each', self.run_headgate('logs', *where, '--file', path, code=2).stderr)
        logs_to(subprocess.DEVNULL)
        self.assertIn('the node logs to /dev/null: start it with 2>', self.run_headgate('logs', *where, code=1).stderr)
        node.stop()
        self.assertIn('--file FILE', self.run_headgate('logs', *where, code=1).stderr)

    def test_a_log_file_is_followed_through_its_rotation(self):
        path = self.log_file()
        follow = subprocess.Popen([HEADGATE, 'logs', '--file', path, '--follow', '--last', '1'], stdout=subprocess.PIPE, text=True)
        self.addCleanup(follow.stdout.close)
        self.addCleanup(lambda: (follow.kill(), follow.wait()))
        line = LINES.splitlines()[-1]
        self.assertEqual(follow.stdout.readline(), line + '\n')
        with open(path, 'a', encoding='utf-8') as log:
            log.write(line.replace('ends', 'ended')[:40])
            log.flush()
            log.write(line.replace('ends', 'ended')[40:] + '\n')
        self.assertEqual(follow.stdout.readline(), line.replace('ends', 'ended') + '\n')
        os.rename(path, path + '.1')
        Path(path).write_text(line.replace('3', '4') + '\n', encoding='utf-8')
        self.assertEqual(follow.stdout.readline(), line.replace('3', '4') + '\n')

    def test_logs_without_a_journal_say_what_to_do(self):
        told = self.run_headgate('logs', '--directory', self.folder, code=1)
        self.assertEqual(told.stdout, '')
        self.assertIn(f'{self.folder} holds no journal; a node that was started by hand logs to its standard error: --file FILE', told.stderr)
        self.assertIn('/nowhere', self.run_headgate('logs', '--file', '/nowhere', code=1).stderr)
        journals = [path for folder in ('/run/log/journal', '/var/log/journal') for path in Path(folder).glob('**/*.journal*')]
        if journals:
            raise unittest.SkipTest(f'there is one: {journals[0]}')
        self.assertIn('this machine keeps no journal', self.run_headgate('logs', code=1).stderr)


if __name__ == '__main__':
    tap.run_unittest()
