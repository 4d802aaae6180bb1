# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests of a Python file and tells TAP: every function named test_*, in the order they are written, or every
case of unittest.

A test passes by returning, fails by any exception, and is skipped by raising Skip (unittest's own ways hold for its
cases). When the runner's patience ends (SIGTERM), the one under way cleans up after itself.
"""
import os
import signal
import sys
import time
import traceback
import unittest


class Skip(Exception):
    """Why the test cannot run here."""


def run(module_globals):
    """Runs them all, the K-th of each N ("K/N" on the command line), or those whose name contains a word of it; exits."""
    tests = [(name, test) for name, test in module_globals.items() if name.startswith("test_") and callable(test)]
    wanted = sys.argv[1:]
    if wanted and "/" in wanted[0]:
        part, parts = (int(number) for number in wanted[0].split("/"))
        tests = tests[part - 1::parts]
    elif wanted:
        tests = [one for one in tests if any(word in one[0] for word in wanted)]
    assert tests, f"no test is called {wanted}"
    tap = _tap_stream()
    tap.write(f"1..{len(tests)}\n")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        began = time.monotonic()
        title = f"{number} - {name[len('test_'):].replace('_', ' ')}"
        try:
            test()
            tap.write(f"ok {title}\n")
        except Skip as reason:
            tap.write(f"ok {title} # SKIP {reason}\n")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            tap.write(f"not ok {title}\n")
            traceback.print_exc()
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)


def run_unittest():
    """Runs the unittest cases of the program; exits."""
    tap = _tap_stream()
    result = _Result(tap)
    unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]).run(result)
    # Last: a class that cannot be set up is told once, not by its cases.
    tap.write(f"1..{result.told}\n")
    sys.exit(0 if result.told and result.wasSuccessful() else 1)


def _tap_stream():
    """What a test prints is for people; TAP goes where the tests cannot write by accident."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tap = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    tap.write("TAP version 13\n")
    return tap


class _Result(unittest.TestResult):
    """Tells each case when it is over; one with several faults is one case. What befalls a class as a whole, outside of
    any case, is a case of its own."""

    def __init__(self, tap):
        super().__init__()
        self.tap = tap
        self.told = 0
        self.running = self.good = False
        self.skipped_for = None
        self.began = 0.0

    def _tell(self, test, good, skipped_for=None):
        self.told += 1
        name = test.id().removeprefix("__main__.").replace("#", " ")
        comment = f" # SKIP {skipped_for}" if skipped_for and good else ""
        self.tap.write(f"{'ok' if good else 'not ok'} {self.told} - {name}{comment}\n")

    def startTest(self, test):
        super().startTest(test)
        self.running = self.good = True
        self.skipped_for = None
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.running = False
        self._tell(test, self.good, self.skipped_for)
        print(f"{test.id()}: {time.monotonic() - self.began:.1f} s", file=sys.stderr, flush=True)

    def _fault(self, test, error):
        print(f"{test.id()}:\n{''.join(traceback.format_exception(*error))}", file=sys.stderr, flush=True)
        self.good = False
        if not self.running:
            self._tell(test, False)

    def addError(self, test, err):
        super().addError(test, err)
        self._fault(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fault(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._fault(subtest, err)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.good = False

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skipped_for = reason
        if not self.running:
            self._tell(test, True, reason)
