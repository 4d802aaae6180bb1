# SPDX-License-Identifier: LGPL-2.1-or-later
"""All processes that a test has started, and those that these have started, whoever else has ended in between: once
adopt() was called, what loses its parent becomes a child of the test's own process, not of the machine's first."""
import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
KILLED_WITHIN_S = 10


def adopt():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def state_and_parent(stat):
    """Of a stat file in /proc; None when it is gone."""
    try:
        state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return state, int(parent)


def alive(pid):
    """Whether a process is there and has not ended. A zombie has, once its last thread has: until then files and
    sockets are open."""
    tasks = [state_and_parent(stat) for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return any(task and task[0] not in "ZX" for task in tasks)


def descendants():
    """{id: command line} of those that have not ended."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        of = state_and_parent(stat)
        if of:
            children.setdefault(of[1], []).append(int(stat.parent.name))
    found, parents = {}, [os.getpid()]
    while parents:
        below = children.get(parents.pop(), [])
        parents += below
        found.update((pid, command_line(pid)) for pid in below if alive(pid))
    return found


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def kill_all(among=lambda command: True):
    """SIGKILL until none whose command line is wanted is left: they may be starting others."""
    deadline = time.monotonic() + KILLED_WITHIN_S
    while time.monotonic() < deadline:
        left = [pid for pid, command in descendants().items() if among(command)]
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
    raise AssertionError(f"{left} do not die")
