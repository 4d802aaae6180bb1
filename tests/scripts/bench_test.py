#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benches: that each can be called, and that what they conclude from figures is right. Nothing is measured here."""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
BENCH = TESTS / "bench"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TESTS / "support"))
sys.path.insert(0, str(BENCH / "common"))
sys.path.insert(0, str(BENCH / "acceptance"))
sys.path.insert(0, str(BENCH / "endurance"))
sys.path.insert(0, str(BENCH / "startup"))
import accounting  # noqa: E402
import archives  # noqa: E402
import bench  # noqa: E402
import tap  # noqa: E402


def program(name):
    """A bench's `run` as a module."""
    loader = importlib.machinery.SourceFileLoader(f"{name}_run", str(BENCH / name / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_every_bench_tells_how_it_is_called():
    found = sorted(BENCH.glob("*/run"))
    assert len(found) >= 4, found
    for path in found:
        done = subprocess.run([path, "--help"], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 and "--out" in done.stdout, (path, done.stderr)


def soak(folder, worker_kb_per_minute, **changes):
    """Exit code and output of `soak/run --from` for an hour that was made up."""
    lines = []
    for minute in range(61):
        worker = 20_000 + minute * worker_kb_per_minute
        entry = {"processes": 1, "fds": 50, "threads": 7, "anonymous_kb": 1000}
        kinds = {kind: {"kb": 3000, **entry} for kind in ("headgate", "headgate-gate", "headgate-origin")}
        kinds["headgate-worker"] = {"kb": worker, **entry}
        kinds["all"] = {"kb": worker + 9000, **entry}
        lines.append({"bench": "soak", "at_s": minute * 60, "kinds": kinds})
    lines.append({"end": True, "warm_up": 15, "tail": 15, "minutes": 60, "loss": 0.1, "stations": 200, "accepted": 1400,
                  "cut": 1200, "refused": 0, "dropped": 0, "given_up": 0, "restarts": 0, "idle_kb": 9000, "live": 200,
                  "lag_max_ms": 3.0, **changes})
    path, plot = Path(folder) / "soak.jsonl", Path(folder) / "soak.svg"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = subprocess.run([BENCH / "soak/run", "--from", path, "--plot", plot], capture_output=True, text=True,
                          check=False, timeout=60)
    assert "<polyline" in plot.read_text(encoding="utf-8"), done.stderr
    return done.returncode, done.stdout


def test_a_soak_says_what_grew():
    with tempfile.TemporaryDirectory() as folder:
        code, text = soak(folder, 0)
        assert code == 0 and "NOT" not in text, text
        code, text = soak(folder, 10)  # 300 kB from span to span: noise
        assert code == 0, text
        code, text = soak(folder, 100)
        assert code == 1 and [line for line in text.splitlines() if line.startswith("NOT") and "worker" in line], text


def test_a_soak_that_was_disturbed_proves_nothing():
    with tempfile.TemporaryDirectory() as folder:
        for what in ({"dropped": 1}, {"restarts": 1}, {"live": 150}, {"idle_kb": 0, "stations": 20}):
            code, text = soak(folder, 0, **what)
            assert code == 1 and "NOT" in text, text


def run_of(**changes):
    return {"run": "r", "video_frames": 100, "audio_frames": 200, "gaps": [], "ended": "unpublish",
            "unattested_bytes": 0, **changes}


def test_an_archive_is_complete_or_it_is_told_why():
    sent = {"per_station": [{"station": 7, "sessions": [{"video": 60, "audio": 120}, {"video": 40, "audio": 80}]}]}
    good = {"station": 7, "runs": [run_of()], "errors": [], "notes": []}
    assert archives.compare(sent, [good]) == {}
    for change, word in (({"runs": [run_of(video_frames=99)]}, "video"),
                         ({"runs": [run_of(audio_frames=201)]}, "audio"),
                         ({"runs": [run_of(gaps=[{"ms": 5, "reason": "io"}])]}, "gap"),
                         ({"runs": [run_of(ended=None)]}, "ended"), ({"runs": [run_of(ended="crash")]}, "ended"),
                         ({"runs": [run_of(unattested_bytes=1)]}, "record"), ({"errors": ["a digest"]}, "digest"),
                         ({"notes": ["a note"]}, "note"), ({"station": 8}, "no archive")):
        wrong = archives.compare(sent, [{**good, **change}])
        assert word in " ".join(wrong.get(7, [])), (change, wrong)


def single(**changes):
    return {"part": "single", "beyond_gop_ms": 150.0, "warm": True, "refused": 0, **changes}


def test_a_cold_worker_or_a_late_segment_breaks_the_promise():
    judge = program("startup").judge
    assert judge([single()] * 3, None).hold
    for row in (single(warm=False), single(beyond_gop_ms=None, warm=None), single(refused=1)):
        assert not judge([single(), row], None).hold, row
    assert not judge([single(beyond_gop_ms=301.0)] * 3, None).hold


def test_a_process_that_ends_in_between_does_not_count():
    before = {1: accounting.Usage(cpu_ns=10, written=5), 2: accounting.Usage(cpu_ns=1000)}
    after = {1: accounting.Usage(cpu_ns=30, written=6), 3: accounting.Usage(cpu_ns=7)}
    used = accounting.used_between(before, after)
    assert (used.cpu_ns, used.written) == (20, 1), used
    gone = subprocess.Popen(["true"])  # pylint: disable=consider-using-with
    gone.wait()
    assert list(accounting.usage_each([gone.pid, os.getpid()])) == [os.getpid()]


def test_returns_are_counted_from_the_storm():
    import storm  # pylint: disable=import-outside-toplevel
    stations = [[{"ended": "cut", "start_s": 1}, {"ended": "refused", "start_s": 21},
                 {"ended": "finished", "start_s": 22.5}],
                [{"ended": "cut", "start_s": 1}, {"ended": "given up", "start_s": 30}],
                [{"ended": "finished", "start_s": 1}]]
    assert storm.returns({"per_station": [{"sessions": sessions} for sessions in stations]}, 20) == [2.5, None]


def test_the_rate_of_a_clip_is_read_from_its_end():
    with tempfile.NamedTemporaryFile() as clip:
        body = b"x" * 4000
        tag = bytes([9]) + len(body).to_bytes(3, "big") + (2000).to_bytes(3, "big") + bytes(4) + body
        clip.write(bytes(9) + bytes(4) + tag + len(tag).to_bytes(4, "big"))
        clip.flush()
        assert abs(bench.clip_kb_s(clip.name) - Path(clip.name).stat().st_size / 2000) < 1e-9


def test_an_acceptance_wants_every_recording_whole():
    judge_recordings = program("acceptance").judge_recordings
    whole = {"runs": 4, "seconds": 100.0, "longest_s": 2.0, "video": 2500, "audio": 0, "gaps": 0, "complaints": []}
    sound = {**whole, "video": 0, "audio": 4700}
    decoded = {"replay-video.m3u8": whole, "replay-audio.m3u8": sound, "pictures/replay.m3u8": {**whole, "video": 50},
               "480p/replay.m3u8": whole, "audio-64k/replay.m3u8": sound}

    def holds(**changes):
        promises = bench.Promises()
        found = {uri: {**one, **changes.get(uri, {})} for uri, one in decoded.items() if changes.get(uri, True) is not None}
        judge_recordings({"seconds": 120, "renditions": ["480p", "audio-64k"], "decoded": found}, promises)
        return promises.hold
    rung = "480p/replay.m3u8"
    assert holds() and holds(**{rung: {"video": 2300}}) and holds(**{rung: {"video": 1300, "gaps": 20}})
    for uri in decoded:
        for change in (None, {"video": 0, "audio": 0}, {"complaints": ["corrupt"]}):
            assert not holds(**{uri: change}), (uri, change)
    for change in ({"video": 2299}, {"video": 2701}, {"video": 1299, "gaps": 20}):
        assert not holds(**{rung: change}), change
    assert not holds(**{uri: {"seconds": 50.0} for uri in decoded})


def test_chaos_counts_what_is_lost_and_not_what_is_late():
    chaos = program("chaos")
    losses_of = sys.modules["watch"].losses_of
    assert losses_of([(0, 0), (1, 1), (2, 2), (8, 2.5), (9, 9)]) == []
    assert losses_of([(0, 0), (1, 1), (7, 2), (8, 3), (9, 4)]) == [(1, 7, 5)]
    assert losses_of([]) == []
    trouble = {"kind": "kill", "role": "worker", "hit": [3], "at": 10, "until": 11, "after_id": 5, "expect": ["worker.died"]}
    loss = [(3, 9, 14, 6.0)]
    assert chaos.unexcused(loss, [trouble], 5) == []
    assert chaos.unexcused([(4, 9, 14, 6.0)], [trouble], 5) == ["station 4: 6.0 s, -1 to 4 s"], "it was not hit"
    assert chaos.unexcused([(3, 100, 110, 6.0)], [trouble], 5), "that was long over"
    assert chaos.unexcused([(4, 9, 14, 4.0)], [trouble], 5) == []
    assert chaos.unheard([dict(trouble)], [{"id": 6, "kind": "worker.died", "text": "it died"}]) == []
    assert chaos.unheard([dict(trouble)], [{"id": 5, "kind": "worker.died"}, {"id": 7, "kind": "gate.died"}]) == ["kill worker"]


if __name__ == "__main__":
    tap.run(globals())
