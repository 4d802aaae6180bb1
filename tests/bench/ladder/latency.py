# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a picture takes from its coming in to its being listed, in real time: on a node in a rung's part, of ffmpeg in
a rung's segment, for it has no parts.

A node's playlists say when each picture came (EXT-X-PROGRAM-DATE-TIME: receipt of the first byte, from there on media
time), before it is pushed into the sink. ffmpeg's count from the opening of its output, which is behind the reading of the
first picture: what it takes is a little more than what is told here."""

import http.client
import shutil
import subprocess
import threading
import time

import runners
from bench import Publisher, distribution
from parts import parts_of, segments_of
from servers import Headgate, pipelines_with

STATION = 5
START_S = 30  # until a rung is listed
POLL_S = 0.005  # of a file
AUDIO_RATE = 48000 / 1024  # frames of AAC a second


class Seen:
    """What a rung listed, when. Of its first two segments nothing counts: they have the encoders' beginning."""

    def __init__(self, rate, skip_s):
        self.rate, self.skip_s = rate, skip_s
        self.known = set()
        self.first = None
        self.latencies = []

    def listed(self, key, date, seconds, now):
        if key in self.known or date is None:
            return
        self.known.add(key)
        self.first = self.first or date
        if date - self.first < self.skip_s:
            return
        self.latencies += [now - date - frame / self.rate for frame in range(round(seconds * self.rate))]

    def result(self):
        found = distribution(self.latencies)
        return {"frames": found["count"], "median_s": found["p50"], "p95_s": found["p95"]}


def follow(port, rung, seen, until):
    """Reloads as a low-latency player does (RFC 8216bis, 6.2.5.2)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    query = ""
    while time.monotonic() < until:
        connection.request("GET", f"/hls/{STATION}/{rung.name}/media.m3u8{query}")
        answer = connection.getresponse()
        text = answer.read().decode()
        now = time.time()
        if answer.status != 200:  # not yet, or nothing came in time
            time.sleep(POLL_S)
            query = ""
            continue
        parts = parts_of(text)
        for msn, index, date, seconds in parts:
            seen.listed((msn, index), date, seconds, now)
        if not parts:
            time.sleep(POLL_S)
            continue
        msn, index = max(part[:2] for part in parts)
        query = f"?_HLS_msn={msn}&_HLS_part={index + 1}"


class Node(Headgate):
    """With the ladder of this bench, everything else as an event's pipeline has it."""

    def __init__(self, folder, rungs, arguments):
        super().__init__(folder, arguments.headgate)
        pipelines = pipelines_with(self.folder, "event",
                                   f"encoder-preset={arguments.preset} encoder-threads={arguments.threads}")
        self.options = ["--pipeline", "event", "--pipelines", str(pipelines), "--capacity", "1", "--set",
                        f"rungs={runners.rungs_text(rungs)}", "--set", f"segment-ms={round(arguments.gop * 1000)}"]


def of_node(place, source, rungs, arguments):
    place.mkdir()
    clip = place / "clip.flv"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", source.path, "-c", "copy", str(clip)], check=True)
    node = Node(place, rungs, arguments)
    node.start()
    try:
        node.wait_ready()
        until = time.monotonic() + arguments.latency
        publisher = Publisher(arguments.headgate, node, place, clip, str(STATION), arguments.latency + START_S)
        try:
            found = watch_all(rungs, source, arguments,
                              lambda rung, seen: follow(node.http_port, rung, seen, until))
        finally:
            publisher.kill()
    finally:
        node.stop()
    return found


def of_ffmpeg(name, place, source, rungs, arguments):
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    command = runners.ffmpeg(place, source, rungs, arguments, name == "ff_cascade")
    at = command.index("-i")
    command[at:at] = ["-re", "-stream_loop", "-1"]
    for i in reversed([i for i, word in enumerate(command) if word == "-hls_time"]):
        command[i:i] = ["-hls_flags", "program_date_time"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def look(rung, seen):
        path = runners.playlist(name, place, rung)
        until = time.monotonic() + arguments.latency
        while time.monotonic() < until and process.poll() is None:
            if path.exists():
                text, now = path.read_text(), time.time()
                for number, date, seconds in segments_of(text):
                    seen.listed(number, date, seconds, now)
            time.sleep(POLL_S)
    try:
        return watch_all(rungs, source, arguments, look)
    finally:
        process.kill()
        process.wait()


def watch_all(rungs, source, arguments, look):
    seen = {rung.name: Seen(source.fps if rung.lines else AUDIO_RATE, 2 * arguments.gop) for rung in rungs}
    threads = [threading.Thread(target=look, args=(rung, seen[rung.name])) for rung in rungs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: one.result() for name, one in seen.items()}


def measure(name, place, source, rungs, arguments):
    """{rung: {"frames", "median_s", "p95_s"}}"""
    if name == "headgate":
        return of_node(place, source, rungs, arguments)
    return of_ffmpeg(name, place, source, rungs, arguments)


def table(found):
    lines = [["run", "rung", "listed in", "frames", "median, s", "p95, s"]]
    for name, rungs in found.items():
        for rung, one in rungs.items():
            times = [f"{one[key]:.3f}" if one[key] is not None else "-" for key in ("median_s", "p95_s")]
            lines.append([name, rung, "a part" if name == "headgate" else "a segment", str(one["frames"]), *times])
    return lines
