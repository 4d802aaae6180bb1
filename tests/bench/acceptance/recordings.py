# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recording, rendition by rendition, through somebody else's demuxer and decoders."""

import http.client
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
from hls import ATTRIBUTE, Playlist


def get(node, path):
    connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: HTTP {answer.status}")
    return body


def uris(node, station, multivariant="replay-index.m3u8"):
    """Of the media playlists that it lists, the small pictures' among them."""
    found = []
    for line in get(node, f"/hls/{station}/{multivariant}").decode().splitlines():
        if line.startswith(("#EXT-X-MEDIA:", "#EXT-X-I-FRAME-STREAM-INF:")):
            found.append(dict(ATTRIBUTE.findall(line.partition(":")[2]))["URI"].strip('"'))
        elif line and not line.startswith("#"):
            found.append(line)
    # Key frames are ranges of the video's own segments.
    return [uri for uri in dict.fromkeys(found) if "iframes" not in uri]


def decode(node, station, uri, folder):
    """What the playlist promises, ffprobe counts and ffmpeg complains of, each piece between two discontinuities by
    itself."""
    base = f"/hls/{station}/"
    playlist = Playlist(get(node, base + uri).decode())
    inside = base + (uri.rpartition("/")[0] + "/" if "/" in uri else "")
    pieces, inits, lengths = {}, {}, []
    for msn, run, seconds, name, init, _ in playlist.segments:
        if msn in playlist.gaps:
            continue
        lengths.append(seconds)
        inits[init] = inits.get(init) or get(node, inside + init)
        pieces.setdefault((run, init), []).append(get(node, inside + name))
    found = {"runs": len({run for run, _ in pieces}), "seconds": sum(lengths), "segments": len(lengths), "video": 0,
             "audio": 0, "gaps": len(playlist.gaps), "complaints": []}
    path = folder / "piece.mp4"
    for (run, init), segments in pieces.items():
        path.write_bytes(inits[init] + b"".join(segments))
        counted = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets",
                                  "-of", "csv=p=0", path], capture_output=True, text=True, check=False)
        for line in counted.stdout.split():
            kind, _, packets = line.partition(",")
            found[kind] += int(packets)
        decoded = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"], capture_output=True, text=True,
                                 check=False, stdin=subprocess.DEVNULL)
        if said := (counted.stderr + decoded.stderr).strip():
            found["complaints"].append(f"run {run}: {said.splitlines()[0]}")
    return found
