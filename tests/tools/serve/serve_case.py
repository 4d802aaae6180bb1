# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of headgate serve have in common: argument HEADGATE, and a node with its real programs in a folder of
its own."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
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


def command_line(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return b''


class ServeCase(unittest.TestCase):
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
