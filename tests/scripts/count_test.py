#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/count_tests.py, on what Meson writes about programs of every kind."""
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import tap  # noqa: E402

TAP_GOOD = 'print("1..2\\nok 1 - a\\nok 2 - b")'
TAP_SKIP = 'print("1..2\\nok 1 - a\\nok 2 - b # SKIP no root")'
TAP_ALL_SKIPPED = 'print("1..0 # SKIP no Chromium")'
TAP_BAD = 'print("1..3\\nok 1 - a\\nnot ok 2 - b\\nnot ok 3 - c", flush=True)\nraise SystemExit(1)'
TAP_CRASHED = 'print("1..3\\nok 1 - a", flush=True)\nraise SystemExit(1)'
TAP_SLOW = 'import time\nprint("1..2\\nok 1 - a", flush=True)\ntime.sleep(60)'
SLOW = 'import time\ntime.sleep(60)'
# GoogleTest writes its report where it is told to.
GTEST = '''import sys
report = next(word.split(":", 1)[1] for word in sys.argv if word.startswith("--gtest_output=xml:"))
open(report, "w").write("""<testsuites name="AllTests"><testsuite name="One">{}</testsuite><testsuite name="Two"><testcase
name="d" classname="Two"/></testsuite></testsuites>""")
raise SystemExit({})'''
CASE, BAD_CASE = '<testcase name="a" classname="One"/>', '<testcase name="b" classname="One"><failure message="x"/></testcase>'
SKIPPED_CASE = '<testcase name="c" classname="One" result="skipped"><skipped message="one_test.cpp:1&#x0A;no space"/></testcase>'


def count(*programs, again=False):
    """count_tests.py's first line and the others, of programs (protocol, Python text); `again`: what failed is run a
    second time, as tools/test does."""
    with tempfile.TemporaryDirectory() as folder:
        build = ["project('made-up')", "python = find_program('python3')"]
        for number, (protocol, text) in enumerate(programs):
            (Path(folder) / f"{number}.py").write_text(text, encoding="utf-8")
            # Of two suites each: as in the project itself, that makes the suite part of a program's name.
            timeout = 5 if text in (SLOW, TAP_SLOW) else 60
            build.append(f"test('p{number}', python, args: files('{number}.py'), protocol: '{protocol}', timeout: {timeout}, "
                         f"suite: 'suite{number % 2}')")
        (Path(folder) / "meson.build").write_text("\n".join(build), encoding="utf-8")
        more = {"cwd": folder, "capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL}
        subprocess.run(["meson", "setup", "build"], check=True, **more)
        subprocess.run(["meson", "test", "-C", "build", "--logbase", "log"], check=False, **more)
        counter, log = [sys.executable, TOP / "tools/count_tests.py"], f"{folder}/build/meson-logs/log"
        logs = [log]
        if again:
            failed = subprocess.run([*counter, "--failed", log], check=True, **more).stdout.split()
            if failed:
                subprocess.run(["meson", "test", "-C", "build", "--logbase", "log-again", *failed], check=False, **more)
                logs.append(f"{log}-again")
        done = subprocess.run([*counter, *logs], check=False, **more)
        assert done.returncode == 0, done.stderr
        first, *others = done.stdout.splitlines()
        return first, others


def expect(wanted, *programs, why=(), again=False):
    # Another program beside them, of another suite.
    passed, failed, skipped = (int(word) for word in wanted.split())
    told, reasons = count(*programs, ("exitcode", ""), again=again)
    assert told == f"{passed + 1} {failed} {skipped}", f"{told}, not {wanted} and one that passed"
    assert [reason.split(": ")[-1] for reason in reasons] == list(why), reasons


def test_tap():
    expect("2 0 0", ("tap", TAP_GOOD))
    expect("1 2 0", ("tap", TAP_BAD))
    expect("1 0 1", ("tap", TAP_SKIP), why=["no root"])
    expect("0 0 1", ("tap", TAP_ALL_SKIPPED), why=["no Chromium"])


def test_tap_that_ends_early():
    expect("1 1 0", ("tap", TAP_CRASHED))
    expect("1 1 0", ("tap", TAP_SLOW))


def test_google_test():
    expect("2 0 0", ("gtest", GTEST.format(CASE, 0)))
    expect("2 1 1", ("gtest", GTEST.format(CASE + BAD_CASE + SKIPPED_CASE, 1)), why=["no space"])
    # Crashed at its end, after its cases were told; and before it told any.
    expect("2 1 0", ("gtest", GTEST.format(CASE, 1)))
    expect("0 1 0", ("gtest", "raise SystemExit(1)"))


def test_programs_without_cases():
    expect("1 1 0", ("exitcode", ""), ("exitcode", "raise SystemExit(1)"))
    expect("0 0 1", ("exitcode", "raise SystemExit(77)"), why=["no reason given"])
    expect("0 1 0", ("exitcode", SLOW))


def test_another_programs_failure_is_no_excuse():
    expect("2 3 0", ("tap", TAP_BAD), ("tap", TAP_CRASHED))


# Fails the first time that it is run in a folder.
def once_bad(good, bad):
    return f"import os\nif os.path.exists('was-here'):\n  {good}\nelse:\n  open('was-here', 'w').close()\n  {bad}"


def test_a_second_run_counts_for_those_that_were_in_it():
    fails = "raise SystemExit(1)"
    expect("3 0 0", ("exitcode", once_bad("pass", fails)), ("tap", TAP_GOOD), again=True)
    expect("3 0 0", ("tap", once_bad(TAP_GOOD, "print('1..2\\nok 1 - a\\nnot ok 2 - b')")), ("exitcode", ""), again=True)
    expect("1 1 0", ("exitcode", fails), ("exitcode", ""), again=True)
    crashes = "os.kill(os.getpid(), 11)"
    expect("1 1 0", ("exitcode", once_bad("pass", crashes)), ("exitcode", ""), again=True)


def test_no_tests_at_all():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "log.junit.xml").write_text("<testsuites/>", encoding="utf-8")
        (Path(folder) / "log.json").write_text("", encoding="utf-8")
        done = subprocess.run([sys.executable, TOP / "tools/count_tests.py", f"{folder}/log"], capture_output=True, check=False)
        assert done.returncode != 0 and not done.stdout, done


if __name__ == "__main__":
    tap.run(globals())
