# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a node's processes hold, and whether that grows."""

import os
import pathlib
import statistics

import accounting

KINDS = ("headgate", "headgate-gate", "headgate-origin", "headgate-worker")


def look(root):
    """{kind: {"kb", "anonymous_kb", "processes", "fds", "threads"}} of the node, and of all."""
    out = {}
    for pid in accounting.family(root):
        try:
            kind = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
            kb, anonymous_kb = accounting.pss_kb([pid]), accounting.pss_kb([pid], "Pss_Anon")
            fds, threads = len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            continue  # ended meanwhile
        for name in (kind, "all"):
            entry = out.setdefault(name, {"kb": 0, "anonymous_kb": 0, "processes": 0, "fds": 0, "threads": 0})
            entry["kb"] += kb
            entry["anonymous_kb"] += anonymous_kb
            entry["processes"] += 1
            entry["fds"] += fds
            entry["threads"] += threads
    return out


def median(samples, span, kind, key):
    values = [sample["kinds"][kind][key] for sample in samples
              if span[0] <= sample["at_s"] <= span[1] and kind in sample["kinds"]]
    return statistics.median(values) if values else None


def growth(samples, spans, kind, key):
    first, last = (median(samples, span, kind, key) for span in spans)
    return (first, last, last - first) if first is not None and last is not None else (first, last, None)
