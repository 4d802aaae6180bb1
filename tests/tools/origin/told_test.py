# SPDX-License-Identifier: LGPL-2.1-or-later
"""What headgate-origin tells viewers, those who listen, and the supervisor; and what it tells only one of them."""
import http.client
import json
import os
import signal
import socket
import stat

from origin_case import PATIENCE, Live, OriginCase, wait_until
import tap  # of the folder that origin_case has added
import wire


class ToldTest(OriginCase):
    def test_viewers_are_told_of_streams_and_not_of_publishers_or_the_node(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        live = Live(self, worker, 14)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(2))
        wait_until('it is live', lambda: self.request('/api/v1/streams/14')[0].status == 200)
        self.get('/api/v1/node', 404)
        for path in ('/api/v1/streams', '/api/v1/streams/14'):
            answer, body = self.request(path)
            self.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
            for secret in (b'192.0.2.1', b'peer', b'user_agent', b'pid', self.root.encode()):
                self.assertNotIn(secret, body)
        for path in ('/', '/healthz', '/watch/14', '/assets/style.css', '/nothing'):
            self.assertIsNone(self.request(path)[0].getheader('Access-Control-Allow-Origin'), path)
        self.assertEqual(self.request('/hls/14/media.m3u8', 'OPTIONS')[0].getheader('Access-Control-Allow-Origin'), '*')
        mode = os.stat(os.path.join(self.runtime, 'origin.http.sock')).st_mode
        self.assertEqual((stat.S_ISSOCK(mode), stat.S_IMODE(mode)), (True, 0o600))
        # An origin that takes the place of a dead one.
        self.stop(signal.SIGKILL)
        self.start()
        self.assertIn('workers', self.node())
        self.stop()
        self.assertFalse(os.path.exists(os.path.join(self.runtime, 'origin.http.sock')))

    def test_events(self):
        worker = self.fake_worker()
        self.start()
        worker.accept()
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request('GET', '/api/v1/events')
        answer = connection.getresponse()
        self.assertEqual(answer.getheader('Content-Type'), 'text/event-stream')

        def event():
            lines = []
            while True:
                line = answer.readline().decode().rstrip('\n')
                if line:
                    lines.append(line)
                elif len(lines) == 2:
                    return lines[0], json.loads(lines[1][len('data: '):])
                else:
                    lines = []
        kind, data = event()
        self.assertEqual((kind, data['streams']), ('event: streams', []))
        live = Live(self, worker, 13)
        worker.tell(wire.worker_state(), *live.open_messages(), *live.segments(2))
        while True:
            kind, data = event()
            self.assertEqual((kind, data['station'], data['state']), ('event: stream', 13, 'live'))
            if data['duration_s'] == 4:
                break

    def test_the_supervisor_is_heard_and_answered(self):
        self.start()
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(line.close)
        line.settimeout(PATIENCE)
        path = os.path.join(self.runtime, 'origin.sock')
        wait_until('its socket', lambda: os.path.exists(path))
        line.connect(path)
        wire.greet(line)
        line.send(wire.hello('supervisor'))
        self.assertEqual(line.recv(70000)[0], wire.STATUS)
        line.send(wire.message(wire.GET_LISTENERS))
        while True:
            said, fds, _, _ = socket.recv_fds(line, 70000, 4)
            if said[0] == wire.LISTENERS:
                break
        self.assertEqual(said, wire.message(wire.LISTENERS, b'\x01', wire.text('http')))
        inherited = socket.socket(fileno=fds[0])
        self.assertEqual(inherited.getsockname()[1], self.port)
        inherited.close()
        line.send(wire.node_status('supervisor', '{"version":"9","processes":[{"role":"supervisor"},{"role":"gate"}]}'))
        node = wait_until('it knows', lambda: (lambda n: n if n['version'] else None)(self.node()))
        self.assertEqual([one['role'] for one in node['processes']], ['supervisor', 'gate'])
        line.close()
        wait_until('it notices', lambda: [one['role'] for one in self.node()['processes']] == ['gate'])
        again = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(again.close)
        again.connect(path)
        wire.greet(again)
        again.send(wire.message(wire.STOP))
        self.assertEqual(self.process.wait(PATIENCE), 0)


if __name__ == '__main__':
    tap.run_unittest()
