# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate serve and headgate status, with the node's real programs and no publisher: what is started, what is
started again, what is taken over, what is refused, and that nothing is left."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from serve_case import HEADGATE, PATIENCE, ROLES, ServeCase, command_line, run
import tap  # of the folder that serve_case has added
from waiting import wait_until


class ServeTest(ServeCase):
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
        # Whatever has become of the folder of keys meanwhile.
        event = pathlib.Path(self.keys, 'event.json')
        was = event.read_bytes()
        event.unlink()
        self.start()  # asks for any port, and gets the ones that its children have kept
        self.assertEqual(self.listen, listen)
        self.assertEqual({role: self.pids(role) for role in children}, children)
        # It is their supervisor now: what dies comes back.
        os.kill(children['gate'][0], signal.SIGKILL)
        wait_until('another gate', lambda: self.pids('gate') not in ([], children['gate']))
        self.assertEqual(self.node()['listen'], listen)

        def keys():
            return self.node()['keys'] or {}
        wait_until('it says what is wrong', lambda: 'event.json' in keys().get('problem', ''))
        self.assertEqual(keys()['kids'], '1', 'those before')
        event.write_bytes(was)
        wait_until('it is mended', lambda: 'problem' not in keys())
        self.stop()
        # A node of which nothing runs has none before, and is started again and again until it has some.
        event.unlink()
        self.start(ready=False)
        self.assertEqual(self.supervisor.wait(PATIENCE), 1, self.log())
        self.assertIn('event.json is missing', self.log().splitlines()[-1])

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
        self.assertIn(b'--srt-latency\x00200\x00', command_line(gate))
        os.kill(gate, signal.SIGKILL)
        wait_until('another gate runs', lambda: self.pids('gate') not in ([], [gate]))
        self.assertEqual(bound()[1], wanted)
        self.supervisor.kill()
        self.supervisor.wait()
        listen = self.listen
        self.start('--srt', '127.0.0.1:0,0')
        self.assertEqual(self.listen, listen)
        self.stop()

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
