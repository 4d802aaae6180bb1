#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate check, from outside: check_test.py HEADGATE. Nothing is found on a server that does what it should; on one
with a single fault, that and nothing else."""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/support"))
import live_server  # noqa: E402
import tap  # noqa: E402
from waiting import SLOWNESS  # noqa: E402

HEADGATE = os.path.abspath(sys.argv.pop(1))
RULES = [TOP / f"subprojects/conformance/include/conformance/{name}_rules.h" for name in ("hls", "dash")]
AT_ONCE = 9
# What a fault brings with it.
ALSO = {
    "blocking-answer": {"blocking-part-alone", "blocking-far"},
    "blocking-late": {"stalled", "part-late", "variants-edge", "report-wrong"},
    "stalled": {"blocking-late", "part-late"},
    "codecs-untrue": {"codecs-extra"},
    "iframe-playlist": {"report-missing"},
    "part-blocking": {"part-hold-back", "version-high"},
    "part-media": {"part-unmarked"},
    "playlist-status": {"blocking-far", "blocking-part-alone", "delta-missing"},
    "playlist-type": {"report-missing"},
    "variants-target": {"variants-control", "delta-boundary"},
}
DASH_ALSO = {"segment-lost": {"publish-time"}}
# A busy machine delays both sides.
LATE = {"part-late", "stalled"}
FAULTS = ["bandwidth-exceeded", "blocking-answer", "blocking-far", "blocking-late", "blocking-part-alone", "cache-playlist",
          "cache-segment", "codecs-untrue", "delta-boundary", "delta-broken", "delta-differs", "delta-missing", "gzip",
          "hint-missing", "iframe-playlist", "init-missing", "media-type", "part-blocking", "part-media", "playlist-status", "playlist-type", "report-missing",
          "report-wrong", "segment-missing", "stalled", "variants-target"]
DASH_FAULTS = ["bandwidth-exceeded", "codecs-untrue", "init-missing", "media-type", "mpd-status", "mpd-type", "publish-time",
               "segment-lost", "segment-missing", "stalled", "time-differs"]


def check(url, *arguments, seconds=8, standard="hls"):
    """Exit code, result, what was said."""
    done = subprocess.run([HEADGATE, "check", standard, url, "--duration", str(seconds), "--json", *arguments],
                          capture_output=True, text=True, timeout=(seconds + 60) * SLOWNESS, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("ffmpeg"):
            raise unittest.SkipTest("no ffmpeg")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="check-test-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.media = {kind: live_server.Media(folder, kind) for kind in ("video", "audio")}

    def with_fault(self, fault):
        with live_server.LiveServer(self.media, fault) as server:
            return check(server.url, seconds=12 if fault == "blocking-late" else 6)

    def test_a_right_server_breaks_no_rule(self):
        with live_server.LiveServer(self.media) as server:
            code, result, said = check(server.url)
        found = {one["rule"] for one in result["findings"]} - LATE
        self.assertEqual(found, set(), result["findings"])
        self.assertIn(code, (0, 1))
        self.assertTrue(result["reachable"])
        for playlist in result["playlists"]:
            self.assertGreater(playlist["readings"], 8, playlist)
            self.assertGreater(playlist["segments"], 5, playlist)
            self.assertGreater(playlist["parts"], 8, playlist)
            self.assertGreater(playlist["peak_bits"], 0)
        self.assertRegex(said, r"\d+ of 8 s .* 0 errors")

    def test_each_fault_is_found(self):
        problems = []
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = {pool.submit(self.with_fault, fault): fault for fault in FAULTS}
            for job in concurrent.futures.as_completed(jobs):
                fault = jobs[job]
                code, result, said = job.result()
                found = {one["rule"]: one for one in result["findings"]}
                if fault not in found or set(found) - {fault} - ALSO.get(fault, set()) - LATE:
                    problems.append(f"{fault}: {sorted(found)} {[one['what'] for one in found.values()]} {said}")
                elif code != (1 if result["errors"] + result["warnings"] else 0):
                    problems.append(f"{fault}: exit code {code}")
                elif any(len(one["times_ms"]) != min(one["count"], 100) or abs(one["times_ms"][0] / 1000 - one["first_s"]) > 0.01
                         for one in result["findings"]):
                    problems.append(f"{fault}: {[one['times_ms'] for one in result['findings']]}")
        self.assertFalse(problems, "\n".join(problems))

    def dash_with_fault(self, fault, **options):
        with live_server.LiveServer(self.media, fault, **options) as server:
            return check(server.url.replace("index.m3u8", "manifest.mpd"), standard="dash", seconds=7)

    def test_dash_of_a_right_server_breaks_no_rule(self):
        code, result, said = self.dash_with_fault(None)
        self.assertEqual((code, result["findings"]), (0, []))
        self.assertEqual([one["name"] for one in result["playlists"]], ["p/audio", "p/video"])
        self.assertTrue(all(one["segments"] > 4 for one in result["playlists"]), result["playlists"])
        self.assertRegex(said, r"\d+ of 7 s .* 0 errors")

    def test_each_fault_of_dash_is_found(self):
        problems = []
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = {pool.submit(self.dash_with_fault, fault): fault for fault in DASH_FAULTS}
            for job in concurrent.futures.as_completed(jobs):
                fault = jobs[job]
                code, result, said = job.result()
                found = {one["rule"]: one for one in result["findings"]}
                if fault not in found or set(found) - {fault} - DASH_ALSO.get(fault, set()):
                    problems.append(f"{fault}: {sorted(found)} {[one['what'] for one in found.values()]} {said}")
                elif code != (1 if result["errors"] + result["warnings"] else 0):
                    problems.append(f"{fault}: exit code {code}")
        self.assertFalse(problems, "\n".join(problems))

    def test_static_dash_is_loaded_whole(self):
        code, result, _ = self.dash_with_fault(None, ends_after=0)
        self.assertEqual((code, result["findings"]), (0, []))
        self.assertEqual([one["segments"] for one in result["playlists"]], [16, 16])

    def test_an_ended_stream_is_loaded_whole_and_the_check_is_over(self):
        with live_server.LiveServer(self.media, ends_after=0) as server:
            code, result, _ = check(server.url, seconds=120)
        self.assertEqual(code, 0, result["findings"])
        self.assertLess(result["seconds"], 60 * SLOWNESS)
        self.assertEqual([playlist["segments"] for playlist in result["playlists"]], [16, 16])
        self.assertTrue(all(playlist["ended"] for playlist in result["playlists"]))

    def test_a_stream_that_ends_before_it_can_refuse_breaks_no_rule(self):
        with live_server.LiveServer(self.media, variants=("video",), ends_when_asked_far=True) as server:
            code, result, _ = check(server.url, seconds=60)
            self.assertIsNotNone(server.ends_after, "nobody asked")
        self.assertEqual({one["rule"] for one in result["findings"]} - LATE, set(), result["findings"])
        self.assertIn(code, (0, 1))
        self.assertTrue(result["playlists"][0]["ended"])

    def test_variants_and_the_table(self):
        with live_server.LiveServer(self.media, "codecs-untrue", ends_after=0, variants=("video",)) as server:
            done = subprocess.run([HEADGATE, "check", "hls", server.url, "--variants", "1"], capture_output=True, text=True,
                                  timeout=60 * SLOWNESS, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"error +codecs-untrue \(RFC 8216bis, 6\.2\.4\): multivariant\n +[0-9.]+ s, line \d+: ")
        self.assertIn("to do: make it from the decoder configuration", done.stdout)

    def test_a_media_playlist_alone(self):
        with live_server.LiveServer(self.media, ends_after=0) as server:
            code, result, _ = check(server.url.replace("index", "video/media"), seconds=120)
        self.assertEqual((code, [playlist["name"] for playlist in result["playlists"]]), (0, ["media.m3u8"]))


class Usage(unittest.TestCase):
    def test_wrong_usage_says_what_is_wrong(self):
        for arguments, reason in (([], "one URL"), (["ftp://h/a"], "http://"), (["http://h/", "x"], "one URL"),
                                  (["http://h/", "--variants", "0"], "neither all nor a number"),
                                  (["http://h/", "--duration", "x"], "--duration")):
            done = subprocess.run([HEADGATE, "check", "hls", *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(reason, done.stderr)

    def test_a_server_that_is_not_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            code, result, said = check(f"http://127.0.0.1:{unused.getsockname()[1]}/index.m3u8")
        self.assertEqual(code, 2)
        self.assertFalse(result["reachable"])
        self.assertIn(result["problem"], said)


class Rules(unittest.TestCase):
    def test_each_rule_has_a_test(self):
        rules = {rule for path in RULES
                 for rule in re.findall(r'^    \{"([a-z0-9-]+)", "', path.read_text(encoding="utf-8"), re.M)}
        self.assertGreater(len(rules), 130)
        tested = "".join(path.read_text(encoding="utf-8") for folder in ("libs/conformance", "tools/check")
                         for path in sorted((TOP / "tests" / folder).glob("*.*")))
        untested = {rule for rule in rules if f'"{rule}"' not in tested and f"[{rule}]" not in tested}
        self.assertEqual(untested, set())


if __name__ == "__main__":
    tap.run_unittest()
