#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage: HEADGATE_BUILD=BUILD tests/corpus/record.py NAME… | --seeds

Records what stock clients send, byte by byte: NAME.rec, and NAME.json with what the client had in its hands (README.md).
NAME is PROTOCOL-CLIENT[-video|-audio], such as rtmp-ffmpeg or srt-srtsink-audio. RTMP is recorded by a proxy in front of
a node, RTMPS by one that ends TLS and begins it again, SRT by a worker's place behind a gate. --seeds takes
tests/fuzz/corpus/*/corpus-* from what has been recorded."""
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "integration")]
import certificate  # noqa: E402
import obs_client  # noqa: E402
import recorders  # noqa: E402
import relay_client  # noqa: E402
import stock_clients  # noqa: E402
from stock_clients import output  # noqa: E402
from node import BUILD, EVENT, HEADGATE, Node, environment, wait_until  # noqa: E402

STATION = 421
SECONDS = 2
LARGEST = 100_000  # bytes of a recording
SEED = 188 * 28  # bytes of a recording's media that a fuzzer begins with
HANDSHAKE = 1 + 2 * 1536
KEYS = HERE / "keys"
CONTINUED = b"\xc3"  # a chunk's header, in the middle of the server's text
KINDS = {"video": "v", "audio": "a"}


def facts(path):
    """What ffmpeg finds in a file; nothing of ours has read it."""
    found = json.loads(output(["ffprobe", "-v", "error", "-show_packets", "-show_streams", "-of", "json", path]))
    told = {}
    for stream in found["streams"]:
        kind = stream["codec_type"]
        if kind not in ("video", "audio"):
            continue
        packets = [one for one in found["packets"] if one["stream_index"] == stream["index"]
                   and (kind == "audio" or int(one["size"]) > 5)]  # five bytes say that pictures are over
        raw = output(["ffmpeg", "-v", "error", "-i", path, "-map", f"0:{stream['index']}", "-c", "copy",
                      *(["-bsf:a", "aac_adtstoasc"] if kind == "audio" and path.suffix == ".ts" else []), "-f", "data", "-"])
        told[kind] = {
            "frames": len(packets),
            "keys": sum("K" in one["flags"] for one in packets),
            "first_dts_ms": round(1000 * float(packets[0]["dts_time"])),
            "last_dts_ms": round(1000 * float(packets[-1]["dts_time"])),
            "sha256": recorders.sha256(raw),
        }
        names = ("width", "height") if kind == "video" else ("sample_rate", "channels")
        told[kind].update((name, int(stream[name])) for name in names)
    return told


class CorpusNode(Node):
    """With the corpus' own keys: its tickets are good nowhere else."""

    def __enter__(self):
        self.keys = KEYS
        try:
            self.start()
        except BaseException:
            self.abandon()
            raise
        return self


def ticket(protocol, address):
    done = output([HEADGATE, "ticket", "issue", "--keys", KEYS, "--station", STATION, "--endpoint",
                   f"{protocol}://{address}" + ("" if protocol == "srt" else "/lt"), "--format", "json"])
    return json.loads(done)


def challenges(answers):
    """What the server asked of those who have a password: (salt, opaque) of each refusal that has them."""
    found = []
    for number in sorted(answers):
        asked = re.search(rb"reason=needauth&user=[^&]*&salt=([^&]*)&challenge=([^&]*)&opaque=([A-Za-z0-9+/=_-]*)",
                          answers[number].replace(CONTINUED, b""))
        if asked:
            found.append({"connection": number, "salt": asked[1].decode(), "opaque": asked[3].decode()})
    return found


def run_client(client, protocol, path, kinds, entry, env):
    command = stock_clients.command(client, protocol, path, kinds, entry)
    began = time.time()
    # Some end with an error when the server is as quick to close as they are.
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    hidden = [part.replace(str(path), "source.flv").replace(entry["url"], "URL") for part in command]
    return {"command": hidden, "exit_code": done.returncode, "recorded": int(began)}, done.stderr


def run_obs(folder, entry, env):
    """Two seconds of OBS; it has no file, and says itself how many pictures it has sent."""
    began = time.time()
    obs = obs_client.Obs(folder, entry, env)
    try:
        wait_until("OBS streams", lambda: "Streaming Start" in obs.told(), 60)
        time.sleep(SECONDS)
        frames = obs.end()
    finally:
        obs.stop()
    return {"command": ["obs", "--startstreaming"], "recorded": int(began), "audio": {"sample_rate": 44100},
            "video": {"frames": frames, "width": 160, "height": 120}}, obs.told()


def record_rtmp(client, protocol, kinds, path, folder):
    tls = certificate.write(folder) if protocol == "rtmps" else None
    more = ["--rtmps", "127.0.0.1:0", "--tls-cert", tls[0], "--tls-key", tls[1]] if tls else []
    with CorpusNode(arguments=more) as node:
        recorder = recorders.TcpRecorder(node.addresses[protocol], tls)
        entry = stock_clients.address(ticket(protocol, recorder.address), client, protocol)
        if client == "obs":
            told, errors = run_obs(folder, entry, node.client_env)
        elif client == "nginx":
            tunnel = relay_client.Tunnel(recorder.address)
            relay = relay_client.Relay(folder, entry["url"].replace("rtmps://" + recorder.address, "rtmp://" + tunnel.address),
                                       node.client_env)
            told, errors = run_client("ffmpeg", "rtmp", path, kinds, {"url": relay.url}, node.client_env)
            wait_until("nginx has gone", recorder.recording.is_over, 20)
            relay.stop()
            tunnel.stop()
        else:
            told, errors = run_client(client, protocol, path, kinds, entry, node.client_env)
        wait_until("the session is over", lambda: node.stream(STATION)["state"] != "live", 20)
        recorder.close()
        assert recorder.recording.pieces, errors
        told["challenges"] = challenges(recorder.answers)
        told["farewell"] = client != "nginx"
    told.update((name, entry[name]) for name in ("key", "user", "password") if entry.get(name))
    return recorder.recording, told


def record_srt(client, kinds, path, folder):
    env = environment(folder)
    runtime = folder / "run"
    runtime.mkdir()
    recorder = recorders.SrtRecorder(str(BUILD / "tools/gate/headgate-gate"), str(KEYS / "node"), str(runtime), env)
    try:
        entry = stock_clients.address(ticket("srt", recorder.address), client, "srt")
        del env["GST_PLUGIN_PATH"]
        if client == "obs":
            told, errors = run_obs(folder, entry, env)
        else:
            told, errors = run_client(client, "srt", path, kinds, entry, env)
        assert recorder.ended.wait(30), errors
    finally:
        recorder.close()
    told["streamid"] = entry["streamid"]
    return recorder.recording, told


def measure(client, path, kinds):
    """facts() of the packets that the client sends."""
    told = facts(stock_clients.measure_file(client, path, kinds))
    if client == "srtsink" and "v" in kinds:
        # A transport stream has start codes and parameter sets: the pictures alone are the source's.
        told["video"]["sha256"] = facts(path)["video"]["sha256"]
    return told


def record(name):
    protocol, client = name.split("-", 1)
    client, _, suffix = client.rpartition("-") if client.rsplit("-", 1)[-1] in KINDS else (client, "", "")
    kinds = KINDS.get(suffix, "av")
    with tempfile.TemporaryDirectory(prefix="hg-") as folder:
        folder = Path(folder)
        # A relay connects when its publisher has begun, and waits for a key frame.
        seconds = SECONDS + (client == "nginx")
        path = stock_clients.make_source(folder / "source.flv", kinds, seconds,
                                         2 if stock_clients.takes_b_frames(client) else 0)
        if protocol == "srt":
            recording, told = record_srt(client, kinds, path, folder)
        else:
            recording, told = record_rtmp(client, protocol, kinds, path, folder)
        told = {"name": name, "client": stock_clients.version(client, lambda command: output(command).decode()),
                "protocol": protocol, "event": EVENT, "station": STATION, **told}
        if client != "obs":
            told.update(measure(client, path, kinds))
        if client == "nginx":
            for track, unknown in itertools.product(("video", "audio"), ("frames", "keys", "first_dts_ms", "sha256")):
                told.get(track, {}).pop(unknown, None)
    data = recording.encode()
    assert len(data) <= LARGEST, f"{name}: {len(data)} bytes"
    (HERE / f"{name}.rec").write_bytes(data)
    (HERE / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")
    print(f"{name}: {len(data)} bytes in {len(recording.pieces)} pieces, {told}")


def write_seeds():
    """Beginnings of the recordings, behind the bytes that tell each fuzzer what to do with them."""
    for path in sorted(HERE.glob("*.rec")):
        pieces = recorders.decode(path.read_bytes())
        last = max(number for number, _, _ in pieces)
        sent = b"".join(data for number, _, data in pieces if number == last)
        seeds = {"mpegts": [b"\x00", sent[:SEED]]}
        if path.name.startswith("rtmp"):
            chunks = sent[HANDSHAKE:HANDSHAKE + SEED]
            # Flags: the user is believed, and the connection handed over; pieces of so many times 16 bytes. Pieces of so many
            # bytes; handed over behind so many of them.
            seeds = {"rtmp_server": [b"\x28\x07", chunks], "rtmp_chunk": [b"\x3f\x14", chunks]}
        for fuzzer, parts in seeds.items():
            (HERE.parent / "fuzz/corpus" / fuzzer / f"corpus-{path.stem}").write_bytes(b"".join(parts))


if __name__ == "__main__":
    if sys.argv[1:] == ["--seeds"]:
        write_seeds()
        sys.exit(0)
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for one in sys.argv[1:]:
        record(one)
