#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every client over every protocol that it has, with pictures and sound and with each alone, all on one node: admitted,
archived frame by frame, and playing. docs/clients.md has the table of it; `--table FILE` writes that. With --long, OBS
Studio as well."""
import argparse
import concurrent.futures
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import media
import tap
from node import SLOWNESS, TOP, Node, wait_until

# Of tests/support, which node makes known.
import certificate
import obs_client
import relay_client
import stock_clients

SECONDS = 8
AT_ONCE = 9
DOCUMENT = TOP / "docs/clients.md"
BEGIN, END = "<!-- made by tests/integration/matrix_test.py -->\n", "<!-- end -->\n"
KINDS = {"av": "video and sound", "v": "video alone", "a": "sound alone"}
TRACKS = {"v": "video", "a": "audio"}
ALL = "every frame"
SINCE = "every frame since it connected"
# What has no row of its own.
CANNOT = [
    ("GStreamer's `rtmp2sink`, `rtmpsink`", "SRT", "RTMP only"),
    ("GStreamer's `srtsink`, srt-live-transmit", "RTMP, RTMPS", "SRT only"),
    ("nginx with libnginx-mod-rtmp", "RTMP", "its `push` knows no user and password; over TLS the key is enough"),
    ("nginx with libnginx-mod-rtmp", "SRT", "RTMP only"),
    ("OBS Studio", "RTMPS",
     "not in the test: it trusts the system's authorities only, and theirs is no certificate for loopback"),
]
NAMES = {"ffmpeg": "ffmpeg", "rtmp2sink": "GStreamer's `rtmp2sink`", "rtmpsink": "GStreamer's `rtmpsink` (librtmp)",
         "srtsink": "GStreamer's `srtsink`", "srt-live-transmit": "srt-live-transmit",
         "nginx": "nginx with libnginx-mod-rtmp, `push` through a TLS tunnel"}


def ticket(node, station, protocol):
    done = node.headgate("ticket", "issue", "--keys", str(node.keys), "--station", str(station), "--format", "json",
                         "--endpoint", f"{protocol}://{node.addresses[protocol]}" + ("" if protocol == "srt" else "/lt"))
    return json.loads(done.stdout)


def expect_plays(node, station, kinds, within_s=1):
    """What a player finds behind the live playlist: the tracks, and pictures and sound that decode, of the first
    `within_s` seconds."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-read_intervals", f"%+{within_s}", "-count_frames", "-show_entries",
         "stream=codec_type,nb_read_frames", "-of", "json", node.page(f"/hls/{station}/index.m3u8")], capture_output=True, text=True, timeout=60 * SLOWNESS,
        check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and not done.stderr, f"station {station}: {done.stderr}"
    found = {one["codec_type"]: int(one.get("nb_read_frames", 0)) for one in json.loads(done.stdout)["streams"]}
    assert set(found) == {TRACKS[kind] for kind in kinds}, f"station {station} plays {found}"
    assert all(found.values()), f"station {station} decodes {found}"


def sizes(path):
    """{"video": [bytes of each packet…], "audio": […]}: the same frames have the same, in FLV and in MP4."""
    found = stock_clients.output(["ffprobe", "-v", "error", "-show_entries", "packet=codec_type,size", "-of", "json", path])
    tracks = {"video": [], "audio": []}
    for packet in json.loads(found)["packets"]:
        if packet["codec_type"] == "audio" or (packet["codec_type"] == "video" and int(packet["size"]) > 5):
            tracks[packet["codec_type"]].append(int(packet["size"]))
    return tracks


def compare(client, sent, run, path, kinds):
    """What of the client's packets is in the archive, in the table's words; AssertionError when it is less."""
    got = media.archived([run])
    for kind, name in TRACKS.items():
        if kind not in kinds:
            assert not got[name], f"{len(got[name])} {name} packets came out of nowhere"
    names = [TRACKS[kind] for kind in kinds]
    counts = {name: (len(sent[name]), len(got[name])) for name in names}
    if client != "nginx":
        assert all(before == after for before, after in counts.values()), f"sent and archived: {counts}"
        return ALL
    # It connects when it has a publisher, who does not wait for it.
    archived = {name: [size for file in media.media_files(run) for size in sizes(file)[name]] for name in names}
    wanted = sizes(path)
    for name in names:
        end = wanted[name][-len(archived[name]):] if archived[name] else None
        assert archived[name] == end, f"sent and archived: {counts}, and not the end of what was sent"
    assert "v" not in kinds or got["video"][0][2], f"the archive does not begin with a key frame: {counts}"
    return SINCE


def through_nginx(node, folder, path, entry):
    folder.mkdir()
    tunnel = relay_client.Tunnel(node.addresses["rtmps"])
    relay = relay_client.Relay(folder, entry["url"].replace("rtmps://" + node.addresses["rtmps"], "rtmp://" + tunnel.address),
                               node.client_env)
    node.helpers += [relay, tunnel]
    return media.ffmpeg(node, path, relay.url)


def publish(node, folder, client, protocol, kinds, station):
    """One cell of the table."""
    path = folder / f"{kinds}-{int(stock_clients.takes_b_frames(client))}.flv"
    sent = media.packets(stock_clients.measure_file(client, path, kinds))
    entry = stock_clients.address(ticket(node, station, protocol), client, protocol)
    if client == "nginx":
        publisher = through_nginx(node, folder / f"nginx-{kinds}", path, entry)
    else:
        publisher = media.Publisher(node, stock_clients.command(client, protocol, path, kinds, entry))
    live = node.wait_media(station, within=40)
    assert live["protocol"] == protocol, live
    # nginx's push begins wherever it has connected: up to a GOP of sound comes before the first key frame.
    expect_plays(node, station, kinds, 3 if client == "nginx" else 1)
    publisher.finish(SECONDS + 40)
    run, = node.runs(station)
    wait_until("the run is closed", lambda: media.closed(run))
    for file in media.media_files(run):
        media.expect_plays(file)
    return compare(client, sent, run, path, kinds)


def clips(folder):
    """All that is sent; before the clients, which all want the processors."""
    for kinds, b_frames in itertools.product(KINDS, (0, 1)):
        path = stock_clients.make_source(folder / f"{kinds}-{b_frames}.flv", kinds, SECONDS, 2 * b_frames)
        for client in stock_clients.PROTOCOLS:
            if stock_clients.takes_b_frames(client) == bool(b_frames):
                stock_clients.measure_file(client, path, kinds)


def table(cells):
    lines = ["| client | over | " + " | ".join(KINDS.values()) + " |\n", "|---|---|" + "---|" * len(KINDS) + "\n"]
    for client, protocols in stock_clients.PROTOCOLS.items():
        for protocol in protocols:
            row = [cells[client, protocol, kinds] for kinds in KINDS]
            lines.append(f"| {NAMES[client]} | {protocol.upper()} | " + " | ".join(row) + " |\n")
    lines += ["\n| client | not over | because |\n", "|---|---|---|\n"]
    lines += [f"| {client} | {protocol} | {reason} |\n" for client, protocol, reason in CANNOT]
    return "".join(lines)


def test_every_client():
    cells, problems = {}, []
    with tempfile.TemporaryDirectory(prefix="hg-matrix-") as folder:
        folder = Path(folder)
        clips(folder)
        cert, key = certificate.write(folder)
        with Node(arguments=["--rtmps", "127.0.0.1:0", "--tls-cert", str(cert), "--tls-key", str(key),
                             "--srt", "127.0.0.1:0"]) as node, concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            wanted = [(client, protocol, kinds) for kinds in KINDS
                      for client, protocols in stock_clients.PROTOCOLS.items() for protocol in protocols]
            jobs = {pool.submit(publish, node, folder, *cell, station): cell for station, cell in enumerate(wanted, 1)}
            for job in concurrent.futures.as_completed(jobs):
                try:
                    cells[jobs[job]] = job.result()
                except Exception as problem:  # pylint: disable=broad-except  # the others are told as well
                    problems.append(f"{jobs[job]}: {problem!r}")
            assert not problems, "\n".join(problems)
            node.check_archive()
    made = table(cells)
    if OPTIONS.table:
        OPTIONS.table.write_text(made, encoding="utf-8")
    written = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert made == written, f"{DOCUMENT} has another table than was seen:\n{made}"


def obs_streams(protocol):
    if not OPTIONS.long:
        raise tap.Skip("only with --long")
    if obs_client.missing():
        raise tap.Skip(f"{', '.join(obs_client.missing())}: not installed")
    with tempfile.TemporaryDirectory(prefix="hg-obs-") as folder, Node(arguments=["--srt", "127.0.0.1:0"]) as node:
        entry = stock_clients.address(ticket(node, 1, protocol), "obs", protocol)
        obs = obs_client.Obs(Path(folder), entry, node.client_env)
        node.helpers.append(obs)
        node.wait_media(1, 3.0, within=60)
        expect_plays(node, 1, "av")
        sent = obs.end()
        run, = node.runs(1)
        wait_until("the run is closed", lambda: media.closed(run))
        assert len(media.archived([run])["video"]) == sent
        node.check_archive()


def test_obs_studio_by_rtmp():
    obs_streams("rtmp")


def test_obs_studio_by_srt():
    obs_streams("srt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", type=Path)
    parser.add_argument("--long", action="store_true")
    OPTIONS, sys.argv[1:] = parser.parse_known_args()
    tap.run(globals())
