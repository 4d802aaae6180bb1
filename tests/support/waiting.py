# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for what another process does: on a condition, with a deadline."""
import os
import time

# Sanitizers and valgrind make everything slower; deadlines are multiplied by this.
SLOWNESS = float(os.environ.get("HEADGATE_SLOWNESS", "1"))
PATIENCE_S = 60  # of a loaded machine


def wait_until(what, predicate, within=PATIENCE_S):
    """Asks until `predicate` answers something true, and returns that; AssertionError with `what` otherwise."""
    deadline = time.monotonic() + within * SLOWNESS
    while True:
        answer = predicate()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {within * SLOWNESS:.0f} s: {what}"
        time.sleep(0.01)
