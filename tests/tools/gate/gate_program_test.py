# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate-gate from outside: its command line, an inherited socket, a real client, its end."""
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import certificate  # noqa: E402
import tap  # noqa: E402
from waiting import wait_until  # noqa: E402

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
                (['--runtime-dir', self.runtime, '--keys', self.keys, '--listen-rtmps', '127.0.0.1:0'], '--tls-cert'),
                (['--runtime-dir', self.runtime, '--keys', self.keys, '--tls-cert', '/nowhere'], 'together'),
                (['--runtime-dir', self.runtime, '--keys', self.keys, '--check', '--tls-cert', '/nowhere', '--tls-key',
                  '/nowhere'], '/nowhere'),
                (['--runtime-dir', self.runtime, '--keys', self.keys, '--check', '--addresses', '/nowhere'], '/nowhere'),
                (['--runtime-dir', self.runtime, '--keys', self.keys, '--check', '--rtmp-proxies', 'all of them'],
                 '--rtmp-proxies'),
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

    def start(self, *arguments):
        """A gate that listens; the process, and the port that it says for each name."""
        path = os.path.join(self.folder.name, 'gate.log')
        with open(path, 'w') as log:
            gate = subprocess.Popen([GATE, '--runtime-dir', self.runtime, '--keys', self.keys, *arguments], stderr=log)
        self.addCleanup(gate.wait)
        self.addCleanup(gate.kill)

        def log():
            with open(path) as file:
                return file.read()
        wanted = sum(str(argument).startswith('--listen') for argument in arguments)
        wait_until('the gate listens', lambda: log().count('listening') == wanted, 10)
        ports = {}
        for line in log().splitlines():
            if 'listening' in line:
                fields = dict(part.split('=', 1) for part in line.split() if '=' in part)
                ports[fields['name']] = int(fields['address'].rsplit(':', 1)[1])
        return gate, ports, log

    def shown(self, port):
        """The certificate that a new connection is shown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(('127.0.0.1', port), timeout=10) as plain:
            with context.wrap_socket(plain) as connection:
                return connection.getpeercert(binary_form=True)

    def test_certificates_change_while_it_runs(self):
        cert, key = certificate.write(self.folder.name, 'first')
        gate, ports, log = self.start('--listen-rtmps', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key)
        first = self.shown(ports['rtmps'])
        # By itself, when the files are others.
        certificate.write(self.folder.name, 'second')
        wait_until('the second certificate is shown', lambda: self.shown(ports['rtmps']) != first, 10)
        second = self.shown(ports['rtmps'])
        # A key of another certificate changes nothing, and is told.
        with open(key) as file:
            good = file.read()
        other = tempfile.TemporaryDirectory()
        self.addCleanup(other.cleanup)
        told = log().count("not the certificate's key")  # it may have been read between the two files
        os.replace(certificate.write(other.name)[1], key)
        wait_until('the wrong key is told', lambda: log().count("not the certificate's key") > told, 10)
        self.assertEqual(self.shown(ports['rtmps']), second)
        read = log().count('read the certificate')
        with open(key, 'w') as file:
            file.write(good)
        wait_until('the right key is read', lambda: log().count('read the certificate') > read, 10)
        # And when asked to.
        before = log().count('read the certificate')
        gate.send_signal(signal.SIGHUP)
        wait_until('it has read them again', lambda: log().count('read the certificate') > before, 10)
        self.assertEqual(self.shown(ports['rtmps']), second)
        self.assertIsNone(gate.poll())

    def test_address_list_changes_while_it_runs(self):
        path = os.path.join(self.folder.name, 'addresses')
        with open(path, 'w') as file:
            file.write('allow 10.0.0.0/8\n')
        _, ports, log = self.start('--listen', '127.0.0.1:0', '--addresses', path)

        def let_in():
            with socket.create_connection(('127.0.0.1', ports['rtmp']), timeout=10) as connection:
                connection.sendall(b'\3' + bytes(1536))
                try:
                    return connection.recv(1) == b'\3'
                except ConnectionError:
                    return False
        self.assertTrue(let_in())
        with open(path, 'w') as file:
            file.write('deny 127.0.0.0/8\n')
        wait_until('nobody from here is let in', lambda: not let_in(), 10)
        with open(path, 'w') as file:
            file.write('allow all\nand their friends\n')
        wait_until('the wrong line is told', lambda: 'line 2' in log(), 10)
        self.assertFalse(let_in())

    def test_files_that_went_bad_keep_no_gate_from_starting(self):
        """A gate after a crash, when certificate and list are wrong by now: the other ports work as before."""
        path = os.path.join(self.folder.name, 'addresses')
        cert, key = certificate.write(self.folder.name)
        with open(path, 'w') as file:
            file.write('allow 127.0.0.1\ndeny all\n')
        arguments = ('--listen', '127.0.0.1:0', '--listen-rtmps', '127.0.0.1:0', '--listen-srt', '127.0.0.1:0',
                     '--addresses', path, '--tls-cert', cert, '--tls-key', key)

        def let_in(ports, address):
            with socket.create_connection(('127.0.0.1', ports['rtmp']), 10, (address, 0)) as connection:
                try:
                    connection.sendall(b'\3' + bytes(1536))
                    return connection.recv(1) == b'\3'
                except ConnectionError:
                    return False

        def srt_is_asked(ports, log):
            issued = run(HEADGATE, 'ticket', 'issue', '--keys', self.keys, '--station', '421', '--format', 'json',
                         '--endpoint', f'srt://127.0.0.1:{ports["srt"]}')
            url = next(p['url'] for p in json.loads(issued.stdout)['publish'] if p['protocol'] == 'srt')
            before = log().count('code=1503')
            client = run('ffmpeg', '-nostdin', '-hide_banner', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5',
                         '-t', '2', '-f', 'mpegts', url)
            self.assertNotEqual(client.returncode, 0)
            return log().count('code=1503') > before

        def kill(gate):
            gate.kill()
            gate.wait()
        gate, ports, log = self.start(*arguments)
        self.assertTrue(let_in(ports, '127.0.0.1'))
        kill(gate)
        with open(path, 'w') as file:
            file.write('allow all\nand their friends\n')
        os.remove(key)
        gate, ports, log = self.start(*arguments)
        self.assertTrue(let_in(ports, '127.0.0.1'))
        self.assertFalse(let_in(ports, '127.0.0.9'), 'as the last right list has it')
        self.assertTrue(srt_is_asked(ports, log), log())
        with self.assertRaises(OSError):
            self.shown(ports['rtmps'])
        kill(gate)
        # Without a copy nobody is let in, until there is a list; the certificate comes without a start, too.
        os.remove(os.path.join(self.runtime, 'addresses.kept'))
        gate, ports, log = self.start(*arguments)
        self.assertFalse(let_in(ports, '127.0.0.1'))
        with open(path, 'w') as file:
            file.write('allow 127.0.0.1\ndeny all\n')
        wait_until('the list is read', lambda: let_in(ports, '127.0.0.1'), 10)
        self.assertFalse(let_in(ports, '127.0.0.9'))
        certificate.write(self.folder.name)
        wait_until('the certificate is read', lambda: 'read the certificate' in log(), 10)
        self.assertTrue(self.shown(ports['rtmps']))
        self.assertEqual(log().count('for want of'), 2, log())
        self.assertIsNone(gate.poll())

    def test_who_a_proxy_names_stands_in_the_log(self):
        _, ports, log = self.start('--listen', '127.0.0.1:0', '--rtmp-proxies', '127.0.0.0/24')
        header = (b'\r\n\r\n\0\r\nQUIT\n\x21\x11' + struct.pack('>H', 12) + socket.inet_aton('203.0.113.9')
                  + socket.inet_aton('127.0.0.1') + struct.pack('>HH', 40000, ports['rtmp']))
        with socket.create_connection(('127.0.0.1', ports['rtmp']), timeout=10) as connection:
            connection.sendall(header + b'GET / HTTP/1.1\r\n')
            wait_until('the refusal is logged', lambda: 'peer=203.0.113.9:40000' in log(), 10)

    def test_rtmps_with_a_real_client(self):
        cert, key = certificate.write(self.folder.name)
        gate, ports, log = self.start('--listen-rtmps', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key)
        issued = run(HEADGATE, 'ticket', 'issue', '--keys', self.keys, '--station', '421', '--format', 'json',
                     '--endpoint', f'rtmps://127.0.0.1:{ports["rtmps"]}/lt')
        for entry in json.loads(issued.stdout)['publish']:
            client = run('ffmpeg', '-nostdin', '-hide_banner', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5',
                         '-t', '2', '-f', 'flv', entry['url'])
            self.assertNotEqual(client.returncode, 0)
            self.assertIn('1503 DOWN', client.stderr, log())
        self.assertIsNone(gate.poll())


if __name__ == '__main__':
    tap.run_unittest()
