# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate-worker from outside: its command line, and what it refuses at start."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import tap  # noqa: E402

WORKER = sys.argv[1]
GOOD = '"ticketsrc name=source ! fakesink"'


def run(*arguments, **environment):
    return subprocess.run([WORKER, *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, **environment))


class WorkerProgram(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.pipelines = os.path.join(self.folder, 'pipelines')
        os.mkdir(self.pipelines)
        self.common = ['--root', self.folder, '--runtime-dir', self.folder, '--pipelines', self.pipelines]

    def describe(self, text, name='station.json'):
        with open(os.path.join(self.pipelines, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def check(self):
        return run(*self.common, '--check')

    def test_command_line(self):
        self.assertEqual(run('--help').returncode, 0)
        for arguments, text in (([], '--root'), (['--root', 'x'], '--runtime-dir'), (['x', '--root', 'y', '--check'], "'x'"),
                                (['--root', 'x', '--capacity', '0'], 'from 1 to'),
                                (['--root', 'x', '--check', '--set', 'novalue'], 'NAME=VALUE')):
            with self.subTest(arguments=arguments):
                ended = run(*arguments)
                self.assertEqual(ended.returncode, 2)
                self.assertIn(text, ended.stderr)

    def test_descriptions_that_are_refused(self):
        for text, reason in (
                ('{"name": "station",\n "elements": }', 'station.json:2:14: is not a JSON value'),
                ('{"name": "station", "elements": "a", "colour": 1}', 'colour: is not a key'),
                ('{"name": "station", "elements": "nosuchelement name=source"}', 'no element "nosuchelement"'),
                # Two of them in one link: this crashes gst_parse_launch in 1.22.
                ('{"name": "station", "elements": "nosuch1 name=source nosuch2 name=b source.v ! b.v"}',
                 'no element "nosuch1"'),
                ('{"name": "station", "elements": "fakesrc name=source ! fakesink"}', 'has no property session-fd'),
                ('{"name": "station", "elements": "ticketsrc name=source segmentarchiver fill=slate"}',
                 "fill: 'slate' is not none, last, or a folder's absolute path"),
                ('{"name": "station", "elements": "ticketsrc ! fakesink"}', 'no element is named "source"'),
                ('{"name": "station", "elements": "ticketsrc name=source nosuchproperty=1 ! fakesink"}', 'nosuchproperty'),
                ('{"name": "other", "elements": %s}' % GOOD, 'no description has the name "station"')):
            with self.subTest(text=text):
                self.describe(text)
                ended = self.check()
                self.assertEqual(ended.returncode, 1, ended.stderr)
                self.assertIn(reason, ended.stderr)

    def test_good_descriptions(self):
        self.describe('{"name": "station", "elements": %s}' % GOOD)
        self.assertEqual(self.check().returncode, 0)
        self.describe('{"name": "station", "elements": %s}' % GOOD, 'twice.json')
        self.assertIn('another description has the name', self.check().stderr)

    def test_every_fault_of_the_folder_is_told_and_hidden_files_are_not_of_it(self):
        self.describe('{"name": "station", "elements": %s}' % GOOD)
        self.describe('half of one', '.station.json')
        self.assertEqual(self.check().returncode, 0)
        for name in ('one.json', 'two.json'):
            self.describe('half of one', name)
        ended = self.check()
        self.assertEqual(ended.returncode, 1)
        for name in ('one.json', 'two.json'):
            self.assertIn(f'{self.pipelines}/{name}:1:1: ', ended.stderr)

    def test_a_parameter_that_nobody_has(self):
        self.describe('{"name": "station", "elements": %s}' % GOOD)
        ended = run(*self.common, '--check', '--set', 'part-ms=100')
        self.assertEqual(ended.returncode, 1)
        self.assertIn('--set part-ms: no description has this parameter', ended.stderr)
        # One that another description has is kept for it, and told.
        self.describe('{"name": "other", "parameters": {"part-ms": {"type": "integer"}}, "elements": '
                      '"ticketsrc name=source ! segmentarchiver part-duration=${part-ms}"}', 'other.json')
        ended = run(*self.common, '--check', '--set', 'part-ms=100')
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn('--set part-ms has no effect: sessions run station, which has no such parameter', ended.stderr)

    def test_it_ends_on_sigterm_and_takes_its_socket_along(self):
        self.describe('{"name": "station", "elements": %s}' % GOOD)
        worker = subprocess.Popen([WORKER, *self.common, '--id', '7'], stderr=subprocess.DEVNULL)
        self.addCleanup(worker.kill)
        path = os.path.join(self.folder, 'worker-7.sock')
        deadline = time.monotonic() + 60
        while not os.path.exists(path):
            self.assertIsNone(worker.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(10), 0)
        self.assertFalse(os.path.exists(path))


if __name__ == '__main__':
    tap.run_unittest()
