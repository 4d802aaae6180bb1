# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests of a Python file and tells TAP: every function named test_*, in the order they are written.

A test passes by returning, fails by any exception, and is skipped by raising Skip.
"""
import os
import sys
import time
import traceback


class Skip(Exception):
    """Why the test cannot run here."""


def run(module_globals):
    """Runs them all, or those whose name contains an argument of the command line, and exits."""
    tests = [(name, test) for name, test in module_globals.items() if name.startswith("test_") and callable(test)]
    wanted = sys.argv[1:]
    if wanted:
        tests = [one for one in tests if any(word in one[0] for word in wanted)]
    # What a test prints is for people; TAP goes where the tests cannot write by accident.
    tap = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    tap.write(f"TAP version 13\n1..{len(tests)}\n")
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
