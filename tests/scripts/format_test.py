#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every source file is as .clang-format has it."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import tap  # noqa: E402

VERSION = 14  # Debian 12's: others break lines elsewhere
FOLDERS = ("subprojects", "plugins", "tools", "tests")
ENDINGS = {".cpp", ".h", ".js", ".mjs"}


def test_sources_are_formatted():
    if not shutil.which("clang-format"):
        raise tap.Skip("no clang-format")
    told = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if f"version {VERSION}." not in told:
        raise tap.Skip(f"clang-format {VERSION} decides, not {told.strip()}")
    files = [path for folder in FOLDERS for path in sorted((TOP / folder).rglob("*"))
             if path.suffix in ENDINGS and "node_modules" not in path.parts]
    assert len(files) > 100, files
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], capture_output=True, text=True, check=False)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.M)))
    assert done.returncode == 0 and not wrong, f"clang-format -i is needed for {wrong}: {done.stderr[-2000:]}"


if __name__ == "__main__":
    tap.run(globals())
