# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the programs that people publish with are started: one list of arguments for each, the tracks of an FLV file as
they are, on the file's own clock. Packets are only taken from one container into another."""

import re
import subprocess

SRT_PAYLOAD = 1316  # seven TS packets: what SRT's live mode sends at once
# client: protocols that it has
PROTOCOLS = {
    "ffmpeg": ("rtmp", "rtmps", "srt"),
    "rtmp2sink": ("rtmp", "rtmps"),
    "rtmpsink": ("rtmp", "rtmps"),
    "srtsink": ("srt",),
    "srt-live-transmit": ("srt",),
    "nginx": ("rtmps",),
}
# client: what its form of the address is called in `headgate ticket issue --format json`
FORMS = {"rtmpsink": "librtmp", "srtsink": "gstreamer"}


VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-keyint_min", "25",
         "-sc_threshold", "0", "-b:v", "80k", "-maxrate", "80k", "-bufsize", "80k"]
AUDIO = ["-c:a", "aac", "-b:a", "32k", "-ac", "1"]


def output(command, **options):
    """What a program prints; it has to succeed."""
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          **options).stdout


def make_source(path, kinds, seconds, b_frames):
    """Writes a small FLV file: "av", "v" or "a", 25 pictures a second, a key frame every second."""
    inputs, codecs = [], []
    if "v" in kinds:
        inputs += ["-f", "lavfi", "-i", f"testsrc2=size=160x120:rate=25:duration={seconds}"]
        codecs += [*VIDEO, "-bf", b_frames]
    if "a" in kinds:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}"]
        codecs += AUDIO
    output(["ffmpeg", "-v", "error", "-y", *inputs, *codecs, "-f", "flv", path])
    return path


def measure_file(client, path, kinds):
    """A file that has the packets which the client will send, beside `path`, or that itself. GStreamer's flvmux makes times
    of its own, and its mpegtsmux leaves out sound that begins before the pictures."""
    muxer, suffix = {"rtmp2sink": (FLVMUX, ".muxed.flv"), "rtmpsink": (FLVMUX, ".muxed.flv"),
                     "srtsink": (TSMUX, ".muxed.ts")}.get(client, (None, None))
    if not muxer:
        return path
    muxed = path.with_suffix(suffix)
    if not muxed.exists():
        output(gst_remux(path, kinds, muxer, ["filesink", f"location={muxed}"]))
    return muxed


def takes_b_frames(client):
    """Whether pictures come in another order than they are shown in: flvmux cuts off what is before zero."""
    return client not in ("rtmp2sink", "rtmpsink")


def address(ticket, client, protocol):
    """The ticket's entry for this client: its own form if there is one."""
    entries = [entry for entry in ticket["publish"] if entry["protocol"] == protocol]
    wanted = [entry for entry in entries if entry.get("client") == FORMS.get(client)]
    for entry in wanted + [entry for entry in entries if "client" not in entry]:
        return entry
    raise AssertionError(f"the ticket has no {protocol} address for {client}")


def version(client, run):
    """What the program says of itself, first line; `run` starts it and returns its output."""
    if client in ("rtmp2sink", "rtmpsink", "srtsink"):
        return run(["gst-launch-1.0", "--version"]).splitlines()[1]
    if client == "srt-live-transmit":
        told = run(["sh", "-c", "srt-live-transmit -version 2>&1"])
        return "srt-live-transmit " + re.search(r"SRT Library version: ([0-9.]+)", told)[1]
    if client == "nginx":
        return run(["sh", "-c", "PATH=$PATH:/usr/sbin nginx -v 2>&1"]).strip().removeprefix("nginx version: ")
    if client == "obs":
        return run(["obs", "--version"]).strip()
    return run([client, "-version"]).splitlines()[0].split(" Copyright")[0]


def gst_remux(path, kinds, muxer, sink):
    """gst-launch's arguments: the tracks of an FLV file through `muxer` into `sink`."""
    branches = []
    if "v" in kinds:
        branches += ["demux.video", "!", "queue", "!", "h264parse", "!", "mux."]
    if "a" in kinds:
        branches += ["demux.audio", "!", "queue", "!", "aacparse", "!", "mux."]
    return ["gst-launch-1.0", "-q", "-e", "filesrc", f"location={path}", "!", "flvdemux", "name=demux", *muxer, "!", *sink,
            *branches]


FLVMUX = ["flvmux", "name=mux", "streamable=true"]
# srt-live-transmit sends what it is given when it is given, so something else keeps the time. It keeps for itself what does
# not fill a message: seven null packets push the rest out. And it does not end when its input does, so it is ended, a moment
# later: it still has to send again what was lost.
TRANSMIT = """
pipe=$0.$$
mkfifo "$pipe" || exit
srt-live-transmit -q -chunk "$2" file://con "$1" < "$pipe" & transmit=$!
trap 'kill $transmit' TERM
{
  ffmpeg -nostdin -v error -re -i "$0" -c copy -f mpegts -
  for packet in 1 2 3 4 5 6 7; do printf '\\107\\037\\377\\020'; head -c 184 /dev/zero; done
} > "$pipe"
rm "$pipe"
sleep 1
kill $transmit
wait $transmit
"""
TSMUX = ["mpegtsmux", "name=mux", "alignment=7"]


def command(client, protocol, path, kinds, entry):
    """Arguments that publish the file to an entry of address()."""
    url = entry["url"]
    if client == "ffmpeg":
        # Without linger it throws away what it has not sent yet when it ends.
        url += "&linger=5" if protocol == "srt" else ""
        return ["ffmpeg", "-nostdin", "-hide_banner", "-v", "info", "-nostats", "-re", "-i", str(path), "-c", "copy",
                "-f", "mpegts" if protocol == "srt" else "flv", url]
    if client == "rtmp2sink":
        # A certificate for loopback is signed by itself.
        trust = ["tls-validation-flags=0"] if protocol == "rtmps" else []
        return gst_remux(path, kinds, FLVMUX, ["rtmp2sink", f"location={url}", *trust, "sync=true"])
    if client == "rtmpsink":
        return gst_remux(path, kinds, FLVMUX, ["rtmpsink", f"location={url}", "sync=true"])
    if client == "srtsink":
        return gst_remux(path, kinds, TSMUX, ["srtsink", f"uri={url}", "sync=true"])
    if client == "srt-live-transmit":
        return ["sh", "-c", TRANSMIT, str(path), url, str(SRT_PAYLOAD)]
    raise AssertionError(f"no client is called {client}")
