# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of headgate-origin have in common: arguments ORIGIN MAKE_ARCHIVE, a process, and workers that are none."""
import glob
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import wire  # noqa: E402
from waiting import PATIENCE_S, SLOWNESS, wait_until  # noqa: E402

ORIGIN, MAKE_ARCHIVE = sys.argv[1:3]
EVENT = 77
PATIENCE = PATIENCE_S * SLOWNESS
SEGMENT = 2 * wire.TIMESCALE
BYTES = 3000  # of a fake worker's segment
INIT = '0123456789abcdef'


class Live:
    """A session of a fake worker: its media file, and records of segments in it."""

    def __init__(self, test, worker, station, session=1, run='run-a', first=0,
                 grace_ms=-1, rate=25000):
        self.test, self.worker, self.station, self.session = test, worker, station, session
        self.file = f'lta/{EVENT}/st/00/{station:06}/{run}/000000.mp4'
        self.path = os.path.join(test.root, self.file + '.part')
        os.makedirs(os.path.dirname(self.path))
        self.content = bytes(range(256)) * 4
        self.next, self.run, self.first, self.grace_ms, self.rate = first, run, first, grace_ms, rate
        self.utc_us = int(time.time() * 1e6)
        self.write()

    def write(self):
        with open(self.path, 'ab') as file:  # it may be read meanwhile
            file.write(self.content[file.tell():])

    def open_messages(self):
        return [wire.session_opened(self.session, EVENT, self.station, self.utc_us, grace_ms=self.grace_ms),
                wire.stream_records(self.session, EVENT, self.station, [
                    wire.run_record(self.run, self.first, 0, self.utc_us),
                    wire.init_record(INIT, self.file, 0, 1024, rate=self.rate)])]

    def segments(self, count):
        """Messages of so many more segments."""
        out = []
        for _ in range(count):
            offset, index = len(self.content), self.next - self.first
            self.content += bytes([self.next % 251]) * BYTES
            self.write()
            pts, utc_us = index * SEGMENT, self.utc_us + index * 2_000_000
            out.append(wire.stream_records(self.session, EVENT, self.station, [
                wire.part_record(self.next, 0, self.file, offset, BYTES, pts, SEGMENT, utc_us),
                wire.segment_record(self.next, self.file, offset, BYTES, pts, SEGMENT, utc_us, INIT)]))
            self.next += 1
        return out


class OriginCase(unittest.TestCase):
    """An origin of one's own, over an archive of one's own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='hg-')
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, 'data')
        self.runtime = os.path.join(folder.name, 'run')
        os.mkdir(self.root)
        os.mkdir(self.runtime)
        self.process, self.port = None, 0
        self.addCleanup(self.stop)

    def start(self, *arguments, limits=None):
        self.log = open(os.path.join(self.runtime, 'log'), 'w+', encoding='utf-8')
        self.addCleanup(self.log.close)
        self.process = subprocess.Popen(
            [ORIGIN, '--runtime-dir', self.runtime, '--root', self.root, '--event', str(EVENT), '--listen',
             f'127.0.0.1:{self.port}', *arguments], stderr=self.log, preexec_fn=limits)

        def port():
            self.assertIsNone(self.process.poll())
            with open(self.log.name, encoding='utf-8') as log:
                found = re.search(r'serves http://127\.0\.0\.1:(\d+)/', log.read())
            return found and int(found.group(1))
        self.port = wait_until('it listens', port)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            code = self.process.wait(PATIENCE)
            if how == signal.SIGTERM:
                self.assertEqual(code, 0)

    def fake_worker(self, number=0):
        worker = wire.FakeWorker(self.runtime, number)
        self.addCleanup(worker.close)
        return worker

    def archive(self, station, seconds, reason='unpublish', *how):
        subprocess.run([MAKE_ARCHIVE, self.root, str(EVENT), str(station), str(seconds), reason, *how], check=True,
                       stdout=subprocess.DEVNULL, timeout=PATIENCE)

    def station_folder(self, station):
        return os.path.join(self.root, f'lta/{EVENT}/st/{station % 256:02x}/{station:06}')

    def read_by_thread(self, name):
        """Bytes that a thread of the origin has read."""
        for task in glob.glob(f'/proc/{self.process.pid}/task/*'):
            with open(task + '/comm', encoding='utf-8') as comm:
                if comm.read().strip() != name:
                    continue
            with open(task + '/io', encoding='utf-8') as io:
                return int(re.search(r'rchar: (\d+)', io.read()).group(1))
        raise AssertionError(f'no thread {name}')

    def open_files(self):
        links = []
        for entry in glob.glob(f'/proc/{self.process.pid}/fd/*'):
            try:
                links.append(os.readlink(entry))
            except FileNotFoundError:  # closed in this moment
                pass
        return links

    def request(self, path, method='GET', headers=None, body=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def node(self):
        """NODE, from the socket that is not for viewers."""
        connection = http.client.HTTPConnection('localhost', timeout=PATIENCE)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE)
        connection.sock.connect(os.path.join(self.runtime, 'origin.http.sock'))
        connection.request('GET', '/api/v1/node')
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertIsNone(answer.getheader('Access-Control-Allow-Origin'))
        node = json.loads(answer.read())
        connection.close()
        return node

    def status(self):
        """What the process says of itself."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.settimeout(PATIENCE)
        line.connect(os.path.join(self.runtime, 'origin.sock'))
        wire.greet(line)
        line.send(wire.hello('supervisor'))
        said = line.recv(70000)
        line.close()
        self.assertEqual(said[0], wire.STATUS)
        return json.loads(re.search(rb'\{.*\}', said).group())

    def get(self, path, status=200):
        answer, body = self.request(path)
        self.assertEqual(answer.status, status, f'{path}: {body[:200]}')
        return body

    def stream(self, station):
        return json.loads(self.get(f'/api/v1/streams/{station}'))

    def uris(self, playlist):
        return [line for line in playlist.decode().splitlines() if line and not line.startswith('#')]
