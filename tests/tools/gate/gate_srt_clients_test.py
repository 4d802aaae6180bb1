# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate-gate and the programs that people publish with over SRT: what they are let in with, what they hear when
they are not, and what becomes of them when they, the worker or the gate die."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import tap  # noqa: E402
import wire  # noqa: E402
from waiting import wait_until  # noqa: E402

GATE, HEADGATE = sys.argv[1:3]
PATIENCE = 60
PAYLOAD = 7 * 188
PEER_IDLE_S = 5  # libsrt's: then a caller that says nothing is gone


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False)


class Stream:
    """What a worker gets of one session: TS bytes, statistics, the end."""

    def __init__(self, handoff, descriptor):
        # u8 type, u64 session, u32 event, u32 station
        self.station = struct.unpack_from('>I', handoff, 13)[0]
        self.handoff = handoff
        self.socket = socket.socket(fileno=descriptor)
        self.ts, self.stats, self.ended = bytearray(), 0, False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while packet := self.socket.recv(4096):
            if packet[0] == 0x47:
                self.ts += packet
            elif packet[0] == ord('u'):
                self.ts += packet[1:]
            else:
                self.stats += 1
        self.ended = True

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.socket.close()


class Worker:
    """Listens as a worker does, and keeps what the gate hands over."""

    def __init__(self, runtime):
        self.streams = []
        path = os.path.join(runtime, 'worker-0.sock')
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(path + '.new')
        self.listening.listen(8)
        os.rename(path + '.new', path)
        self.ready = 0  # gates that were told
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                gate = self.listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(gate,), daemon=True).start()

    def talk(self, gate):
        with gate:
            wire.greet(gate)
            while True:
                message, descriptors, _, _ = socket.recv_fds(gate, 1 << 18, 4)
                if not message:
                    return
                if message[0] == wire.HELLO:
                    gate.send(wire.worker_state())
                    self.ready += 1
                elif message[0] == wire.HANDOFF:
                    self.streams.append(Stream(message, descriptors[0]))

    def close(self):
        self.listening.close()


class GateSrtClients(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.keys = os.path.join(self.folder.name, 'keys')
        self.runtime = os.path.join(self.folder.name, 'run')
        os.mkdir(self.runtime)
        made = run(HEADGATE, 'ticket', 'keygen', '--event', '77', '--out', self.keys)
        self.assertEqual(made.returncode, 0, made.stderr)
        # As the supervisor's: it outlives the gate.
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.udp.close)
        self.udp.bind(('127.0.0.1', 0))
        self.port = self.udp.getsockname()[1]
        self.log = open(os.path.join(self.folder.name, 'log'), 'w+', encoding='utf-8')
        self.addCleanup(self.log.close)
        self.worker = Worker(self.runtime)
        self.addCleanup(self.worker.close)
        self.gate = None
        self.start_gate()

    def start_gate(self):
        told = self.worker.ready
        environment = dict(os.environ, LISTEN_FDS='1', LISTEN_FDNAMES='srt')
        self.gate = subprocess.Popen(
            ['sh', '-c', f'LISTEN_PID=$$ exec "$0" "$@" 3<&{self.udp.fileno()}', GATE,
             '--runtime-dir', self.runtime, '--keys', os.path.join(self.keys, 'node')],
            env=environment, stderr=self.log, pass_fds=(self.udp.fileno(),))
        self.addCleanup(self.gate.wait)
        self.addCleanup(self.gate.kill)
        wait_until('the gate knows the worker', lambda: self.worker.ready > told)
        # A gate that was given its sockets waits for what the supervisor says of the node.
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(supervisor.close)
        path = os.path.join(self.runtime, 'gate.sock')
        wait_until('the gate listens', lambda: supervisor.connect_ex(path) == 0)
        wire.greet(supervisor)
        supervisor.send(wire.hello('supervisor'))
        supervisor.send(wire.node_policy())

    def told(self):
        with open(self.log.name, encoding='utf-8') as log:
            return log.read()

    def ticket(self, station=421, client=None, **options):
        arguments = [part for name, value in options.items() for part in ('--' + name.strip('_'), value)]
        issued = run(HEADGATE, 'ticket', 'issue', '--keys', self.keys, '--station', str(station), '--format', 'json',
                     '--endpoint', f'srt://127.0.0.1:{self.port}', *arguments)
        self.assertEqual(issued.returncode, 0, issued.stderr)
        return next(one for one in json.loads(issued.stdout)['publish'] if one.get('client') == client)

    def url(self, station=421, client=None, **options):
        return self.ticket(station, client, **options)['url']

    def client(self, *arguments, **options):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    @staticmethod
    def ffmpeg(url, seconds=60):
        return ['ffmpeg', '-nostdin', '-hide_banner', '-re', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25', '-f', 'lavfi',
                '-i', 'sine', '-t', str(seconds), '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', '-f', 'mpegts', url]

    def stream(self, number=0):
        """The worker's, once media has come."""
        def there():
            streams = self.worker.streams
            return streams[number] if len(streams) > number and len(streams[number].ts) > 4 * PAYLOAD else None
        return wait_until(f'session {number} has media', there)

    def assert_ts(self, stream):
        self.assertEqual([stream.ts[at] for at in range(0, len(stream.ts), 188)], [0x47] * (len(stream.ts) // 188))

    def test_ffmpeg_and_what_the_worker_is_told(self):
        client = self.client(*self.ffmpeg(self.url(), 3))
        stream = self.stream()
        self.assertEqual(stream.station, 421)
        self.assertIn(wire.text('srt'), stream.handoff)
        self.assertEqual(client.wait(PATIENCE), 0)
        wait_until('the end has come', lambda: stream.ended)
        self.assert_ts(stream)
        self.assertGreaterEqual(stream.stats, 2)
        self.assertIn('protocol=srt', self.told())

    @unittest.skipUnless(shutil.which('gst-launch-1.0'), 'no gst-launch-1.0')
    def test_gstreamer(self):
        self.client('gst-launch-1.0', 'videotestsrc', 'is-live=true', '!', 'x264enc', 'tune=zerolatency', '!', 'mpegtsmux',
                    'alignment=7', '!', 'srtsink', 'uri=' + self.url(client='gstreamer'))
        self.assert_ts(self.stream())

    @unittest.skipUnless(shutil.which('srt-live-transmit'), 'no srt-live-transmit')
    def test_every_byte_of_srt_live_transmit(self):
        sent = bytearray()
        for number in range(400):
            for part in range(7):
                sent += struct.pack('>BHBII', 0x47, 0x1fff, 0x10, number, part) + bytes(188 - 12)
        client = self.client('srt-live-transmit', '-chunk', str(PAYLOAD), 'file://con', self.url(), stdin=subprocess.PIPE)
        stream = None
        for at in range(0, len(sent), PAYLOAD):
            client.stdin.write(sent[at:at + PAYLOAD])
            client.stdin.flush()
            if at == 0:
                stream = wait_until('it is let in', lambda: self.worker.streams[0] if self.worker.streams else None)
        wait_until('every byte has come', lambda: len(stream.ts) >= len(sent))
        self.assertEqual(stream.ts, sent)
        client.stdin.close()

    def refused(self, code, word, url):
        """ffmpeg does not get in, and the gate's log says why."""
        lines = len(self.told().splitlines())
        done = run(*self.ffmpeg(url, 5))
        self.assertNotEqual(done.returncode, 0, 'ffmpeg was let in')
        told = wait_until('the refusal is told', lambda: [
            line for line in self.told().splitlines()[lines:] if 'refused' in line])
        self.assertEqual(len(told), 1, told)
        self.assertIn(f'code={code}', told[0])
        self.assertIn(word, told[0])
        self.assertEqual(self.worker.streams, [])

    def test_refusals_and_that_libsrt_logs_nothing_by_itself(self):
        good = self.ticket()
        url, passphrase = good['url'], good['passphrase']
        self.refused(1401, 'BAD-PASSPHRASE', url.replace(passphrase, passphrase[::-1]))
        self.refused(1401, 'BAD-PASSPHRASE', url.replace('&passphrase=' + passphrase, ''))
        self.refused(1400, 'MALFORMED', url.replace(good['streamid'], 'mystream'))
        self.refused(1400, 'MALFORMED', url.replace('?streamid=' + good['streamid'] + '&', '?'))
        self.refused(1400, 'WRONG-STATION', url.replace('r=421', 'r=422'))
        self.refused(1405, 'BAD-MODE', url.replace('m=publish', 'm=request'))
        self.refused(1401, 'BAD-SIGNATURE', url.replace(good['key'], good['key'][:-4] + 'AAAA'))
        self.refused(1403, 'EARLY', self.url(from_='+1h', until='+2h'))
        self.refused(1403, 'EXPIRED', self.url(from_='-3h', until='-1h'))
        self.assertNotIn('SRT.', self.told())

    def test_a_publisher_that_dies(self):
        client = self.client(*self.ffmpeg(self.url()))
        stream = self.stream()
        client.kill()
        began = time.monotonic()
        wait_until('its end is noticed', lambda: stream.ended, PEER_IDLE_S + 15)
        self.assertLess(time.monotonic() - began, PEER_IDLE_S + 5)
        self.client(*self.ffmpeg(self.url()))
        self.assert_ts(self.stream(1))

    def test_a_worker_that_ends_the_session(self):
        client = self.client(*self.ffmpeg(self.url()))
        self.stream().close()
        client.wait(PATIENCE)

    def test_a_gate_that_dies_and_the_next_one_on_the_same_socket(self):
        url = self.url()
        self.client(*self.ffmpeg(url))
        first = self.stream()
        self.gate.kill()
        self.gate.wait()
        wait_until('the session has ended', lambda: first.ended)
        self.start_gate()
        self.client(*self.ffmpeg(url))
        self.assert_ts(self.stream(1))

    def test_its_end_is_quick_and_clean(self):
        for goodbye in (True, False):  # of the worker, for which it waits a while
            with self.subTest(goodbye=goodbye):
                number = len(self.worker.streams)
                client = self.client(*self.ffmpeg(self.url()))
                stream = self.stream(number)
                began = time.monotonic()
                self.gate.send_signal(signal.SIGTERM)
                if goodbye:
                    stream.close()
                self.assertEqual(self.gate.wait(PATIENCE), 0)
                self.assertLess(time.monotonic() - began, 3 if goodbye else 6)
                wait_until('the session has ended', lambda: stream.ended)
                client.wait(PATIENCE)
                self.start_gate()


if __name__ == '__main__':
    tap.run_unittest()
