#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/events.md has every kind of event that the sources tell, and no other."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import tap  # noqa: E402  pylint: disable=wrong-import-position

SERVE, CONTROL = TOP / "tools/headgate/serve", TOP / "tools/control"
PAGE = (TOP / "docs/events.md").read_text()
ROLES = ("gate", "origin", "control", "worker")
# Kinds that are put together: the first argument, what it begins with, and where the ends stand.
PUT_TOGETHER = {
    '"worker." + verdict.kind': (("worker",), TOP / "tools/guard/worker_health.cpp", r'now_ms,\s+"(\w+)"|Do::\w+, "(\w+)"'),
    '"instance." + excess.kind': (("instance",), TOP / "tools/guard/worker_health.cpp", r'now_ms,\s+"(\w+)"|Do::end, "(\w+)"'),
    'std::string("quarantine.") + kind': (("quarantine",), SERVE / "policy_quarantine.cpp", r'std::pair\("([\w-]+)"'),
    'std::string("instance.") + what': (("instance",), SERVE / "child_events.cpp", r'tell\(\s*events_, child, "(?!added)(\w+)"'),
    "kind": (ROLES, SERVE / "child_events.cpp", r'tell\(\s*events_, child, "(?!started)(\w+)"'),
}


def first_argument(text):
    depth, quoted = 0, False
    for at, char in enumerate(text):
        quoted ^= char == '"'
        if quoted:
            continue
        if depth == 0 and char in ",)":
            return " ".join(text[:at].split())
        depth += (char in "({") - (char in ")}")
    raise AssertionError(text)


def told():
    out = set()
    for path in sorted([*SERVE.glob("*.cpp"), *CONTROL.glob("*.cpp")]):
        text = path.read_text()
        out |= set(re.findall(r'kTestKind\[\] = "([\w.]+)"', path.with_suffix(".h").read_text() if path.with_suffix(".h").exists() else ""))
        for call in re.finditer(r"\b(?:events_?|log_)\.add\(", text):
            kind = first_argument(text[call.end():])
            literals = re.findall(r'"([a-z]+\.[a-z-]+)"', kind)
            if literals:
                out |= set(literals)
                continue
            assert kind in PUT_TOGETHER, f"{path.name}: which kinds are {kind}?"
            begins, source, pattern = PUT_TOGETHER[kind]
            ends = {end for ends in re.findall(pattern, source.read_text()) for end in ([ends] if isinstance(ends, str) else ends) if end}
            assert ends, f"{source.name} has none of {pattern}"
            out |= {f"{begin}.{end}" for begin in begins for end in ends}
    return out


def written():
    out = set()
    for cell in re.findall(r"^\| ([^|]*\.[^|]*) \|", PAGE, re.M):
        for kind in re.findall(r"`([\w….-]+)`", cell):
            begins = ROLES if kind.startswith("….") else (kind.split(".")[0],)
            out |= {f"{begin}.{kind.split('.')[1]}" for begin in begins}
    return out


def test_every_kind_is_described():
    assert len(told()) > 40, told()
    assert not told() - written(), f"docs/events.md misses {sorted(told() - written())}"


def test_no_other_kind_is_described():
    assert not written() - told(), f"nobody tells {sorted(written() - told())}"


tap.run(globals())
