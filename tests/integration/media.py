# SPDX-License-Identifier: LGPL-2.1-or-later
"""Media that is sent, publishers that send it, and what ffprobe finds of it in files."""
import fcntl
import functools
import hashlib
import json
import subprocess
import tempfile
import threading

from node import BUILD, records, wait_until

PICTURE = "testsrc2=size=640x360:rate=25"
TONE = "sine=frequency=440:sample_rate=44100"
VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50",
         "-sc_threshold", "0", "-b:v", "1400k", "-maxrate", "1400k", "-bufsize", "2800k"]
AUDIO = ["-c:a", "aac", "-b:a", "96k", "-ac", "2"]


CLIPS = BUILD / "tests/clips"
MADE = "{made}"  # in a command, the path of what it makes


@functools.cache
def made_once(name, *command):
    """A file of that name that a command makes, the same for all tests of a build: the first one makes it, and who wants
    it meanwhile waits."""
    words = [str(word) for word in command]
    stem, _, suffix = name.partition(".")
    path = CLIPS / f"{stem}-{hashlib.sha256(' '.join(words).encode()).hexdigest()[:12]}.{suffix}"
    CLIPS.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_name("unfinished-" + path.name)
            subprocess.run([word.replace(MADE, str(unfinished)) for word in words], check=True, stdin=subprocess.DEVNULL)
            unfinished.rename(path)
    return path


def clip(seconds, kinds="av", b_frames=2):
    """An FLV file of so many seconds: "av", "v" or "a"; a key frame every 2 s, about 1.5 Mbit/s."""
    inputs, codecs = [], []
    if "v" in kinds:
        # Noise keeps the rate up: what is written is compared with what was sent.
        inputs += ["-f", "lavfi", "-i", f"{PICTURE}:duration={seconds},noise=alls=12:allf=t"]
        codecs += [*VIDEO, "-bf", b_frames]
    if "a" in kinds:
        inputs += ["-f", "lavfi", "-i", f"{TONE}:duration={seconds}"]
        codecs += AUDIO
    return made_once(f"{kinds}-{seconds}.flv", "ffmpeg", "-v", "error", "-y", *inputs, *codecs, "-f", "flv", MADE)


def packets(path):
    """{"video": [(dts, pts, key)…], "audio": […]} of a file, in seconds, as ffprobe reads it."""
    found = subprocess.run(
        ["ffprobe", "-v", "error", "-show_packets", "-show_entries", "packet=codec_type,dts_time,pts_time,flags,size",
         "-of", "json", str(path)], capture_output=True, text=True, check=True)
    assert not found.stderr, f"ffprobe about {path}: {found.stderr}"
    tracks = {"video": [], "audio": []}
    for packet in json.loads(found.stdout)["packets"]:
        # FLV has tracks of text, and messages without a picture: the end of sequence.
        if packet["codec_type"] == "audio" or (packet["codec_type"] == "video" and int(packet["size"]) > 5):
            dts = float(packet["dts_time"])
            tracks[packet["codec_type"]].append((dts, float(packet.get("pts_time", dts)), "K" in packet["flags"]))
    return tracks


def media_files(run):
    return sorted(path for path in run.iterdir() if path.suffix == ".mp4")


def closed(run):
    """Its end is on record and its files have their final names: on a busy disk there are seconds between the two."""
    return records(run, "end") and not list(run.glob("*.part"))


def archived(runs):
    """The packets of runs' media files, one after the other."""
    total = {"video": [], "audio": []}
    for run in runs:
        for path in media_files(run):
            for kind, found in packets(path).items():
                total[kind] += found
    return total


def expect_plays(path):
    """The file decodes by itself, without one complaint."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"], capture_output=True,
                          text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and not done.stderr, f"{path}: {done.stderr}"


class Publisher:
    """A program that publishes; its standard error is kept. With `again`, it is started again whenever it ends, as
    people's encoders do."""

    AGAIN_S = 0.5

    def __init__(self, node, command, again=False):
        self.command = [str(part) for part in command]
        self.env = node.client_env
        self.again = again
        self.errors = tempfile.TemporaryFile()
        self.process = None
        self.started = 0
        self.stopping = threading.Event()
        node.helpers.append(self)
        self._start()
        if again:
            self.thread = threading.Thread(target=self._keep_going, daemon=True)
            self.thread.start()

    def _start(self):
        self.process = subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=self.errors,
                                        stderr=self.errors)
        self.started += 1

    def _keep_going(self):
        while True:
            self.process.wait()
            if self.stopping.wait(self.AGAIN_S):
                return
            self._start()

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def running(self):
        return self.process.poll() is None

    def finish(self, within):
        """Waits until it ends by itself; returns its exit code."""
        wait_until(f"{self.command[0]} has sent everything", lambda: not self.running(), within)
        return self.process.returncode

    def leave(self, within):
        """Ends it as people do; returns its exit code."""
        self.process.terminate()
        return self.finish(within)

    def cut(self):
        """Ends it as a lost network does: without a word."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.stopping.set()
        while self.running():
            self.cut()
        if self.again:
            self.thread.join()
            self.cut()


def ffmpeg(node, path, url, loop=False, again=False):
    repeat = ["-stream_loop", "-1"] if loop else []
    return Publisher(node, ["ffmpeg", "-nostdin", "-hide_banner", "-v", "info", "-nostats", "-re", *repeat, "-i", path,
                            "-c", "copy", "-f", "flv", url], again)


def ffmpeg_kept(node, path, url, kept):
    """The file over and over; all that is sent is written to the file `kept`, too."""
    return Publisher(node, ["ffmpeg", "-nostdin", "-hide_banner", "-v", "info", "-nostats", "-re", "-stream_loop", "-1", "-i",
                            path, "-map", "0", "-c", "copy", "-f", "tee", f"[f=flv]{url}|[f=flv]{kept}"])


def _through_flvmux(path, kinds, sink):
    """gst-launch's command: the tracks of a file through flvmux into `sink`."""
    branches = []
    if "v" in kinds:
        branches += ["demux.video", "!", "queue", "!", "h264parse", "!", "mux."]
    if "a" in kinds:
        branches += ["demux.audio", "!", "queue", "!", "aacparse", "!", "mux."]
    return ["gst-launch-1.0", "-q", "-e", "filesrc", f"location={path}", "!", "flvdemux", "name=demux",
            "flvmux", "name=mux", "streamable=true", "!", *sink, *branches]


def prepare(client, seconds, kinds):
    """(file to send, packets as the client will send them). GStreamer's flvmux makes times of its own, and cuts off
    the negative decoding times that B-frames begin with: its file of the same is the measure."""
    if client == "ffmpeg":
        path = clip(seconds, kinds)
        return path, packets(path)
    path = clip(seconds, kinds, b_frames=0)
    muxed = made_once(f"flvmux-{kinds}-{seconds}.flv", *_through_flvmux(path, kinds, ["filesink", f"location={MADE}"]))
    return path, packets(muxed)


def send(node, client, path, kinds, station):
    """A publisher of that client's kind, with the address in the form it wants, on the file's own clock."""
    return send_to(node, client, path, kinds, node.url(station, "librtmp" if client == "rtmpsink" else None))


def send_to(node, client, path, kinds, location):
    """The same, to an address as it stands."""
    if client == "ffmpeg":
        return ffmpeg(node, path, location)
    # The tests' certificates are signed by nobody.
    trusting = ["tls-validation-flags=0"] if client == "rtmp2sink" else []
    return Publisher(node, _through_flvmux(path, kinds, [client, f"location={location}", "sync=true", *trusting]))


def expect_same_times(kind, sent, got, unit):
    """Differences to the first packet are the sender's, within one unit (seconds)."""
    for number, (before, after) in enumerate(zip(sent, got)):
        for which in (0, 1):
            wanted, found = before[which] - sent[0][which], after[which] - got[0][which]
            # Times are printed with six digits.
            assert abs(wanted - found) <= unit + 2e-6, (
                f"{kind} packet {number}: {wanted:.6f} s after the first as sent, {found:.6f} s as archived")
