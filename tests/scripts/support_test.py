#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests stand on: that no process they have started can hide from them, and that they clean up when they are
told to end."""
import os
import signal
import subprocess
import sys
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))
import family  # noqa: E402
import tap  # noqa: E402
from waiting import wait_until  # noqa: E402

WITHIN_S = 20
# Ends at once and leaves a process in a session of its own, without environment and with a name that tells nothing.
LEAVES_AN_ORPHAN = """import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.execve("/bin/sleep", ["orphan", "600"], {})
    os._exit(0)
os.wait()
"""
UNDER_TAP = """import subprocess, sys
sys.path.insert(0, sys.argv.pop(1))
import tap
def test_long():
    child = subprocess.Popen(["sleep", "600"])
    try:
        print(child.pid, flush=True)
        child.wait()
    finally:
        child.kill()
        child.wait()
        print("cleaned up", flush=True)
tap.run({"test_long": test_long})
"""
UNITTEST_CASES = """import sys, unittest
sys.path.insert(0, sys.argv.pop(1))
import tap
class A(unittest.TestCase):
    def test_good(self): pass
    def test_parts(self):
        for number in range(3):
            with self.subTest(number=number): self.assertEqual(number, 1)
    def test_skipped(self): self.skipTest("no ffmpeg")
    def test_twice_bad(self):
        self.addCleanup(lambda: 1 / 0)
        self.fail("x")
class B(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("no nginx")
    def test_never(self): pass
class C(unittest.TestCase):
    @classmethod
    def setUpClass(cls): 1 / 0
    def test_never(self): pass
tap.run_unittest()
"""


def test_orphans_are_found_and_killed():
    family.adopt()
    assert not family.descendants()
    subprocess.run([sys.executable, "-c", LEAVES_AN_ORPHAN], check=True)
    wait_until("the orphan is ours", lambda: list(family.descendants().values()) == ["orphan 600"])
    (pid,) = family.descendants()
    family.kill_all(lambda command: "somebody else" in command)
    assert list(family.descendants()) == [pid]
    family.kill_all()
    assert not family.descendants()
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL


def test_a_test_that_is_told_to_end_cleans_up():
    program = subprocess.Popen([sys.executable, "-c", UNDER_TAP, SUPPORT], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    child = int(program.stderr.readline())
    program.terminate()
    assert program.wait(WITHIN_S) == 143
    assert "cleaned up" in program.stderr.read()
    program.stderr.close()
    assert not Path(f"/proc/{child}").exists()


def test_unittest_tells_its_cases():
    done = subprocess.run([sys.executable, "-c", UNITTEST_CASES, SUPPORT], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and lines[0] == "TAP version 13", done
    assert lines[1:5] == ["ok 1 - A.test_good", "not ok 2 - A.test_parts", "ok 3 - A.test_skipped # SKIP no ffmpeg",
                          "not ok 4 - A.test_twice_bad"], lines
    assert lines[5].startswith("ok 5 - ") and lines[5].endswith("# SKIP no nginx"), lines
    assert lines[6].startswith("not ok 6 - ") and lines[7:] == ["1..6"], lines


def test_a_word_that_names_no_test_is_a_mistake():
    program = "import sys\nsys.path.insert(0, sys.argv.pop(1))\nimport tap\ntap.run({'test_a': print})"
    for words, code in ((["a"], 0), (["1/1"], 0), (["2/2"], 1), (["b"], 1)):
        done = subprocess.run([sys.executable, "-c", program, SUPPORT, *words], capture_output=True, check=False)
        assert done.returncode == code, (words, done)


if __name__ == "__main__":
    tap.run(globals())
