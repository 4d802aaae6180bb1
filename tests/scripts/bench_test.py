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
import types
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


def program(name, part="run"):
    """A bench's `run`, or another of its files, as a module."""
    path = BENCH / name / (part if part == "run" else f"{part}.py")
    loader = importlib.machinery.SourceFileLoader(f"{name}_{part}", str(path))
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
    judge_recordings = program("acceptance", "judging").judge_recordings
    whole = {"runs": 4, "seconds": 100.0, "segments": 50, "video": 2500, "audio": 0, "complaints": []}
    sound = {**whole, "video": 0, "audio": 4700}
    decoded = {"replay-video.m3u8": whole, "replay-audio.m3u8": sound, "pictures/replay.m3u8": {**whole, "video": 50},
               "480p/replay.m3u8": whole, "audio-64k/replay.m3u8": sound}

    def holds(row=None, **changes):
        promises = bench.Promises()
        found = {uri: {**one, **changes.get(uri, {})} for uri, one in decoded.items() if changes.get(uri, True) is not None}
        judge_recordings({"seconds": 100, "before_s": 0, "pipeline": "event", "rungs_began_s": 0, "decoded": found,
                          "went_wrong": {"encoder": (20, 24)}, "renditions": ["480p", "audio-64k"], **(row or {})}, promises)
        return promises.hold
    rung = "480p/replay.m3u8"
    # An encoder that was out for 4 s, and a segment of 2 s on both sides; and a segment more at each of four ends.
    assert holds() and holds(**{rung: {"video": 2301}}) and holds(**{rung: {"video": 2700}})
    for uri in decoded:
        for change in (None, {"video": 0, "audio": 0}, {"complaints": ["corrupt"]}):
            assert not holds(**{uri: change}), (uri, change)
    for change in ({"video": 2299}, {"video": 2701}):
        assert not holds(**{rung: change}), change
    assert not holds(**{uri: {"seconds": 97.0} for uri in decoded})
    assert not holds({"before_s": 3}), "what there was before the time began is none of it"
    assert holds({"went_wrong": {"encoder": (20, 24), "reconnect": (40, 42)}}, **{uri: {"seconds": 97.5} for uri in decoded})


def test_an_acceptance_excuses_holes_of_starved_rungs_alone():
    of_starving = program("acceptance", "judging").of_starving
    source = {"seconds": 100.0, "segments": 50}
    row = {"renditions": ["480p", "240p"], "went_wrong": {"encoder": (20, 24), "pause": (40, 60)},
           "decoded": {"replay-video.m3u8": source}}
    hole = {"rule": "time-hole", "where": "1-100/480p", "count": 2, "times_ms": [41000, 61900]}
    assert of_starving(row, hole) and of_starving(row, {**hole, "where": "480p/media.m3u8"})
    for change in ({"rule": "time-back"}, {"where": "1-100/video"}, {"where": "video.m3u8"}, {"count": 3},
                   {"times_ms": [41000, 62100]}, {"times_ms": [21000, 41000]}):
        assert not of_starving(row, {**hole, **change}), change
    assert not of_starving({**row, "went_wrong": {"encoder": (20, 90)}}, hole)


def test_an_acceptance_allows_one_stand_as_long_as_one_trouble():
    judging = program("acceptance", "judging")
    row = {"seconds": 600, "renditions": ["480p"], "rungs_began_s": 1, "decoded": {"replay-video.m3u8": {"seconds": 600.0, "segments": 300}},
           "went_wrong": {"encoder": (20, 30), "pause": (40, 60), "pause 2": (80, 95)}}

    def holds(uri, longest_s):
        promises = bench.Promises()
        judging.judge_players({**row, "players": [{"player": f"ffprobe {uri}", "alive": True, "problems": [], "error_count": 0,
                                                   "starved_s": 0, "played_s": 600, "longest_still_s": longest_s}]}, promises)
        return promises.hold
    for uri in ("480p/media.m3u8", "index.m3u8"):
        assert holds(uri, judging.STILL_S + 20) and not holds(uri, judging.STILL_S + 20.1), uri
    assert holds("video.m3u8", judging.STILL_S) and not holds("video.m3u8", judging.STILL_S + 0.1)


def test_chaos_counts_what_is_lost_and_not_what_is_late():
    chaos = program("chaos")
    losses_of = sys.modules["watch"].losses_of
    assert losses_of([(0, 0), (1, 1), (2, 2), (8, 2.5), (9, 9)], 9.5) == []
    assert losses_of([(0, 0), (1, 1), (7, 2), (8, 3), (9, 4)], 9.5) == [(1, 7, 5)]
    assert losses_of([(0, 0), (1, 1), (2, 2), (8, 2.5)], 12) == [(2, 8, 5.5), (8, 12, 4)], "it has not come by the end"
    assert losses_of([], 9) == []
    trouble = {"kind": "kill", "role": "worker", "hit": [3], "at": 10, "until": 11, "after_id": 5, "expect": ["worker.died"],
               "pid": 70}
    loss = [(3, 9, 14, 6.0)]
    assert chaos.unexcused(loss, [trouble], 5) == []
    assert chaos.unexcused([(4, 9, 14, 6.0)], [trouble], 5) == ["station 4: 6.0 s, -1 to 4 s"], "it was not hit"
    assert chaos.unexcused([(3, 100, 110, 6.0)], [trouble], 5), "that was long over"
    assert chaos.unexcused([(4, 9, 14, 4.0)], [trouble], 5) == []
    assert chaos.unexcused([(3, 9, 40, 26.0)], [trouble], 5) == [] and chaos.unexcused([(3, 9, 40, 26.1)], [trouble], 5), "it is back by then"


def test_chaos_stops_each_kind_of_process_before_one_again():
    program("chaos")
    harm = sys.modules["harm"]
    node = types.SimpleNamespace(clock=None, events=lambda: [])
    chaos = harm.Chaos(node, None, None, {"all": [], "srt": [], "relayed": []},
                       types.SimpleNamespace(seed=1, without=["kill", "hog", "network"]))
    chaos.kinds = {"stop": lambda what: None}
    for _ in range(2):
        assert sorted(chaos.next()["role"] for _ in harm.ROLES) == sorted(harm.ROLES)


def test_chaos_wants_an_event_of_each_trouble_before_the_next():
    unheard = program("chaos").unheard
    first = {"kind": "kill", "role": "worker", "hit": [3], "after_id": 5, "expect": ["worker.died"], "pid": 70}
    second = {**first, "after_id": 9, "pid": 71}
    died = [{"id": 6, "kind": "worker.died", "text": "it died", "fields": {"pid": 70}},
            {"id": 12, "kind": "worker.died", "fields": {"pid": 71}}]
    assert unheard([dict(first), dict(second)], died) == []
    assert unheard([dict(first)], [{**died[0], "id": 5}, {"id": 7, "kind": "gate.died"}]) == ["kill worker"]
    assert unheard([dict(first), dict(second)], died[1:]) == ["kill worker"], "the second's is none of the first"
    assert unheard([dict(first)], [{**died[0], "fields": {"pid": 8}}]) == ["kill worker"], "another process"
    cut = {"kind": "network", "role": "", "hit": [46], "after_id": 5, "expect": ["session.closed"]}
    assert unheard([dict(cut)], [{"id": 6, "kind": "session.closed", "fields": {"station": 46}}]) == []
    assert unheard([dict(cut)], [{"id": 6, "kind": "session.closed", "fields": {"station": 2}}]) == ["network"]
    assert unheard([{**cut, "status": "status: full"}], []) == []


def test_chaos_counts_what_viewers_see():
    stood = program("chaos").stood
    troubles = [{"role": "worker", "hit": [3], "at": 100, "until": 101}, {"role": "origin", "hit": [], "at": 200, "until": 212}]

    def stall(station, until_s, seconds):
        return {"path": f"/hls/{station}/index.m3u8", "until_s": until_s, "s": seconds}
    # The viewing began at 50.
    assert stood([stall(3, 60, 9), stall(4, 60, 4)], 50, troubles, 5) == ([], 0.0)
    assert stood([stall(4, 60, 9)], 50, troubles, 5) == (["a viewer of station 4: 9.0 s, 1 to 10 s"], 0.0)
    assert stood([stall(4, 165, 12), stall(3, 165, 8)], 50, troubles, 5) == ([], 12), "the origin's"
    assert stood([stall(3, 300, 9)], 50, troubles, 5)[0], "that was long over"
    assert stood([stall(3, 75, 26)], 50, troubles, 5) == ([], 0.0) and stood([stall(3, 76, 27)], 50, troubles, 5)[0], "it is back by then"


if __name__ == "__main__":
    tap.run(globals())
