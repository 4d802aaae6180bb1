# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prometheus' own judge of metrics, rules and configurations. tools/setup puts it where it is looked for."""
import shutil
import subprocess
from pathlib import Path

from tap import Skip

FETCHED = Path(__file__).resolve().parents[2] / "tests/promtool/promtool"


def promtool(*arguments, text=None):
    """What it prints; an AssertionError if it finds fault, and in doubt says so on success, too."""
    program = shutil.which("promtool") or (FETCHED if FETCHED.exists() else None)
    if not program:
        raise Skip("promtool is not there: tools/setup test")
    done = subprocess.run([program, *map(str, arguments)], input=text, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, f"promtool {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def check_metrics(text):
    """An exposition, with its conventions: not one complaint."""
    complaints = promtool("check", "metrics", text=text)
    assert not complaints, complaints
