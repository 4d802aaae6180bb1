#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts one `meson test --logbase NAME` run, given the path of its logs without ending: prints "passed failed
skipped", and then "NAME: why" for each that was skipped. Given the logs of a second run too, counts each program of
that one by what it came to there. With --failed as the first argument: the names of the programs that failed, but for those
that a signal ended: a crash is no bad luck.

A program that tells its cases (GoogleTest, TAP) counts by case: NAME.junit.xml has them. One that failed without a
failed case (it crashed, or ran out of time) is one failure more. What any other program came to is in NAME.json.
"""
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

BAD = {"FAIL", "ERROR", "TIMEOUT", "UNEXPECTEDPASS", "INTERRUPT"}
PASSED, FAILED, SKIPPED = range(3)
SKIPPED_AS_A_WHOLE = re.compile(r"^1\.\.0 # SKIP (.*)$", re.M)


def told_cases(path):
    """[(program, its <testcase>)]. A suite is called "PROJECT.PROGRAM", from GoogleTest "PROJECT.PROGRAM.SUITE"; the
    suite "PROJECT" has the programs that tell no cases."""
    cases = []
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        _, _, program = suite.get("name").partition(".")
        cases += [(program, case) for case in suite.iter("testcase") if program]
    return cases


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    return SKIPPED if case.find("skipped") is not None else PASSED


def reason(case):
    """TAP's is in <system-out>; GoogleTest's is the message, after the line with the place in the source."""
    told = case.find("skipped").get("message") or case.findtext("system-out") or ""
    return (told.strip().splitlines() or ["no reason given"])[-1]


def count(run, cases):
    """(counts, reasons) of one program."""
    name = run["name"]
    own = [case for program, case in cases if program == name or program.startswith(name + ".")]
    counts = [0, 0, 0]
    for case in own:
        counts[outcome(case)] += 1
    reasons = [f"{case.get('name')}: {reason(case)}" for case in own if outcome(case) == SKIPPED]
    if run["result"] in BAD:
        counts[FAILED] = max(1, counts[FAILED])
    elif not own and run["result"] == "SKIP":
        counts[SKIPPED] = 1
        why = SKIPPED_AS_A_WHOLE.search(run.get("stdout", ""))
        reasons = [f"{name}: {why[1] if why else 'no reason given'}"]
    elif not own:
        counts[PASSED] = 1
    return counts, reasons


def read(base):
    """[(what a program came to, all told cases)] of a run."""
    cases = told_cases(base + ".junit.xml")
    with open(base + ".json", encoding="utf-8") as log:
        runs = [json.loads(line) for line in log if line.strip()]
    if not runs:
        sys.exit("no test ran")
    return {run["name"]: (run, cases) for run in runs}


def main():
    if sys.argv[1] == "--failed":
        # "PROJECT:SUITE / PROGRAM", where `meson test` takes PROGRAM.
        print(*(name.split(" / ")[-1] for name, (run, _) in read(sys.argv[2]).items()
                if run["result"] in BAD and (run["result"] == "TIMEOUT" or 0 <= run["returncode"] < 128)), sep="\n")
        return
    runs = {}
    for base in sys.argv[1:]:
        runs.update(read(base))
    total, reasons = [0, 0, 0], []
    for run, cases in runs.values():
        counts, why = count(run, cases)
        total = [one + more for one, more in zip(total, counts)]
        reasons += why
    print(*total)
    print(*reasons, sep="\n", end="\n" if reasons else "")


if __name__ == "__main__":
    main()
