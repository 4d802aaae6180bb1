# SPDX-License-Identifier: LGPL-2.1-or-later
"""Takes the processor from the threads of a worker that encode, and from no others."""

import contextlib
import os
import pathlib
import subprocess
import sys

HOGS = 32
PROCESSOR = 0  # on which they are, with what gets nothing
OTHERS = "headgate-"  # threads on the way from the connection to the archive, by their names' beginning


def threads(pid):
    """{id: name}"""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found[int(task.name)] = (task / "comm").read_text().strip()
    return found


def encoding(pid):
    return [thread for thread, name in threads(pid).items() if thread != pid and not name.startswith(OTHERS)]


def schedule(found, policy, processors):
    for thread in found:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(0))
            os.sched_setaffinity(thread, processors)


def hog():
    os.setsid()  # the kernel may share a processor out among sessions first
    os.nice(19)
    os.sched_setaffinity(0, {PROCESSOR})


@contextlib.contextmanager
def starved(pid):
    """They run on one processor and only when nobody else wants to, and many always do."""
    everywhere = os.sched_getaffinity(pid)
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=hog) for _ in range(HOGS)]
    try:
        schedule(encoding(pid), os.SCHED_IDLE, {PROCESSOR})
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            schedule(encoding(pid), os.SCHED_OTHER, everywhere)
        # All at once: each needs a turn of its own to end, and the others would have theirs before.
        for one in hogs:
            one.kill()
        for one in hogs:
            one.wait()
