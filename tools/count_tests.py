#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints "passed failed skipped" of one `meson test --logbase NAME` run, given the path of its logs without ending.

Cases come from NAME.junit.xml, where GoogleTest and TAP tell theirs. A program that failed without a failed case
(it crashed, or ran out of time) is one more failure: NAME.json knows.
"""
import json
import sys
import xml.etree.ElementTree as ElementTree

BAD = {"FAIL", "ERROR", "TIMEOUT", "UNEXPECTEDPASS", "INTERRUPT"}


def cases_of(suite):
    """(passed, failed, skipped) of one <testsuite>."""
    passed = failed = skipped = 0
    for case in suite.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("result") in ("skipped", "suppressed"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    base = sys.argv[1]
    by_case = [0, 0, 0]
    failed_suites = set()
    for suite in ElementTree.parse(base + ".junit.xml").getroot().iter("testsuite"):
        counts = cases_of(suite)
        by_case = [total + more for total, more in zip(by_case, counts)]
        if counts[1]:
            failed_suites.add(suite.get("name", "") + ".")
    with open(base + ".json", encoding="utf-8") as log:
        runs = [json.loads(line) for line in log if line.strip()]
    if not runs:
        sys.exit("no test ran")
    for run in runs:
        # "project:suite / name"; JUnit calls it "project.name", or "project.name.GoogleTestSuite".
        name = run["name"].split(" / ")[-1]
        if run["result"] in BAD and not any(f".{name}." in suite for suite in failed_suites):
            by_case[1] += 1
            print(f"{run['name']}: {run['result']}", file=sys.stderr)
    print(*by_case)


if __name__ == "__main__":
    main()
