#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate archive …, from outside: archive_test.py HEADGATE WRITER CHECKER. WRITER (store-kill-writer) writes an
archive until it is killed."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support"))
import tap  # noqa: E402

CHECKER, WRITER, HEADGATE = (os.path.abspath(sys.argv.pop()) for _ in range(3))


def headgate(*arguments):
    return subprocess.run([HEADGATE, 'archive', *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, 'LC_ALL': 'C.UTF-8'})


class Archive(unittest.TestCase):
    def setUp(self):
        # pylint: disable=consider-using-with
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.root = self.scratch.name
        self.writer = subprocess.Popen([WRITER, self.root, '0'], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.writer.stdout.close)
        self.addCleanup(self.writer.wait)
        self.addCleanup(self.writer.kill)
        # Both stations have recorded segments.
        wanted = {'durable 1', 'durable 2'}
        while wanted:
            line = self.writer.stdout.readline()
            self.assertTrue(line, 'the writer died by itself')
            wanted.discard(line[:9])

    def die(self):
        self.writer.kill()
        self.writer.stdout.read()
        self.writer.wait()

    def rows(self, *arguments):
        out = headgate('list', self.root, '--json', *arguments)
        self.assertEqual(out.returncode, 0, out.stderr)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def test_living_dead_and_recovered(self):
        rows = self.rows()
        self.assertEqual([(row['event'], row['station'], row['state']) for row in rows],
                         [(7, 1, 'live'), (7, 2, 'live')])
        out = headgate('recover', self.root, '--json')
        self.assertEqual(json.loads(out.stdout)['live'], 2)
        self.assertEqual(json.loads(out.stdout)['recovered'], 0)
        self.die()
        self.assertEqual({row['state'] for row in self.rows()}, {'open'})
        before = self.rows()
        out = headgate('recover', self.root)
        self.assertEqual((out.returncode, out.stderr), (0, ''))
        self.assertTrue(out.stdout.startswith('2 recovered, 0 being written;'), out.stdout)
        after = self.rows()
        self.assertEqual([{**row, 'state': 'crash'} for row in before], after)
        self.assertGreater(after[0]['segments'], 0)
        self.assertEqual(self.rows('--station', '2'), after[1:])
        self.assertEqual(self.rows('--event', '8'), [])
        checked = subprocess.run([sys.executable, CHECKER, self.root], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_show(self):
        self.die()
        headgate('recover', self.root)
        row = self.rows('--station', '1')[0]
        directory = f"{self.root}/lta/7/st/01/000001/{row['run']}"
        out = headgate('show', directory)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual(len(re.findall('^segment ', out.stdout, re.M)), row['segments'])
        self.assertTrue(out.stdout.startswith(f"run      {row['run']} from "), out.stdout)
        self.assertTrue(out.stdout.endswith('end      crash\n'), out.stdout[-200:])
        self.assertIn('avc1.42c00c,mp4a.40.2 320x180', out.stdout)
        # By its name, too, as `list` has it.
        self.assertEqual(headgate('show', self.root, row['run']).stdout, out.stdout)
        wrong = headgate('show', self.root, 'nosuch')
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ''))
        self.assertIn(f"there is no run nosuch; 'headgate archive list {self.root}'", wrong.stderr)
        self.assertIn("a RUN of 'headgate archive list'", headgate('show', self.root).stderr)

    def test_a_path_below_the_archive_is_told_as_such(self):
        self.die()
        part = f'; it is a part of the archive {os.path.realpath(self.root)}\n'
        for command in ('list', 'recover'):
            for below in ('lta', 'lta/7/st'):
                out = headgate(command, f'{self.root}/{below}')
                self.assertEqual((out.returncode, out.stdout), (1, ''))
                self.assertTrue(out.stderr.endswith(part), out.stderr)
        os.mkdir(f'{self.root}/other')
        out = headgate('list', f'{self.root}/other')
        self.assertTrue(out.stderr.endswith('(no directory lta)\n'), out.stderr)

    def test_damage_is_told(self):
        self.die()
        row = self.rows('--station', '1')[0]
        chain = f"{self.root}/lta/7/st/01/000001/{row['run']}/run.jl"
        with open(chain, encoding='ascii') as f:
            text = f.read()
        with open(chain, 'w', encoding='ascii') as f:
            f.write(text.replace('"t":"file"', '"t":"File"', 1))
        out = headgate('recover', self.root)
        self.assertEqual(out.returncode, 1)
        self.assertIn('1 damaged line(s) in run.jl', out.stderr)

    def test_wrong_usage(self):
        self.assertEqual(headgate('list').returncode, 2)
        self.assertEqual(headgate('recover', 'a', 'b').returncode, 2)
        self.assertEqual(headgate('list', '/nonexistent').returncode, 1)
        self.assertEqual(headgate('recover', '/nonexistent').returncode, 1)
        with tempfile.TemporaryDirectory() as fresh:  # a node's first start
            self.assertEqual(headgate('recover', fresh).returncode, 0)
        self.assertEqual(headgate('show', self.root).returncode, 1)
        self.assertEqual((headgate('show').returncode, headgate('show', 'a', 'b', 'c').returncode), (2, 2))
        self.assertEqual(headgate('frob').returncode, 2)
        for command in ('list', 'recover', 'show'):
            self.assertEqual(headgate(command, '--help').returncode, 0)


if __name__ == '__main__':
    tap.run_unittest()
