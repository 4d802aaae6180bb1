#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate load, from outside: load_test.py HEADGATE COUNTING-NODE. What it says it sent and saw is what the other
side counted."""
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import tap  # noqa: E402

HEADGATE, COUNTING_NODE = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
NGINX_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
SEGMENT_S = 1


def load(*arguments, timeout=60):
    """Exit code, result, what was said."""
    done = subprocess.run([HEADGATE, "load", *map(str, arguments), "--json", "-"], capture_output=True, text=True,
                          timeout=timeout, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def wait_for_port(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the server does not listen")


class Folder(unittest.TestCase):
    """A folder with a clip, once for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("ffmpeg"):
            raise unittest.SkipTest("no ffmpeg")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="load-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.clip = cls.folder / "clip.flv"
        subprocess.run([HEADGATE, "load", "clip", "--low-rate", "--seconds", "8", cls.clip], check=True,
                       stdout=subprocess.DEVNULL)


class Publish(Folder):
    def setUp(self):
        self.keys = self.folder / self.id()
        self.keygen(self.keys, 77)
        self.node = subprocess.Popen([COUNTING_NODE, self.keys], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.node.stdout.close)
        self.addCleanup(self.node.wait)
        self.addCleanup(self.node.kill)
        self.url = f"rtmp://127.0.0.1:{int(self.node.stdout.readline())}/lt"

    @staticmethod
    def keygen(folder, event):
        subprocess.run([HEADGATE, "ticket", "keygen", "--event", str(event), "--out", folder], check=True,
                       stdout=subprocess.DEVNULL)

    def publish(self, *arguments, keys=None, **more):
        return load("publish", "--url", self.url, "--keys", keys or self.keys, "--clip", self.clip, *arguments, **more)

    def counted(self):
        self.node.terminate()
        return json.loads(self.node.stdout.read())

    def test_every_station_has_its_ticket_and_every_frame_arrives(self):
        code, result, said = self.publish("--stations", "401-420", "--duration", 3, "--chunk", 128)
        self.assertEqual(code, 0, said)
        self.assertEqual((result["accepted"], result["finished"], result["refused"], result["dropped"]), (20, 20, 0, 0))
        counted = self.counted()
        self.assertEqual(sorted(map(int, counted)), list(range(401, 421)))
        for station in result["per_station"]:
            sent, = station["sessions"]
            got, = counted[str(station["station"])]
            self.assertEqual((got["video"], got["audio"]), (sent["video"], sent["audio"]))
            self.assertTrue(got["unpublished"])
        # In real time: not more than the clip has in that time, and what a busy machine is behind is not much.
        for kind, rate in (("video", 25), ("audio", 48000 / 1024)):
            self.assertTrue(0.7 < result[kind] / (rate * result["stream_seconds"]) < 1.1, result[kind])

    def test_enhanced_rtmp_arrives_as_well(self):
        code, result, said = self.publish("--stations", "1-3", "--duration", 2, "--enhanced")
        self.assertEqual(code, 0, said)
        counted = self.counted()
        for station in result["per_station"]:
            sent, = station["sessions"]
            got, = counted[str(station["station"])]
            self.assertEqual((got["video"], got["audio"]), (sent["video"], sent["audio"]))
            self.assertEqual((got["enhanced"], got["capabilities"]), (got["video"] + got["audio"], 13))
            self.assertGreater(got["enhanced"], 0)

    def test_storms_cuts_and_stalls_are_told_and_survived(self):
        code, result, said = self.publish("--stations", "1-20", "--duration", 5, "--ramp", 0.2, "--reconnect-every", 2,
                                          "--reconnect-share", 0.5, "--reconnect-within", 0.3, "--loss", 10, "--stall",
                                          10, "--stall-for", 0.3)
        self.assertEqual(code, 0, said)
        self.assertGreaterEqual(result["cut"], 10)
        self.assertEqual(result["accepted"], result["cut"] + result["finished"])
        counted = self.counted()
        for station in result["per_station"]:
            sessions = counted[str(station["station"])]
            accepted = [one for one in station["sessions"] if one["ended"] in ("finished", "cut")]
            # One more, when the load ended while it was being accepted.
            self.assertIn(len(sessions) - len(accepted), (0, 1))
            for sent, got in zip(accepted, sessions):
                if sent["ended"] == "finished" or sent["undelivered"] == 0:
                    self.assertEqual((got["video"], got["audio"]), (sent["video"], sent["audio"]))
                else:
                    self.assertLessEqual(got["video"], sent["video"])
                self.assertEqual(got["unpublished"], sent["ended"] == "finished")

    def test_a_silent_cut_leaves_the_old_connection_open(self):
        code, result, said = self.publish("--stations", "1-5", "--duration", 4, "--ramp", 0, "--reconnect-every", 2.5,
                                          "--reconnect-share", 1, "--reconnect-within", 0, "--silent-cuts")
        self.assertEqual(code, 0, said)
        self.assertEqual(result["cut"], 5)
        for sessions in self.counted().values():
            # The old one ended with the load's process, without a word.
            self.assertEqual([one["unpublished"] for one in sessions], [False, True])

    def test_refusals_are_counted_with_their_reason(self):
        strange = self.folder / "strange-keys"
        self.keygen(strange, 78)
        code, result, said = self.publish("--stations", "1-3", "--duration", 1, "--ramp", 0, keys=strange)
        self.assertEqual(code, 1)
        self.assertEqual(result["accepted"], 0)
        self.assertGreaterEqual(result["refused"], 3)
        self.assertTrue(any(reason.startswith("Net") for reason in result["reasons"]), said)
        self.assertEqual(self.counted(), {})

    def test_a_server_that_goes_away_is_a_drop(self):
        timer = threading.Timer(1, self.node.kill)
        timer.start()
        self.addCleanup(timer.join)
        code, result, _ = self.publish("--stations", "1-5", "--duration", 2.5, "--ramp", 0)
        self.assertEqual(code, 1)
        self.assertEqual(result["dropped"], 5)
        self.assertTrue(any("refused" in reason for reason in result["reasons"]), result["reasons"])

    def test_ctrl_c_ends_it_with_a_result(self):
        process = subprocess.Popen(
            [HEADGATE, "load", "publish", "--url", self.url, "--keys", self.keys, "--clip", self.clip, "--stations", "1-3",
             "--ramp", "0", "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stderr.readline()  # the first second's line
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(json.loads(out)["finished"], 3)

    def test_over_srt_an_interrupt_ends_it_with_its_result(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:  # who never answers
            nobody.bind(("127.0.0.1", 0))
            process = subprocess.Popen(
                [HEADGATE, "load", "publish", "--url", f"srt://127.0.0.1:{nobody.getsockname()[1]}", "--keys", self.keys,
                 "--stations", "1", "--clip", self.clip, "--duration", "60", "--json", "-"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            nobody.settimeout(20)
            nobody.recv(2048)  # libsrt and its threads are there
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(json.loads(said)["accepted"], 0)


class PublishPlain(Folder):
    @unittest.skipUnless(shutil.which("nginx") and NGINX_MODULE.exists(), "no nginx-rtmp")
    def test_nginx_records_what_was_sent(self):
        recorded = self.folder / "recorded"
        recorded.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = self.folder / "nginx.conf"
        config.write_text(f"load_module {NGINX_MODULE};\ndaemon off;\npid {self.folder}/nginx.pid;\n"
                          + ("user root;\n" if os.geteuid() == 0 else "")
                          + f"error_log {self.folder}/error.log;\nevents {{}}\nrtmp {{ server {{ listen 127.0.0.1:{port};"
                          f" application live {{ live on; record all; record_path {recorded}; }} }} }}\n")
        nginx = subprocess.Popen(["nginx", "-c", config, "-e", self.folder / "error.log"])
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)
        wait_for_port(port, nginx)
        code, result, said = load("publish", "--url", f"rtmp://127.0.0.1:{port}/live", "--plain", "s", "--stations", "1-20",
                                  "--clip", self.clip, "--duration", 3)
        self.assertEqual(code, 0, said)
        for station in result["per_station"]:
            sent, = station["sessions"]
            self.assertEqual(self.frames(recorded / f"s{station['station']}.flv"), (sent["video"], sent["audio"]))

    @staticmethod
    def frames(path):
        """Video and audio frames of an FLV file, sequence headers not counted."""
        data, at, counts = path.read_bytes(), 13, {8: 0, 9: 0}
        while at + 11 <= len(data):
            kind, size = data[at], int.from_bytes(data[at + 1:at + 4], "big")
            if kind in counts and data[at + 12] == 1:
                counts[kind] += 1
            at += 11 + size + 4
        return counts[9], counts[8]


class LiveServer(http.server.ThreadingHTTPServer):
    """Serves media segments as a live stream of a sliding window that began some seconds ago, and counts."""
    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), LiveHandler)
        self.folder = folder
        self.began = time.time() - 10 * SEGMENT_S
        self.frozen_at = None
        self.counts = {}
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def media_playlist(self):
        count = int(((self.frozen_at or time.time()) - self.began) / SEGMENT_S)
        first = max(count - 6, 0)
        start = self.began + first * SEGMENT_S
        date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start)) + f".{int(start % 1 * 1000):03d}Z"
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{SEGMENT_S}", f"#EXT-X-MEDIA-SEQUENCE:{first}",
                 '#EXT-X-MAP:URI="init.mp4"', f"#EXT-X-PROGRAM-DATE-TIME:{date}"]
        for number in range(first, count):
            lines += [f"#EXTINF:{SEGMENT_S},", f"{number}.m4s"]
        return "\n".join(lines) + "\n"


class LiveHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        kind = {"index.m3u8": "multivariant", "media.m3u8": "media", "init.mp4": "init"}.get(name, "segment")
        with self.server.lock:
            self.server.counts[kind] = self.server.counts.get(kind, 0) + 1
        if self.path.startswith("/none/"):
            return self.send_error(404)
        if kind == "multivariant":
            body = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1500000\nmedia.m3u8\n"
        elif kind == "media":
            body = self.server.media_playlist().encode()
        else:
            pieces = sorted(self.server.folder.glob("*.m4s"))
            number = re.match(r"\d+", name)
            body = (pieces[int(number[0]) % len(pieces)] if number else self.server.folder / "init.mp4").read_bytes()
        self.send_response(200)
        if kind == "media" and "chunked" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:50], body[50:])) + b"0\r\n\r\n"
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None


class View(Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.media = cls.folder / "media"
        cls.media.mkdir()
        subprocess.run(["ffmpeg", "-v", "error", "-i", cls.clip, "-c", "copy", "-f", "hls", "-hls_time", str(SEGMENT_S),
                        "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4", cls.media / "x.m3u8"],
                       check=True)

    def setUp(self):
        self.server = LiveServer(self.media)
        self.addCleanup(self.server.close)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def test_a_live_stream_plays(self):
        for path in ("/hls/%/index.m3u8", "/chunked/%/index.m3u8"):
            with self.subTest(path):
                self.server.counts.clear()
                code, result, said = load("view", "--url", self.url, "--streams", "1-4", "--path", path, "--viewers", 20,
                                          "--duration", 5, "--ramp", 0.5)
                self.assertEqual(code, 0, said)
                self.assertEqual((result["started"], result["playing"], result["stalls"]), (20, 20, 0))
                self.assertEqual(result["requests"], self.server.counts)
                self.assertEqual(result["segments"], self.server.counts["segment"])
                self.assertEqual(result["requests"]["init"], 20)
                self.assertEqual((result["connections"], result["stale"]), (20, 0))
                # Three segments at the start, then one a second.
                self.assertAlmostEqual(result["segments"] / 20, 3 + 4.5, delta=2.5)
                # Three target durations behind, and up to one between two readings of the playlist.
                self.assertTrue(2 <= result["latency_s"]["p50"] <= 6, result["latency_s"])

    def test_a_publisher_that_stops_is_a_stall(self):
        timer = threading.Timer(1, lambda: setattr(self.server, "frozen_at", time.time()))
        timer.start()
        self.addCleanup(timer.join)
        code, result, _ = load("view", "--url", self.url, "--streams", "1", "--viewers", 5, "--duration", 8, "--ramp", 0)
        self.assertEqual(code, 1)
        self.assertEqual((result["stalls"], result["viewers_stalled"], result["stalled"]), (5, 5, 5))
        self.assertGreater(result["stall_s"], 5)
        # One of each viewer, who stands at the end.
        self.assertEqual([one["path"] for one in result["long_stalls"]], ["/hls/1/index.m3u8"] * 5)
        self.assertAlmostEqual(sum(one["s"] for one in result["long_stalls"]), result["stall_s"], delta=0.1)
        self.assertTrue(all(one["until_s"] == result["run_s"] for one in result["long_stalls"]))

    def test_a_stream_that_is_not_there(self):
        code, result, said = load("view", "--url", self.url, "--streams", "1", "--path", "/none/%/index.m3u8",
                                  "--viewers", 3, "--duration", 2, "--ramp", 0)
        self.assertEqual(code, 1)
        self.assertEqual(result["started"], 0)
        self.assertGreaterEqual(result["errors"]["multivariant playlist: status 404"], 3)
        self.assertIn("404", said)


class Usage(unittest.TestCase):
    def test_wrong_usage_says_what_is_wrong(self):
        for arguments, reason in (
                (["publish"], "--url"),
                (["publish", "--url", "rtmp://h/a", "--stations", "1", "--clip", "x"], "--keys"),
                (["publish", "--url", "http://h/a", "--stations", "1", "--clip", "x", "--plain", "s"], "rtmp://"),
                (["publish", "--url", "srt://h:1", "--stations", "1", "--clip", "x", "--plain", "s"], "--keys"),
                (["publish", "--url", "srt://h", "--stations", "1", "--clip", "x", "--keys", "k"], "a port"),
                (["publish", "--url", "srt://h:1", "--stations", "1", "--clip", "x", "--keys", "k", "--enhanced"], "RTMP"),
                (["view"], "--url"), (["clip"], "FILE")):
            done = subprocess.run([HEADGATE, "load", *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(reason, done.stderr)

    def test_a_clip_that_is_not_there(self):
        done = subprocess.run([HEADGATE, "load", "publish", "--url", "rtmp://127.0.0.1:1/a", "--stations", "1", "--plain",
                               "s", "--clip", "/nowhere.flv"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("headgate load clip", done.stderr)


if __name__ == "__main__":
    tap.run_unittest()
