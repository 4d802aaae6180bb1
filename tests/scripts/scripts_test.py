#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripts of tools/ and .ci/: ShellCheck, their help, their package lists, and the counting of tests."""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import tap  # noqa: E402


def shell_scripts():
    candidates = [*TOP.glob("tools/*"), *TOP.glob(".ci/*"), *TOP.glob("tests/**/run"), *TOP.glob("tests/**/*.sh")]
    candidates = [path for path in candidates if path.is_file() and "node_modules" not in path.parts]
    return [path for path in candidates if re.match(r"#!.*\b(ba)?sh\b|# shellcheck shell=", path.read_text(encoding="utf-8"))]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=TOP,
                          stdin=subprocess.DEVNULL, **more)


def test_shell_scripts_are_clean():
    if not shutil.which("shellcheck"):
        raise tap.Skip("no shellcheck")
    scripts = [str(path.relative_to(TOP)) for path in shell_scripts()]
    assert {"tools/demo", "tools/test", "tools/setup", "tools/lib.sh", ".ci/run"} <= set(scripts), scripts
    done = run("shellcheck", "-x", *scripts)
    assert done.returncode == 0, done.stdout


def test_help_and_wrong_arguments():
    for script in ("demo", "test", "setup", "phone"):
        told = run(f"tools/{script}", "--help")
        assert told.returncode == 0 and told.stdout.startswith(f"Usage: tools/{script}"), told
        assert not told.stderr, told.stderr
    for wrong in (["demo", "--nonsense"], ["demo", "--http"], ["test", "--sanitize", "memory"], ["setup", "nonsense"], ["phone"]):
        refused = run(f"tools/{wrong[0]}", *wrong[1:])
        assert refused.returncode == 1 and refused.stderr, f"{wrong}: {refused}"


def test_package_groups():
    source = '. tools/lib.sh; packages_of "$@"'
    every = {group: run("bash", "-c", f"top={TOP}; {source}", "-", group).stdout.split()
             for group in ("build", "run", "page", "browser", "test")}
    assert "meson" in every["build"] and "chromium" in every["browser"] and every["page"] == ["nodejs", "npm"], every
    both = run("bash", "-c", f"top={TOP}; {source}", "-", "page", "browser").stdout.split()
    assert sorted(both) == sorted(set(every["page"]) | set(every["browser"])), both


def count(junit, log):
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "fast"
        base.with_suffix(".junit.xml").write_text(junit, encoding="utf-8")
        base.with_suffix(".json").write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
        done = run(sys.executable, "tools/count_tests.py", str(base))
        return done.stdout.split() if done.returncode == 0 else None


def test_counts():
    suite = '<testsuite name="headgate.base">{}</testsuite>'
    good = '<testcase name="a"/><testcase name="b"/>'
    bad = '<testcase name="c"><failure/></testcase>'
    left = '<testcase name="d" result="skipped"><skipped/></testcase>'

    def suites(text):
        return f"<testsuites>{suite.format(text)}</testsuites>"

    passed, failed = {"name": "headgate:libs / base", "result": "OK"}, {"name": "headgate:libs / base", "result": "FAIL"}
    assert count(suites(good), [passed]) == ["2", "0", "0"]
    assert count(suites(good + bad + left), [failed]) == ["2", "1", "1"]
    # Crashed after its cases were told.
    assert count(suites(good), [failed]) == ["2", "1", "0"]
    # Another suite's failed case is no excuse.
    other = {"name": "headgate:libs / base-more", "result": "TIMEOUT"}
    assert count(suites(good + bad), [failed, other]) == ["2", "2", "0"]
    assert count("<testsuites/>", []) is None


if __name__ == "__main__":
    tap.run(globals())
