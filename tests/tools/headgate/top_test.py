# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate top on a terminal that is not ours: pyte says what a person would see."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
# Debian's python3-pyte, also for another Python.
sys.path.append('/usr/lib/python3/dist-packages')
import tap  # noqa: E402
from waiting import PATIENCE_S, SLOWNESS  # noqa: E402
from fake_node import FakeNode, event, stream  # noqa: E402

try:
    import pyte
except ImportError:
    pyte = None

HEADGATE = sys.argv[1]
PATIENCE = PATIENCE_S * SLOWNESS
LINK = {'rtt-us': 83400, 'lost-share': 0.012, 'dropped-share': 0.0004, 'held-ms': 0, 'bandwidth-kbps': 6000}
STATION = re.compile(r'^[!* ] +(\d+) (live|waiting|ended)', re.M)


class Terminal:
    """A program on a pseudo terminal, and what is to be seen there."""

    def __init__(self, *arguments, rows=24, columns=80, term='linux', **environment):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.sent = b''  # by the program
        self.master, slave = pty.openpty()
        self.size(rows, columns)
        self.slave = slave  # kept open: its settings are looked at afterwards
        self.before = termios.tcgetattr(slave)
        env = {name: value for name, value in os.environ.items() if name not in ('NO_COLOR', 'LC_ALL', 'LANG')}
        env.update(TERM=term, LC_ALL='C.UTF-8')
        env.update(environment)
        self.process = subprocess.Popen([HEADGATE, *arguments], stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def size(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        piece = os.read(self.master, 65536)
        self.sent += piece
        self.stream.feed(piece)
        return True

    def text(self):
        return '\n'.join(line.rstrip() for line in self.screen.display)

    def wait(self, what, good):
        """Until `good` of what is to be seen is true; that."""
        deadline = time.monotonic() + PATIENCE
        while True:
            # Half a picture is not to be seen: what a terminal that knows the mode does.
            drawn = self.sent.count(b'\033[?2026h') == self.sent.count(b'\033[?2026l')
            answer = drawn and good(self.text())
            if answer:
                return answer
            assert time.monotonic() < deadline, f'{what}; there is:\n{self.text()}'
            assert self.read(0.1) or self.process.poll() is None, f'ended with {self.process.returncode}:\n{self.text()}'

    def wait_text(self, text):
        return self.wait(f'{text!r} is not to be seen', lambda shown: text in shown)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def stations(self):
        return [int(station) for station, _ in STATION.findall(self.text())]

    def end(self):
        """What the program ended with; all it sent has been read."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f'it does not end:\n{self.text()}'
            self.read(0.05)
        while self.read(0):
            pass
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@unittest.skipUnless(pyte, 'no python3-pyte')
class Top(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='hg-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def fake(self, *streams):
        node = FakeNode(self.folder, streams)
        self.addCleanup(lambda: node.stop() if os.path.exists(node.socket) else None)
        return node

    def top(self, *arguments, **how):
        terminal = Terminal('top', '--runtime-dir', self.folder, *arguments, **how)
        self.addCleanup(terminal.close)
        return terminal

    def three(self):
        return self.fake(stream(1), stream(2, state='waiting', kbps=None),
                         stream(3, gaps=4, protocol='srt', health={'stalled': True, 'srt': LINK}))

    def test_it_fits_80_columns_and_the_worst_is_first(self):
        self.three()
        top = self.top()
        top.wait('three streams', lambda _: top.stations() == [3, 2, 1])
        shown = top.text()
        self.assertRegex(shown, r'^alarms 2  2 live, 1 away, 0 ended  headgate 9\.9\.9, up 1h00m  \d\d:\d\d:\d\d UTC\n')
        self.assertRegex(shown, r'\nsessions 2/5000  in 2\.0 Mbit/s  disk 1\.0 TB, full in 46d\d\dh  rungs 3, 1 paused\n')
        self.assertRegex(shown, r'd drain$')
        self.assertIn('cpu  supervisor', shown)
        for title in ('STATION', 'STATE', 'SINCE', 'KBIT/S', 'LAST MINUTE', 'FPS', 'LATE', 'HEALTH'):
            self.assertIn(title, shown)
        self.assertIn('stalled', shown)
        self.assertIn('away', shown)
        # The minute's newest second at its right, as high as it goes.
        self.assertRegex(shown, r'1001 +█ +25\.0')

    def test_keys_sort_filter_and_jump(self):
        self.fake(*[stream(number, kbps=5000 - number, health={'late': number == 17}) for number in range(1, 41)])
        top = self.top()
        top.wait('the late one first', lambda _: top.stations()[:2] == [17, 1])
        top.type('S')
        top.wait('by station', lambda _: top.stations()[:3] == [1, 2, 3])
        top.type('r')
        top.wait('the other way', lambda _: top.stations()[:3] == [40, 39, 38])
        top.type('K')
        top.wait('by kbit/s', lambda _: top.stations()[:3] == [1, 2, 3])
        top.type('>')
        top.wait('by the trend, which is the same', lambda text: '▼LAST MINUTE' in text)
        top.type('S')
        top.type('\033[4~')  # End
        top.wait('the last', lambda _: 40 in top.stations() and 1 not in top.stations())
        top.type('n')
        top.wait('the late one is to be seen', lambda _: 17 in top.stations())
        top.type('a')
        top.wait('only alarms', lambda text: top.stations() == [17] and 'only alarms' in text)
        top.type('a')
        top.type('/192.0.2.3:')
        top.wait('one peer', lambda _: top.stations() == [3])
        top.type('\r')
        top.wait('the filter stays', lambda text: 'filter: 192.0.2.3:' in text and 'Enter keeps' not in text)
        top.type('\033')
        top.wait('all again', lambda _: len(top.stations()) > 10)
        top.type('?')
        top.wait_text('end the stream\'s session (asks first)')
        top.type('q')
        top.wait('the table again', lambda _: top.stations())
        top.type('q')
        self.assertEqual(top.end(), 0)

    def test_a_kick_asks_first(self):
        node = self.three()
        top = self.top()
        top.wait('the stalled one first', lambda _: top.stations()[:1] == [3])
        top.type('k')
        top.wait_text('End the session of station 3 (192.0.2.3:10003)?')
        top.type('n')
        top.wait_text('nothing was done')
        self.assertEqual(node.orders, [])
        top.type('k')
        top.wait_text('End the session')
        top.type('y')
        top.wait_text('the session of station 3 is ended')
        self.assertEqual(node.orders, [('POST', f'/api/v1/sessions/{10**17 + 3}/kick', {})])
        node.answers[('POST', '/api/v1/drain')] = (409, {'error': 'it is upgraded', 'do': 'wait'})
        top.type('d')
        top.wait_text('Take no new publishers')
        top.type('y')
        top.wait_text('it is upgraded: wait')
        node.answers.clear()
        top.type('d')
        top.wait_text('Take no new publishers')
        top.type('y')
        top.wait_text('DRAINING')
        top.type('d')
        top.wait_text('Take new publishers again?')
        top.type('y')
        top.wait('it is not drained', lambda text: 'DRAINING' not in text)

    def test_details_tell_what_happened(self):
        node = self.three()
        node.events = [event(1, 'session.opened', station='3', session='8'), event(2, 'worker.died', 'error', worker=1),
                       event(3, 'stream.health', 'warning', 'stalled for 5 s', station=3)]
        top = self.top()
        top.wait('the stalled one first', lambda _: top.stations()[:1] == [3])
        top.type('\r')
        shown = top.wait('its details', lambda text: 'Station 3 of event 77' in text and 'stalled for 5 s' in text and text)
        self.assertIn(f'session {10**17 + 3} of worker 0', shown)
        self.assertIn('session.opened', shown)
        self.assertNotIn('worker.died', shown)
        self.assertIn('1500 kbit/s  25.00/s', shown)
        self.assertIn('round trip 83 ms  lost 1.20 %, for good 0.04 % (10 s)', shown)
        top.type('\033')
        top.wait('the table again', lambda _: len(top.stations()) == 3)
        # Whoever looks again goes on from there.
        node.events.append(event(4, 'session.closed', station='3', session='8'))
        top.type('\r')
        shown = top.wait('what happened since', lambda text: 'session.closed' in text and text)
        self.assertIn('session.opened', shown)
        self.assertEqual(node.read_after.count(0), 1, node.read_after)
        # Another node has taken its place.
        node.events = [event(1, 'session.refused', station='3')]
        top.wait('what happened there', lambda text: 'session.refused' in text and 'session.opened' not in text)

    def test_a_thousand_streams_only_what_changes_is_drawn(self):
        node = self.fake(*[stream(number) for number in range(1, 1001)])
        top = self.top(columns=130, rows=40)
        top.wait('the first', lambda _: top.stations()[:2] == [1, 2])
        self.assertIn('1000 live', top.text())
        # From the first to the last and back.
        top.type('\033[B' * 3)
        top.type('\033[6~' * 30)
        top.wait('the last', lambda _: top.stations()[-1:] == [1000])
        top.type('\033[5~' * 40)
        top.wait('the first', lambda _: top.stations()[:1] == [1])
        # One stream changes: nothing like a whole screen (40 x 130) is sent.
        pictures = top.sent.count(b'\033[?2026h')
        self.assertEqual(pictures, top.sent.count(b'\033[?2026l'))
        while top.read(1.2) and top.sent.count(b'\033[?2026l') < pictures + 4:
            pass
        before = len(top.sent)
        node.streams[4]['kbps'] = 7777
        top.wait_text('7777')
        top.wait('the end of that picture', lambda _: top.sent.endswith(b'\033[?2026l'))
        # Each picture by itself: how many there are until the change depends on the machine.
        drawn = top.sent[before:].split(b'\033[?2026l')[:-1]
        self.assertTrue(drawn)
        self.assertLess(max(map(len, drawn)), 1500, drawn)

    def test_a_resize_is_followed(self):
        self.fake(*[stream(number) for number in range(1, 200)])
        top = self.top()
        top.wait('as many as fit', lambda _: len(top.stations()) == 24 - 5)
        self.assertNotIn('PEER', top.text())
        top.size(50, 160)
        top.wait('more, and wider', lambda text: len(top.stations()) == 50 - 5 and 'PEER' in text and '192.0.2.1:10001' in text)
        top.size(8, 40)
        top.wait('few, and narrow', lambda text: len(top.stations()) == 3 and 'FPS' not in text)
        top.size(2, 10)
        top.size(30, 80)
        top.wait('as many as fit', lambda _: len(top.stations()) == 30 - 5)

    def test_the_terminal_is_restored(self):
        self.three()
        for how, code in ((lambda top: top.type('q'), 0), (lambda top: top.type('\x03'), 0),
                          (lambda top: top.process.send_signal(signal.SIGTERM), -signal.SIGTERM),
                          (lambda top: top.process.send_signal(signal.SIGHUP), -signal.SIGHUP),
                          (lambda top: top.process.send_signal(signal.SIGSEGV), -signal.SIGSEGV),
                          (lambda top: top.process.send_signal(signal.SIGABRT), -signal.SIGABRT)):
            top = self.top(term='xterm-256color')
            top.wait('it is drawn', lambda text: 'STATION' in text)
            self.assertNotEqual(termios.tcgetattr(top.slave), top.before)
            how(top)
            self.assertEqual(top.end(), code)
            self.assertEqual(termios.tcgetattr(top.slave), top.before, code)
            for on, off in ((b'\033[?1049h', b'\033[?1049l'), (b'\033[?25l', b'\033[?25h'), (b'\033[?1h', b'\033[?1l')):
                self.assertIn(on, top.sent)
                self.assertGreater(top.sent.rfind(off), top.sent.rfind(on), (code, off))

    def test_it_stops_and_goes_on(self):
        self.three()
        top = self.top(term='xterm-256color')
        top.wait('it is drawn', lambda text: 'STATION' in text)
        top.type('\x1a')
        deadline = time.monotonic() + PATIENCE
        while os.waitid(os.P_PID, top.process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None:
            self.assertLess(time.monotonic(), deadline)
            top.read(0.05)
        while top.read(0):
            pass
        self.assertIn(b'\033[?1049l', top.sent)
        self.assertEqual(termios.tcgetattr(top.slave), top.before)
        sent = len(top.sent)
        top.process.send_signal(signal.SIGCONT)
        top.wait('it is drawn again', lambda _: b'STATION' in top.sent[sent:])
        top.type('q')
        self.assertEqual(top.end(), 0)

    def test_colours_and_letters_as_they_are_wanted(self):
        self.three()
        top = self.top(term='xterm-256color')
        top.wait('it is drawn', lambda text: 'stalled' in text)
        self.assertRegex(top.sent, rb'\033\[[0-9;]*31m')  # red
        plain = self.top(term='xterm-256color', NO_COLOR='1')
        plain.wait('it is drawn', lambda text: 'stalled' in text)
        self.assertNotRegex(plain.sent, rb'\033\[[0-9;]*3[1-7]m')
        self.assertIn('█'.encode(), plain.sent)
        for ascii_only in (self.top('--ascii'), self.top(LC_ALL='C')):
            ascii_only.wait('it is drawn', lambda text: 'stalled' in text and 'v' in text)
            self.assertRegex(ascii_only.text(), r'1001 +@ +25\.0')
            self.assertRegex(ascii_only.sent, rb'\A[\x00-\x7f]*\Z')

    def test_a_node_that_goes_away_is_waited_for(self):
        node = self.three()
        top = self.top()
        top.wait('three streams', lambda _: len(top.stations()) == 3)
        node.stop()
        top.wait_text('old: no node answers')
        self.assertEqual(len(top.stations()), 3)
        node.streams.append(stream(9))
        node.start()
        top.wait('it is back', lambda text: len(top.stations()) == 4 and 'headgate 9.9.9' in text)

    def test_a_terminal_that_will_not_do_is_told(self):
        self.three()
        top = self.top(term='dumb')
        self.assertEqual(top.end(), 1)
        self.assertIn('--once', top.text())
        self.assertEqual(termios.tcgetattr(top.slave), top.before)

    def test_into_a_pipe_it_prints_once(self):
        self.three()
        done = subprocess.run([HEADGATE, 'top', '--runtime-dir', self.folder], capture_output=True, text=True, timeout=PATIENCE, check=True,
                              stdin=subprocess.DEVNULL)
        self.assertIn('sessions 2/5000', done.stdout)
        self.assertEqual(len([line for line in done.stdout.splitlines() if re.match(r' +\d+  (live|waiting)', line)]), 3)
        self.assertNotIn('\033', done.stdout)


if __name__ == '__main__':
    tap.run_unittest()
