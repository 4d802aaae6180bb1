# SPDX-License-Identifier: LGPL-2.1-or-later
"""The labelled clips of tests/bench/content: ffmpeg's own sources, filtered into what cameras and microphones give.

A clip is live until ONSET_S and shows its condition from there on, or shows none. Each begins with a key frame and has one
each GOP_S, so that ONSET_S lies just behind one: the worst place for whoever looks at key frames.
"""
import dataclasses
import subprocess

GOP_S, ONSET_S, WITHIN_S = 2, 4.1, 5
MAKING_S = 600  # for ffmpeg, on a machine that does other things as well
LENGTH_S = ONSET_S + WITHIN_S
FPS = 25
CONDITIONS = ("black", "frozen", "covered", "silent", "clipped")


@dataclasses.dataclass
class Clip:
    name: str
    video: str  # filter graph without inputs
    audio: str
    expected: frozenset
    size: str = "640x360"
    encoder: tuple = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency")
    kbps: int = 800
    color_range: str = "tv"


def scene(size, light=1.0, noise=4, people=True):
    """A room: walls, table, a picture on the wall, people who move; as bright as `light`, with a sensor's noise."""
    width, height = (int(side) for side in size.split("x"))
    x, y = width / 640, height / 360

    def luma(value):
        return "0x" + f"{max(0, min(255, round(value * light))):02x}" * 3
    boxes = [(0, 240, 640, 120, 70), (80, 60, 120, 80, 200), (240, 40, 40, 160, 150), (420, 150, 120, 100, 90)]
    graph = f"color=c={luma(120)}:s={size}:r={FPS}:d={LENGTH_S}"
    for left, top, wide, high, value in boxes:
        graph += f",drawbox=x={left * x:.0f}:y={top * y:.0f}:w={wide * x:.0f}:h={high * y:.0f}:t=fill:c={luma(value)}"
    graph += ",format=yuv420p"
    if people:
        for number, speed in enumerate((31, 47, 23)):
            value = luma(40 + 70 * number)
            graph = (f"{graph}[b{number}];color=c={value}:s={30 * x:.0f}x{90 * y:.0f}:r={FPS}:d={LENGTH_S},format=yuv420p[p{number}];"
                     f"[b{number}][p{number}]overlay=x='{(100 + 150 * number) * x:.0f}+{60 * x:.0f}*sin(t*{speed / 20})':y={170 * y:.0f}")
    return graph + (f",noise=alls={noise}:allf=t" if noise else "")


def from_onset(filter_text):
    return f"{filter_text}:enable='gte(t,{ONSET_S})'"


def covered(size, value="0x40302a", slope=30, noise=4):
    """The room, and from ONSET_S on a smooth surface, a little brighter at one side."""
    return (f"{scene(size)}[live];color=c={value}:s={size}:r={FPS}:d={1 / FPS},format=yuv420p,"
            f"geq=lum='lum(X,Y)+{slope}*X/W':cb='cb(X,Y)':cr='cr(X,Y)',loop=loop=-1:size=1,trim=duration={LENGTH_S},"
            f"noise=alls={noise}:allf=t[cover];[live][cover]overlay=enable='gte(t,{ONSET_S})'")


def frozen(graph):
    return f"{graph},trim=duration={ONSET_S},tpad=stop_mode=clone:stop_duration={WITHIN_S}"


SPEECH = ("aevalsrc='0.25*sin(2*PI*(140+30*sin(2*PI*3*t))*t)*(0.55+0.45*sin(2*PI*4*t))*lt(mod(t,1.7),1.2)"
          "+0.0012*(random(0)-0.5)':s=48000:d={}").format(LENGTH_S)
MUSIC = ("aevalsrc='0.28*sin(2*PI*220*t)+0.2*sin(2*PI*331*t)*sin(2*PI*0.7*t)+0.15*sin(2*PI*660*t)|"
         "0.28*sin(2*PI*221*t)+0.2*sin(2*PI*440*t)+0.15*sin(2*PI*554*t)':s=48000:d={}").format(LENGTH_S)


def room_tone(decibels, color="pink"):
    return f"anoisesrc=c={color}:r=48000:d={LENGTH_S}:a=1,volume={decibels}dB"


def too_loud(graph, gain):
    """Amplified, and cut off as an input stage does."""
    cut = "|".join(f"clip(val({channel}),-1,1)" for channel in range(graph.count("|") + 1))
    return f"{graph},{from_onset(f'volume={gain}dB')},aeval='{cut}':c=same"


def clips():
    live, room = "640x360", scene("640x360")
    out = []

    def add(name, video=room, audio=SPEECH, expected=(), **more):
        out.append(Clip(name, video, audio, frozenset(expected), **more))

    # Nothing is the matter.
    for kbps in (300, 800, 1500):
        add(f"room at {kbps} kbit/s", kbps=kbps)
    for size, kbps in (("1280x720", 1500), ("1920x1080", 4000)):
        add(f"room {size}", scene(size), size=size, kbps=kbps)
    add("room, H.265", encoder=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"))
    add("room, full range", color_range="pc")
    for light in (0.35, 0.2, 0.13):
        for noise in (3, 8):
            add(f"dark hall {light}, noise {noise}", scene(live, light, noise))
    add("dark hall, noise 14", scene(live, 0.2, 14))
    for noise, kbps in ((2, 800), (3, 400), (5, 800), (5, 1500), (9, 800)):
        add(f"still but live, noise {noise}, {kbps} kbit/s", scene(live, noise=noise, people=False), kbps=kbps)
    add("still but live 720p", scene("1280x720", noise=4, people=False), size="1280x720", kbps=1500)
    add("one small thing moves", f"{scene(live, noise=0, people=False)}[b];color=c=0xe0e0e0:s=24x24:r={FPS}:d={LENGTH_S}[p];"
        "[b][p]overlay=x='300+100*sin(t)':y=20")
    add("heavy noise", scene(live, noise=20))
    add("out of focus", f"{room},boxblur=5:2")
    add("a wall with a door", f"color=c=0xb4b4b4:s={live}:r={FPS}:d={LENGTH_S},drawbox=x=480:y=120:w=90:h=240:t=fill:c=0x806040,"
        "noise=alls=4:allf=t")
    add("test picture", f"testsrc2=s={live}:r={FPS}:d={LENGTH_S}")
    add("fractal", f"mandelbrot=s={live}:r={FPS},trim=duration={LENGTH_S}")
    add("the picture becomes brighter", f"{room},eq=brightness='-0.2+0.04*t':eval=frame")
    for decibels in (-45, -52, -58):
        for color in ("pink", "white"):
            add(f"quiet room {decibels} dB, {color}", audio=room_tone(decibels, color))
    add("music", audio=MUSIC)
    add("loud music, not clipped", audio=f"{MUSIC},volume=3dB")
    add("mastered music", audio=f"{MUSIC},volume=9dB,alimiter=limit=0.9:level=disabled")
    add("speech in stereo", audio=f"{SPEECH},pan=stereo|c0=c0|c1=0.5*c0")

    # Black.
    for noise in (0, 3, 6):
        more = f",noise=alls={noise}:allf=t" if noise else ""
        add(f"black, noise {noise}", f"{scene(live, noise=3)},{from_onset('drawbox=t=fill:c=black')}{more}", expected=("black",))
    add("black 720p", f"{scene('1280x720')},{from_onset('drawbox=t=fill:c=black')}", size="1280x720", expected=("black",))
    add("black, H.265", f"{room},{from_onset('drawbox=t=fill:c=black')}", expected=("black",),
        encoder=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"))
    add("black with a lamp of the camera", f"{room},{from_onset('drawbox=t=fill:c=black')},drawbox=x=10:y=10:w=20:h=10:t=fill:c=red,"
        "noise=alls=2:allf=t", expected=("black",))
    add("black, full range", f"{room},{from_onset('drawbox=t=fill:c=black')}", color_range="pc", expected=("black",))
    add("nearly black", f"{room},{from_onset('drawbox=t=fill:c=0x0a0a0a')},noise=alls=3:allf=t", expected=("black",))

    # Frozen.
    for kbps in (300, 800, 1500):
        add(f"frozen at {kbps} kbit/s", frozen(room), kbps=kbps, expected=("frozen",))
    add("frozen test picture", frozen(f"testsrc2=s={live}:r={FPS}:d={LENGTH_S}"), expected=("frozen",))
    for size, kbps in (("1280x720", 1500), ("1920x1080", 4000)):
        add(f"frozen {size}", frozen(scene(size)), size=size, kbps=kbps, expected=("frozen",))
    add("frozen, H.265", frozen(room), expected=("frozen",),
        encoder=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"))
    add("frozen dark hall", frozen(scene(live, 0.2, 6)), expected=("frozen",))
    add("frozen, constant bit rate with filler", frozen(room), expected=("frozen",),
        encoder=("-c:v", "libx264", "-preset", "veryfast", "-x264-params", "nal-hrd=cbr:force-cfr=1", "-minrate", "800k", "-maxrate",
                 "800k", "-bufsize", "800k"))

    # Covered.
    for number, (value, slope, noise) in enumerate((("0x40302a", 30, 4), ("0x604040", 50, 8), ("0x303030", 10, 2), ("0x8a7060", 60, 5),
                                                    ("0xc0b0a0", 20, 3), ("0x502018", 25, 12))):
        add(f"covered {number}", covered(live, value, slope, noise), expected=("covered",))
    add("covered 720p", covered("1280x720"), size="1280x720", kbps=1500, expected=("covered",))
    add("covered, 300 kbit/s", covered(live), kbps=300, expected=("covered",))

    # Silent.
    for name, graph in (("speech", SPEECH), ("music", MUSIC)):
        add(f"{name}, then nothing", audio=f"{graph},{from_onset('volume=0')}", expected=("silent",))
        add(f"{name}, then what a preamplifier hums", audio=f"{graph},{from_onset('volume=-75dB')}", expected=("silent",))
    add("silent in stereo", audio=f"{SPEECH},pan=stereo|c0=c0|c1=c0,{from_onset('volume=0')}", expected=("silent",))

    # Clipped.
    for gain in (14, 20, 30):
        add(f"speech {gain} dB too loud", audio=too_loud(SPEECH, gain), expected=("clipped",))
        add(f"music {gain} dB too loud", audio=too_loud(MUSIC, gain), expected=("clipped",))

    # Two at once.
    add("black and silent", f"{room},{from_onset('drawbox=t=fill:c=black')},noise=alls=3:allf=t",
        f"{SPEECH},{from_onset('volume=0')}", ("black", "silent"))
    add("frozen and silent", frozen(room), f"{SPEECH},{from_onset('volume=0')}", ("frozen", "silent"))
    return out


def make(clip, path):
    """The clip as MPEG-TS at `path`; raises with ffmpeg's words."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-filter_complex", f"{clip.video},scale=out_range={clip.color_range},format=yuv420p[v];{clip.audio}[a]",
               "-map", "[v]", "-map", "[a]", *clip.encoder, "-b:v", f"{clip.kbps}k", "-maxrate", f"{clip.kbps}k", "-bufsize", f"{clip.kbps}k",
               "-color_range", clip.color_range, "-g", str(GOP_S * FPS), "-keyint_min", str(GOP_S * FPS), "-sc_threshold", "0",
               "-c:a", "aac", "-b:a", "96k", "-t", str(LENGTH_S), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MAKING_S)
    if done.returncode:
        raise RuntimeError(f"{clip.name}: {done.stderr.strip()[-600:]}")
