# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same ladder by ffmpeg and by abrhlssink: what is run, and what it used."""

import json
import os
import pathlib
import shutil
import subprocess
import time
from dataclasses import dataclass

NAMES = ("ff_cascade", "ff_split", "headgate")
SOURCE_KBPS = 6500


@dataclass
class Rung:
    name: str
    lines: int   # 0: audio
    kbps: int
    width: int = 0
    height: int = 0


class Source:
    def __init__(self, path):
        self.path = str(path)
        told = json.loads(subprocess.run(
            ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
             "stream=width,height,nb_frames,r_frame_rate:format=duration", "-of", "json", self.path],
            check=True, capture_output=True, text=True).stdout)
        video = told["streams"][0]
        self.width, self.height, self.frames = video["width"], video["height"], int(video["nb_frames"])
        self.rate = video["r_frame_rate"]
        over, under = self.rate.split("/")
        self.fps = int(over) / int(under)


def parse_rungs(text, source):
    rungs = []
    for one in text.split(","):
        what, rate = one.split("@")
        kbps = int(rate.removesuffix("k"))
        if what == "audio":
            rungs.append(Rung(f"audio-{kbps}k", 0, kbps))
            continue
        lines = int(what.removesuffix("p"))
        rungs.append(Rung(what, lines, kbps, 2 * round(lines * source.width / source.height / 2), lines))
    return rungs


def make_input(path, arguments):
    """Half a zoom into the Mandelbrot set, half a test picture, with noise: hard enough that rate control works."""
    half = arguments.seconds / 2
    size = f"size={arguments.size}:rate={arguments.rate}"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"mandelbrot={size}", "-f", "lavfi", "-i", f"testsrc2={size}",
         "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-filter_complex",
         f"[0:v]trim=duration={half},setpts=PTS-STARTPTS,setsar=1[a];[1:v]trim=duration={half},setpts=PTS-STARTPTS,setsar=1[b];"
         "[a][b]concat=n=2,noise=alls=6:allf=t,format=yuv420p,"
         "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv[v]",
         "-map", "[v]", "-map", "2:a", "-t", str(arguments.seconds), "-c:v", "libx264", "-preset", "veryfast",
         "-b:v", f"{SOURCE_KBPS}k", "-maxrate", f"{SOURCE_KBPS}k", "-bufsize", f"{SOURCE_KBPS}k",
         "-g", str(round(arguments.gop * arguments.rate)), "-sc_threshold", "0", "-c:a", "aac", "-b:a", "128k", "-ac", "2",
         "-movflags", "+faststart", str(path)], check=True)
    return path


def filters(rungs, cascade):
    """ffmpeg's filter graph: every rung from the source, or each from the next larger one."""
    video = [rung for rung in rungs if rung.lines]
    scale = "scale={0.width}:{0.height}:flags=bicubic".format
    if not cascade:
        graph = f"[0:v]split={len(video)}" + "".join(f"[s{i}]" for i in range(len(video)))
        return graph + "".join(f";[s{i}]{scale(rung)}[v{i}]" for i, rung in enumerate(video))
    graph, last = [], "0:v"
    for i, rung in enumerate(video):
        final = i + 1 == len(video)
        graph.append(f"[{last}]{scale(rung)}" + (f"[v{i}]" if final else f",split=2[v{i}][n{i}]"))
        last = f"n{i}"
    return ";".join(graph)


def hls(place, name, arguments):
    folder = place / name
    folder.mkdir(parents=True)
    return ["-f", "hls", "-hls_time", str(arguments.gop), "-hls_list_size", "0", "-hls_segment_type", "fmp4",
            "-hls_segment_filename", str(folder / "%d.m4s"), str(folder / "media.m3u8")]


def ffmpeg(place, source, rungs, arguments, cascade):
    gop = str(round(arguments.gop * source.fps))
    # abrhlssink decodes in one thread up to 1080p, and scales in the one that feeds the encoders.
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-threads", "1", "-i", source.path, "-filter_complex_threads", "1",
               "-filter_complex", filters(rungs, cascade)]
    number = 0
    for rung in rungs:
        if rung.lines:
            command += ["-map", f"[v{number}]", "-c:v", "libx264", "-preset", arguments.preset, "-threads",
                        str(arguments.threads), "-b:v", f"{rung.kbps}k", "-maxrate", f"{rung.kbps}k", "-bufsize",
                        f"{rung.kbps}k", "-g", gop, "-sc_threshold", "0"]
            number += 1
        else:
            command += ["-map", "0:a", "-c:a", "aac", "-b:a", f"{rung.kbps}k"]
        command += hls(place, rung.name, arguments)
    return command + ["-map", "0", "-c", "copy"] + hls(place, "source", arguments)


def rungs_text(rungs):
    return ",".join((rung.name if rung.lines else "audio") + f"@{rung.kbps}k" for rung in rungs)


def headgate(place, source, rungs, arguments):
    return ["gst-launch-1.0", "-q", "abrhlssink", "name=hls", "playlist-length=0", f"location={place}", f"rungs={rungs_text(rungs)}",
            f"encoder-preset={arguments.preset}", f"encoder-threads={arguments.threads}",
            f"segment-duration={round(arguments.gop * 1e9)}", "filesrc", f"location={source.path}", "!", "qtdemux",
            "name=demux", "demux.video_0", "!", "queue", "!", "h264parse", "!", "hls.video", "demux.audio_0", "!", "queue",
            "!", "aacparse", "!", "hls.audio_0"]


def playlist(name, place, rung):
    return place / f"{rung.name}.m3u8" if name == "headgate" else place / rung.name / "media.m3u8"


def run(name, place, source, rungs, arguments):
    shutil.rmtree(place, ignore_errors=True)
    pathlib.Path(place).mkdir(parents=True)
    if name == "headgate":
        # Also makes GStreamer's registry, which is no part of what is measured.
        subprocess.run(["gst-inspect-1.0", "abrhlssink"], check=True, stdout=subprocess.DEVNULL)
        command = headgate(place, source, rungs, arguments)
    else:
        command = ffmpeg(place, source, rungs, arguments, name == "ff_cascade")
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {"run": name, "cpu_s": used.ru_utime + used.ru_stime, "user_s": used.ru_utime, "wall_s": wall,
            "fps": source.frames / wall, "max_rss_mb": used.ru_maxrss / 1024}
