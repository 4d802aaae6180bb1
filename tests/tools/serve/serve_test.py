# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate serve and headgate status, with the node's real programs and no publisher: what is started, what is
started again, what is taken over, what is refused, and that nothing is left."""
import fcntl
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import tap  # noqa: E402
from waiting import wait_until  # noqa: E402

HEADGATE = sys.argv[1]
PATIENCE = 60
ROLES = {'supervisor', 'gate', 'worker', 'origin', 'control'}


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def run(*arguments, **environment):
    return subprocess.run([HEADGATE, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env=dict(os.environ, **environment))


class ServeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='hg-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(self.folder, 'data')
        self.keys = os.path.join(self.folder, 'keys')
        self.log_path = os.path.join(self.folder, 'log')
        made = run('ticket', 'keygen', '--event', '77', '--out', self.keys)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.supervisor = None
        self.seen = set()  # every pid that was ever told
        self.addCleanup(self.clean_up)

    def clean_up(self):
        if self.supervisor and self.supervisor.poll() is None:
            self.supervisor.terminate()
            try:
                self.supervisor.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.supervisor.kill()
                self.supervisor.wait()
        for pid in self.seen:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    def log(self):
        with open(self.log_path, encoding='utf-8') as log:
            return log.read()

    def start(self, *arguments, ready=True, **environment):
        with open(self.log_path, 'ab') as log:
            self.supervisor = subprocess.Popen(
                [HEADGATE, 'serve', '--data', self.data, '--keys', self.keys, '--http', '127.0.0.1:0', '--rtmp',
                 '127.0.0.1:0', '--workers', '2', *arguments], stdout=subprocess.PIPE, stderr=log, text=True,
                env=dict(os.environ, **environment))
        self.addCleanup(self.supervisor.stdout.close)
        if not ready:
            return None
        line = self.supervisor.stdout.readline()
        self.assertRegex(line, r'^ready rtmp=127\.0\.0\.1:\d+ http=127\.0\.0\.1:\d+( srt=127\.0\.0\.1:[\d,]+)?\n$', self.log())
        self.listen = dict(word.split('=') for word in line.split()[1:])
        return self.node()

    def node(self):
        """NODE, when all roles are in it."""
        def ask():
            done = run('status', '--data', self.data, '--json')
            node = json.loads(done.stdout) if done.returncode == 0 else None
            return node if node and {one['role'] for one in node['processes']} >= ROLES else None
        node = wait_until('the node tells of all its processes', ask)
        self.seen |= {one['pid'] for one in node['processes']}
        return node

    def pids(self, role):
        return sorted(one['pid'] for one in self.node()['processes'] if one['role'] == role)

    @staticmethod
    def command_line(pid):
        try:
            return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
        except OSError:
            return b''

    @staticmethod
    def parent(pid):
        try:
            return int(pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rsplit(')', 1)[1].split()[1])
        except OSError:
            return 0

    def healthy(self):
        host, port = self.listen['http'].rsplit(':', 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        try:
            connection.request('GET', '/healthz')
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self):
        self.node()
        began = time.monotonic()
        self.supervisor.terminate()
        self.assertEqual(self.supervisor.wait(PATIENCE), 0, self.log())
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual([pid for pid in self.seen if alive(pid)], [])
        left = sorted(os.listdir(os.path.join(self.data, 'run')))
        self.assertEqual([name for name in left if name.endswith('.sock')], [], left)

    def test_srt_ports_outlive_the_gate_and_the_supervisor(self):
        def bound():
            wanted = {int(port) for port in self.listen['srt'].rsplit(':', 1)[1].split(',')}
            with open('/proc/net/udp', encoding='utf-8') as table:
                return wanted, {int(line.split()[1].rsplit(':', 1)[1], 16) for line in list(table)[1:]} & wanted

        node = self.start('--srt', '127.0.0.1:0,0', '--srt-latency', '200')
        self.assertEqual(node['listen'], self.listen)
        wanted, there = bound()
        self.assertEqual((len(wanted), there), (2, wanted))
        [gate] = self.pids('gate')
        self.assertIn(b'--srt-latency\x00200\x00', self.command_line(gate))
        os.kill(gate, signal.SIGKILL)
        wait_until('another gate runs', lambda: self.pids('gate') not in ([], [gate]))
        self.assertEqual(bound()[1], wanted)
        self.supervisor.kill()
        self.supervisor.wait()
        listen = self.listen
        self.start('--srt', '127.0.0.1:0,0')
        self.assertEqual(self.listen, listen)
        self.stop()

    def test_what_stands_before_a_port_is_checked(self):
        for arguments, text in ((['--rtmps', '127.0.0.1:0'], '--tls-cert'),
                                (['--rtmps', '127.0.0.1:0', '--tls-cert', '/nowhere', '--tls-key', '/nowhere'], '/nowhere'),
                                (['--addresses', '/nowhere'], '/nowhere'),
                                (['--rtmp-proxies', 'all of them'], 'all of them')):
            with self.subTest(arguments=arguments):
                self.start(*arguments, ready=False)
                self.assertNotEqual(self.supervisor.wait(PATIENCE), 0)
                self.assertIn(text, self.log())

    def test_srt_ports_that_are_none(self):
        self.start('--srt', '127.0.0.1:0,nonsense', ready=False)
        self.assertNotEqual(self.supervisor.wait(PATIENCE), 0)
        self.assertIn('--srt', self.log())
        self.start('--srt', '127.0.0.1:' + ','.join('0' * 9), ready=False)
        self.assertNotEqual(self.supervisor.wait(PATIENCE), 0)
        self.assertIn('at most 8 ports', self.log())

    def test_it_starts_serves_tells_and_stops(self):
        node = self.start()
        self.assertEqual(node['data'], self.data)
        self.assertEqual(node['listen'], self.listen)
        self.assertEqual(len(self.pids('worker')), 2)
        self.assertTrue(all(one['restarts'] == 0 for one in node['processes']))
        wait_until('both workers accept', lambda: [one['accepting'] for one in self.node()['workers']] == [True, True])
        self.assertTrue(self.healthy())
        host, port = self.listen['rtmp'].rsplit(':', 1)
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        table = run('status', '--data', self.data)
        self.assertEqual(table.returncode, 0)
        self.assertIn('accepting', table.stdout)
        by_folder = run('status', '--runtime-dir', os.path.join(self.data, 'run'), '--json')
        self.assertEqual(json.loads(by_folder.stdout)['listen'], self.listen)
        # What is for the node's own user is not for viewers.
        viewer = http.client.HTTPConnection(self.listen['http'], timeout=PATIENCE)
        viewer.request('GET', '/api/v1/node')
        self.assertEqual(viewer.getresponse().status, 404)
        viewer.close()
        self.stop()
        self.assertEqual(run('status', '--data', self.data).returncode, 1)

    def test_children_have_no_way_to_more_rights(self):
        self.start()
        for role in ('gate', 'worker', 'origin'):
            for pid in self.pids(role):
                status = pathlib.Path(f'/proc/{pid}/status').read_text(encoding='utf-8')
                self.assertIn('NoNewPrivs:\t1\n', status, role)
        self.stop()

    def test_an_issuers_secret_on_a_node_is_told(self):
        warning = "an issuer's secret key lies"
        self.keys = os.path.join(self.keys, 'node')
        self.assertIs(self.start()['issuer_secret'], False)
        self.assertNotIn(warning, self.log())
        self.stop()
        self.keys = os.path.dirname(self.keys)
        self.assertIs(self.start()['issuer_secret'], True)
        self.assertIn(warning, self.log())
        self.assertIn(warning, run('status', '--data', self.data).stdout)
        self.stop()

    def test_every_child_that_is_killed_comes_back(self):
        self.start()
        for role in ('origin', 'gate', 'worker'):
            with self.subTest(role=role):
                before = self.pids(role)
                os.kill(before[0], signal.SIGKILL)
                wait_until(f'another {role}', lambda: len(self.pids(role)) == len(before)
                           and before[0] not in self.pids(role), 10)
                wait_until('it serves', self.healthy)
        counts = {one['role']: one['restarts'] for one in self.node()['processes'] if one['restarts']}
        self.assertEqual(counts, {'origin': 1, 'gate': 1, 'worker': 1})
        # The ports are the same: the sockets were never closed.
        self.assertEqual(self.node()['listen'], self.listen)
        self.stop()

    def test_a_killed_supervisors_children_are_taken_over(self):
        self.start()
        listen = self.listen
        children = {role: self.pids(role) for role in ('gate', 'worker', 'origin')}
        self.supervisor.kill()
        self.supervisor.wait()
        self.assertTrue(self.healthy())
        wait_until('the list is without it', lambda: 'supervisor' not in {
            one['role'] for one in json.loads(run('status', '--data', self.data, '--json').stdout)['processes']})
        self.start()  # asks for any port, and gets the ones that its children have kept
        self.assertEqual(self.listen, listen)
        self.assertEqual({role: self.pids(role) for role in children}, children)
        # It is their supervisor now: what dies comes back.
        os.kill(children['gate'][0], signal.SIGKILL)
        wait_until('another gate', lambda: self.pids('gate') not in ([], children['gate']))
        self.assertEqual(self.node()['listen'], listen)
        self.stop()

    def test_what_died_with_the_supervisor_is_started(self):
        self.start()
        gate, workers = self.pids('gate'), self.pids('worker')
        for pid in [self.supervisor.pid, gate[0], workers[0]]:
            os.kill(pid, signal.SIGKILL)
        self.supervisor.wait()
        self.start()
        self.assertNotEqual(self.pids('gate'), gate)
        self.assertEqual(len(self.pids('worker')), 2)
        self.assertIn(workers[1], self.pids('worker'))
        self.stop()

    def test_control_settings_gone_wrong_do_not_end_what_is_taken_over(self):
        tokens = pathlib.Path(self.folder, 'tokens')
        tokens.write_text('watcher read ' + '0' * 64 + '\n', encoding='utf-8')
        arguments = ('--control', '127.0.0.1:0', '--control-tokens', str(tokens))
        self.start(*arguments)
        children = {role: self.pids(role) for role in ('gate', 'worker', 'origin')}
        (control,) = self.pids('control')
        for pid in (self.supervisor.pid, control):
            os.kill(pid, signal.SIGKILL)
        self.supervisor.wait()
        tokens.write_text('no line of tokens\n', encoding='utf-8')
        with open(self.log_path, 'ab') as log:
            self.supervisor = subprocess.Popen(
                [HEADGATE, 'serve', '--data', self.data, '--keys', self.keys, '--http', '127.0.0.1:0', '--rtmp', '127.0.0.1:0',
                 '--workers', '2', *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(self.supervisor.stdout.close)
        self.assertRegex(self.supervisor.stdout.readline(), '^ready rtmp=', self.log())
        self.assertIn("control's settings were refused (the reason is above); the node goes on without it", self.log())
        tokens.write_text('watcher read ' + '0' * 64 + '\n', encoding='utf-8')
        self.assertEqual({role: self.pids(role) for role in children}, children)  # asks control, which runs again
        self.stop()
        # A node that begins with them does not.
        tokens.write_text('no line of tokens\n', encoding='utf-8')
        self.start(*arguments, ready=False)
        self.assertEqual(self.supervisor.wait(PATIENCE), 1, self.log())

    def test_there_is_only_one_supervisor(self):
        self.start()
        children = {role: self.pids(role) for role in ROLES}
        second = run('serve', '--data', self.data, '--keys', self.keys)
        self.assertEqual(second.returncode, 1)
        self.assertIn('another `headgate serve` runs', second.stderr)
        self.assertEqual({role: self.pids(role) for role in ROLES}, children)
        self.stop()

    def test_a_child_that_dies_again_and_again_is_paused(self):
        self.start()
        for _ in range(4):
            (pid,) = self.pids('origin')
            os.kill(pid, signal.SIGKILL)
            wait_until('another origin', lambda old=pid: self.pids('origin') not in ([], [old]))
        (pid,) = self.pids('origin')
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        wait_until('it is paused', lambda: 'next start in 1 s' in self.log())
        wait_until('it comes back', self.healthy)
        self.assertGreater(time.monotonic() - began, 0.8)
        self.stop()

    def test_a_worker_that_hangs_in_its_end_is_killed(self):
        self.start()
        os.kill(self.pids('worker')[0], signal.SIGSTOP)
        self.stop()

    def publish(self, station):
        issued = run('ticket', 'issue', '--keys', self.keys, '--station', station, '--format', 'json', '--endpoint',
                     f'rtmp://{self.listen["rtmp"]}/lt')
        url = next(one['url'] for one in json.loads(issued.stdout)['publish'] if 'client' not in one)
        publisher = subprocess.Popen(
            ['ffmpeg', '-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5', '-g', '5',
             '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-f', 'flv', url], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(publisher.stderr.close)
        self.addCleanup(publisher.wait)
        self.addCleanup(publisher.kill)
        return publisher

    def publish_all(self, *stations):
        """Publishes these as well, one after the other, until the node has them. A gate that has not heard of a new
        worker yet says so, and who publishes for real tries again."""
        publishers = []
        for station in stations:
            expected = len(self.node()['sessions']) + 1
            publishers.append(self.publish(station))

            def has_it():
                if publishers[-1].poll() is not None:
                    publishers[-1] = self.publish(station)
                return len(self.node()['sessions']) == expected
            wait_until(f'a session of station {station}', has_it)
        return publishers

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
                       if self.parent(pid) == self.supervisor.pid and b'recover' in self.command_line(pid)]
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
        self.start('--capacity', '1', '--max-workers', '3')
        for station in (1, 2, 3):
            self.publish_all(str(station))
            # One place is always free, up to the limit.
            workers = max(2, min(station + 1, 3))
            wait_until(f'{workers} workers', lambda n=workers: len(self.node()['workers']) == n)
        self.assertEqual(sorted(one['worker'] for one in self.node()['sessions']), [0, 1, 2])
        self.stop()

    def test_a_whole_worker_is_always_free(self):
        self.start('--capacity', '2', '--workers', '1', '--max-workers', '4')
        for sessions, workers in ((1, 2), (2, 2), (3, 3)):
            self.publish_all(str(sessions))
            wait_until(f'{workers} workers', lambda n=workers: len(self.node()['workers']) == n)
        self.stop()

    def test_workers_too_many_end_again(self):
        self.start('--capacity', '1', '--workers', '1', '--max-workers', '4')
        publishers = self.publish_all('1', '2', '3')
        wait_until('4 workers', lambda: len(self.node()['workers']) == 4)
        for one in publishers[1:]:
            one.kill()
        # One has the session, one is free.
        wait_until('2 workers', lambda: len(self.node()['workers']) == 2)
        self.assertEqual([one['station'] for one in self.node()['sessions']], [1])
        self.publish_all('4')
        self.stop()

    def pipelines(self, **more):
        """A folder of its own with one description, which has these keys too."""
        folder = os.path.join(self.folder, 'pipelines')
        os.makedirs(folder, exist_ok=True)
        self.write_json(os.path.join(folder, 'station.json'), {
            'name': 'station', 'parameters': {'tick': {'type': 'duration', 'default': '200ms'}},
            'elements': 'ticketsrc name=source tick-ms=${tick:ms} ! fakesink', **more})
        return folder

    @staticmethod
    def write_json(path, content):
        with open(path + '.new', 'w', encoding='utf-8') as file:
            json.dump(content, file)
        os.rename(path + '.new', path)

    def test_a_description_says_how_many_sessions_a_worker_runs(self):
        node = self.start('--pipelines', self.pipelines(resources={'streams-per-worker': 3}))
        self.assertEqual({one['capacity'] for one in node['workers']}, {3})
        self.stop()

    def test_descriptions_change_while_the_node_runs(self):
        folder = self.pipelines()
        node = self.start('--pipelines', folder)
        self.assertEqual(node['pipelines'], {'folder': folder, 'state': 'good'})
        self.publish_all('1')
        # A wrong one is refused whole, and told; who is started anew reads what was right.
        self.pipelines(colour=1)
        wait_until('the fault is told', lambda: self.node()['pipelines']['state'] == 'refused')
        reason = self.node()['pipelines']['reason']
        self.assertTrue(reason.startswith(f'{folder}/station.json:1:'), reason)
        self.assertIn('/colour: is not a key', reason)
        self.assertIn(reason, self.log())
        idle = [one['pid'] for one in self.node()['processes'] if one['role'] == 'worker'][1]
        os.kill(idle, signal.SIGKILL)
        wait_until('another worker', lambda: len(set(self.pids('worker')) - {idle}) == 2 and len(self.node()['workers']) == 2)
        # A right one is for sessions to come: the first is not archived, the second is.
        shutil.copy(os.path.join(os.path.dirname(__file__), '../../../pipelines/station.json'), os.path.join(folder, 'other.json'))
        os.rename(os.path.join(folder, 'other.json'), os.path.join(folder, 'station.json'))
        wait_until('it is right', lambda: self.node()['pipelines'] == {'folder': folder, 'state': 'good'})
        wait_until('the workers have read it', lambda: self.log().count('read the pipeline descriptions again') >= 2)
        self.publish_all('2')

        def archived():
            return {path.parent.parent.name for path in pathlib.Path(self.data, 'lta').rglob('run.jl')}
        wait_until('the second is archived', archived)
        self.assertEqual(archived(), {'000002'})
        self.assertEqual(sorted(one['station'] for one in self.node()['sessions']), [1, 2])
        copies = [name for name in os.listdir(os.path.join(self.data, 'run')) if name.startswith('pipelines')]
        self.assertEqual(len(copies), 2, copies)  # the one in use, and the link to it
        self.stop()

    def test_settings_from_a_file(self):
        path = os.path.join(self.folder, 'node.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('[workers]\ncount=1\ncapacity=7\n[parameters]\npart-ms=400\n[node]\nname=north\n')
        self.start('--config', path, '--capacity', '9')
        # The command line goes before the file.
        wait_until('two workers', lambda: len(self.node()['workers']) == 2)
        node = self.node()
        self.assertEqual(node['workers'][0]['capacity'], 9)
        with open(f'/proc/{self.pids("worker")[0]}/cmdline', encoding='utf-8') as file:
            words = file.read().split('\0')
        # A parameter may be a secret: it is not for everybody to see.
        self.assertFalse([word for word in words if 'part-ms' in word], words)
        with open(f'/proc/{self.pids("worker")[0]}/fd/0', encoding='utf-8') as file:
            self.assertEqual(file.read().split('\0')[:-1], ['--set=part-ms=400'])
        self.assertIn('north', words)
        self.stop()

    def test_wrong_settings_are_refused_by_name(self):
        path = os.path.join(self.folder, 'node.conf')
        common = ['serve', '--data', self.data, '--keys', self.keys]
        for text, arguments, reason in (
                ('[workers]\ncount=x\n', [], "[workers] count: 'x' is not a number"),
                ('[worker]\ncount=1\n', [], '[worker] count: there is no such key'),
                ('[workers]\nsize=1\n', [], '[workers] size: there is no such key'),
                ('nonsense\n', [], 'node.conf'),
                ('', ['--capacity', '0'], "--capacity: '0' is not a number from 1"),
                ('', ['--worker-memory', '-1'], "--worker-memory: '-1' is not a number from 0"),
                ('', ['--http', 'localhost'], "--http: 'localhost' is not HOST:PORT"),
                ('', ['--rtmp', 'nohost:1935'], '--rtmp: '),
                ('', ['surprise'], "unexpected argument 'surprise'"),
                ('', ['--pipeline', 'nosuch'], 'no description has the name "nosuch"'),
                ('', ['--set', 'nosuch=1'], '--set nosuch'),
                ('', ['--set', 'part-ms=1'], '/parameters/part-ms: 1 ms is below "min"')):
            with self.subTest(reason=reason):
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(text)
                ended = run(*common, '--rtmp', '127.0.0.1:0', '--http', '127.0.0.1:0', '--config', path, *arguments)
                self.assertNotEqual(ended.returncode, 0)
                self.assertIn(reason, ended.stderr)
        for arguments, reason in ((['serve', '--keys', self.keys], '--data is needed'),
                                  (['serve', '--data', self.data], '--keys is needed'),
                                  (['serve', '--data', self.data, '--keys', '/nowhere'], '/nowhere')):
            ended = run(*arguments)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(reason, ended.stderr)
        self.assertIn('\n[node] data, keys, name (--node), runtime-dir, instances\n', run('serve', '--help').stdout)
        for command in ('serve', 'status'):
            self.assertEqual(run(command, '--help').returncode, 0)

    def test_a_port_that_is_taken_is_refused(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            address = '127.0.0.1:%d' % taken.getsockname()[1]
            ended = run('serve', '--data', self.data, '--keys', self.keys, '--http', address, '--rtmp', '127.0.0.1:0')
        self.assertEqual(ended.returncode, 1)
        self.assertIn('--http: bind ' + address, ended.stderr)

    def test_readiness_is_told(self):
        notify = os.path.join(self.folder, 'notify')
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(notify)
            listening.settimeout(PATIENCE)
            self.start(NOTIFY_SOCKET=notify)
            self.assertEqual(listening.recv(100), b'READY=1')
            self.supervisor.send_signal(signal.SIGHUP)
            self.assertRegex(listening.recv(100), rb'\ARELOADING=1\nMONOTONIC_USEC=\d+\Z')
            self.assertEqual(listening.recv(100), b'READY=1')
            self.stop()
            self.assertEqual(listening.recv(100), b'STOPPING=1')

    def test_status_asks_the_service_unless_told_otherwise(self):
        for arguments, folder in (([], '/run/headgate'), (['--data', '/nowhere'], '/nowhere/run')):
            ended = run('status', *arguments, RUNTIME_DIRECTORY='')
            # There may be such a service on this machine.
            self.assertTrue(ended.returncode == 0 or folder + '/admin.sock' in ended.stderr, ended)
        ended = run('status', RUNTIME_DIRECTORY='/nowhere')
        self.assertEqual(ended.returncode, 1)
        self.assertIn('/nowhere/admin.sock', ended.stderr)

    def test_the_watchdog_is_fed(self):
        notify = os.path.join(self.folder, 'notify')
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(notify)
            listening.settimeout(PATIENCE)
            node = self.start(NOTIFY_SOCKET=notify, WATCHDOG_USEC='200000')
            told = [listening.recv(100) for _ in range(10)]
            self.assertGreater(told.count(b'WATCHDOG=1'), 5)
            # It is nobody else's.
            for process in node['processes']:
                if process['role'] != 'supervisor':
                    with open('/proc/%d/environ' % process['pid'], 'rb') as environment:
                        self.assertNotIn(b'WATCHDOG_USEC', environment.read())
            self.stop()


if __name__ == '__main__':
    tap.run_unittest()
