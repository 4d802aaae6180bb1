# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate-gate from outside: its command line, an inherited socket, a real client, its end."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import tap  # noqa: E402

GATE, HEADGATE = sys.argv[1:3]


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60)


class GateProgram(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.keys = os.path.join(self.folder.name, 'keys')
        self.runtime = os.path.join(self.folder.name, 'run')
        os.mkdir(self.runtime)
        made = run(HEADGATE, 'ticket', 'keygen', '--event', '77', '--out', self.keys)
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_command_line(self):
        self.assertEqual(run(GATE, '--help').returncode, 0)
        for arguments, text in (
                ([], '--runtime-dir'),
                (['--runtime-dir', self.runtime], '--keys'),
                (['--runtime-dir', self.runtime, '--keys', self.keys], 'nothing to listen on'),
                (['--runtime-dir', self.runtime, '--keys', self.keys, '--listen', 'nonsense'], 'HOST:PORT'),
                (['--runtime-dir', self.runtime, '--keys', '/nowhere', '--listen', '127.0.0.1:0'], '/nowhere'),
                (['--runtime-dir', '/nowhere', '--keys', self.keys, '--listen', '127.0.0.1:0'], '/nowhere'),
                (['surprise'], 'surprise')):
            with self.subTest(arguments=arguments):
                ended = run(GATE, *arguments)
                self.assertNotEqual(ended.returncode, 0)
                self.assertIn(text, ended.stderr)

    def test_inherited_socket_refusal_and_end(self):
        listening = socket.create_server(('127.0.0.1', 0))
        port = listening.getsockname()[1]

        environment = dict(os.environ, LISTEN_FDS='1', LISTEN_FDNAMES='rtmp')
        # As sd_listen_fds(3) has it: descriptor 3, and LISTEN_PID is the program's own, which exec keeps.
        gate = subprocess.Popen(
            ['sh', '-c', f'LISTEN_PID=$$ exec "$0" "$@" 3<&{listening.fileno()}', GATE,
             '--runtime-dir', self.runtime, '--keys', self.keys],
            env=environment, stderr=subprocess.PIPE, text=True, pass_fds=(listening.fileno(),))
        self.addCleanup(gate.stderr.close)
        self.addCleanup(gate.kill)
        issued = run(HEADGATE, 'ticket', 'issue', '--keys', self.keys, '--station', '421', '--format', 'json',
                     '--endpoint', f'rtmp://127.0.0.1:{port}/lt')
        self.assertEqual(issued.returncode, 0, issued.stderr)
        url = next(p['url'] for p in json.loads(issued.stdout)['publish'] if 'client' not in p)
        self.assertIn(str(port), url)
        client = run('ffmpeg', '-nostdin', '-hide_banner', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5',
                     '-t', '2', '-f', 'flv', url)
        self.assertNotEqual(client.returncode, 0)
        self.assertIn('1503 DOWN', client.stderr)
        gate.send_signal(signal.SIGTERM)
        self.assertEqual(gate.wait(5), 0)
        log = gate.stderr.read()
        refusals = [line for line in log.splitlines() if 'refused' in line]
        self.assertEqual(len(refusals), 1, log)
        self.assertIn('station=421', refusals[0])
        self.assertIn('code=1503', refusals[0])
        self.assertFalse(os.path.exists(os.path.join(self.runtime, 'gate.sock')))
        listening.close()


if __name__ == '__main__':
    tap.run_unittest()
