# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether an archive holds everything that was sent: every byte of it is read again and held against its chain (by
tests/support/check_archive.py, which has no code in common with the writer), and its frames against the publisher's
count."""

import multiprocessing
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import check_archive


def station_folders(root):
    return sorted(pathlib.Path(root).glob("lta/*/st/*/*"), key=lambda folder: int(folder.name))


def start_job():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # how the pool ends it; the bench's own handler is for the bench
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def check_station(folder):
    errors, notes = [], []
    found = check_archive.check_station(str(folder), errors, notes)
    return {**found, "errors": errors, "notes": notes}


def check_all(root, jobs, on_done):
    """One result per station; `on_done(number, of)` after each."""
    folders = station_folders(root)
    out = []
    with multiprocessing.Pool(jobs or os.cpu_count(), start_job) as pool:
        for result in pool.imap_unordered(check_station, folders):
            out.append(result)
            on_done(len(out), len(folders))
    return sorted(out, key=lambda one: one["station"])


def compare(sent, found):
    """What is wrong with each station; a station that is complete has no entry. `sent`: the load's result."""
    of = {one["station"]: one for one in found}
    wrong = {}
    for station in sent["per_station"]:
        number, reasons = station["station"], []
        archive = of.get(number)
        if archive is None:
            wrong[number] = ["no archive"]
            continue
        reasons += archive["errors"] + archive["notes"]
        runs = archive["runs"]
        for kind in ("video", "audio"):
            published = sum(session[kind] for session in station["sessions"])
            kept = sum(run[f"{kind}_frames"] for run in runs)
            if kept != published:
                reasons.append(f"{published} {kind} frames were sent, {kept} are in the archive")
        reasons += [f"gap of {gap['ms']} ms: {gap['reason']}" for run in runs for gap in run["gaps"]]
        reasons += [f"run {run['run']} has not ended" for run in runs if run["ended"] in (None, "crash")]
        if sum(run["unattested_bytes"] for run in runs):
            reasons.append("bytes without a record")
        if reasons:
            wrong[number] = reasons
    return wrong
