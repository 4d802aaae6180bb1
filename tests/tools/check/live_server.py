# SPDX-License-Identifier: LGPL-2.1-or-later
"""A low-latency HLS and DASH server that does what it should, but for one fault. Its media are made by ffmpeg."""
import gzip
import http.server
import subprocess
import threading
import time
from urllib.parse import parse_qs, urlsplit

PART_S, PARTS = 0.5, 2  # of a segment
SEGMENT_S = PART_S * PARTS
TARGET = 1
WINDOW = 16  # segments
SKIP_S = 6
AHEAD = 20 * PARTS  # parts that are there at the beginning
EPOCH = 1_767_323_040


class Media:
    """A minute of pictures as an init section and a fragment for each part; and the same with sound in place of them."""

    def __init__(self, folder, kind):
        path = folder / f"{kind}.mp4"
        inputs = {"video": ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=10:duration=60", "-c:v", "libx264", "-preset",
                            "ultrafast", "-g", "10", "-keyint_min", "10", "-sc_threshold", "0", "-bf", "0"],
                  # 20 frames are 0.5 s.
                  "audio": ["-f", "lavfi", "-i", "sine=sample_rate=40960:duration=60", "-c:a", "flac", "-frame_size", "1024",
                            "-strict", "-2"]}[kind]
        subprocess.run(["ffmpeg", "-v", "error", *inputs, "-movflags", "+empty_moov+default_base_moof+skip_trailer",
                        "-frag_duration", str(int(PART_S * 1e6)), "-flush_packets", "1", "-f", "mp4", path], check=True,
                       stdin=subprocess.DEVNULL)
        boxes = list(self._boxes(path.read_bytes()))
        self.init = b"".join(box for name, box in boxes if name in (b"ftyp", b"moov"))
        found = [box for name, box in boxes if name in (b"moof", b"mdat")]
        self.parts = [moof + mdat for moof, mdat in zip(found[::2], found[1::2])]
        assert len(self.parts) >= 100, f"ffmpeg made {len(self.parts)} fragments"

    @staticmethod
    def _boxes(data):
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at:at + 4], "big")
            yield data[at + 4:at + 8], data[at:at + size]
            at += size

    def segment(self, number):
        return b"".join(self.parts[number * PARTS:(number + 1) * PARTS])


class LiveServer:
    """`with LiveServer(folder_of_media, fault) as server: server.url`; `fault` is a rule's id, or None."""

    def __init__(self, media, fault=None, ends_after=None, variants=("video", "audio"), ends_when_asked_far=False):
        self.media, self.fault, self.variants = media, fault, variants
        self.ends_when_asked_far = ends_when_asked_far
        self.began = time.monotonic()
        self.ends_after = ends_after
        self.answered = 0
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                """Nothing."""

            def do_GET(self):
                server.answer(self)

        class Http(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                """A check that is over closes its connections."""

        self.http = Http(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/index.m3u8"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    # --- what there is now ---

    def now(self):
        """Parts so far."""
        elapsed = time.monotonic() - self.began
        if self.fault == "stalled":
            elapsed = min(elapsed, 1.2)
        if self.ends_after is not None:
            elapsed = min(elapsed, self.ends_after)
        return AHEAD + int(elapsed / PART_S)

    def ended(self):
        return self.ends_after is not None and time.monotonic() - self.began >= self.ends_after

    def wait(self, parts):
        while self.now() < parts and not self.ended():
            time.sleep(0.01)

    # --- playlists ---

    def multivariant(self):
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
        group = ""
        if "audio" in self.variants:
            lines.append('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Tone",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="1",'
                         'URI="audio/media.m3u8"')
            group = ',AUDIO="a"'
        codecs = "avc1.42c00a,fLaC" if self.fault != "codecs-untrue" else "avc1.4d401f,fLaC"
        if "audio" not in self.variants:
            codecs = codecs.partition(",")[0]
        bandwidth = 9_000_000 if self.fault != "bandwidth-exceeded" else 2000
        lines.append(f'#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS="{codecs}",RESOLUTION=64x36,FRAME-RATE=10.000{group}')
        lines.append("video/media" if self.fault == "playlist-type" else "video/media.m3u8")
        if self.fault == "iframe-playlist":
            lines.append('#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000000,CODECS="avc1.42c00a",RESOLUTION=64x36,URI="video/iframes.m3u8"')
        return "\n".join(lines) + "\n"

    def playlist(self, kind, skip=False):
        parts, ended = self.now(), self.ended()
        full, rest = divmod(parts, PARTS)
        first = max(0, full - WINDOW)
        kept = first
        if skip:
            kept = max(first, full - int(SKIP_S / SEGMENT_S))
            if self.fault == "delta-boundary":
                kept += 1
        target = TARGET + 1 if self.fault == "variants-target" and kind == "audio" else TARGET
        lines = ["#EXTM3U", f"#EXT-X-VERSION:{9 if not ended else 6}", f"#EXT-X-TARGETDURATION:{target}"]
        skips = "" if ended else f",CAN-SKIP-UNTIL={SKIP_S * target}.0"
        if self.fault != "part-blocking":
            lines.append(f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES{skips},PART-HOLD-BACK={PART_S * 3}")
        lines += [f"#EXT-X-PART-INF:PART-TARGET={PART_S}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        if kept > first:
            lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={kept - first + (9 if self.fault == 'delta-broken' else 0)}")
        lines.append('#EXT-X-MAP:URI="init.mp4"')
        for number in range(kept, full + (1 if rest else 0)):
            lines.append("#EXT-X-PROGRAM-DATE-TIME:" + time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(EPOCH + number * SEGMENT_S)))
            if number >= full - 2:
                lines += [self.part(kind, number, index) for index in range(PARTS if number < full else rest)]
            if number < full:
                duration = SEGMENT_S + (0.001 if skip and self.fault == "delta-differs" else 0)
                lines += [f"#EXTINF:{duration:.3f},", f"{number}.m4s"]
        if ended:
            return "\n".join(lines + ["#EXT-X-ENDLIST"]) + "\n"
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{full}.{rest}.m4s"')
        if self.fault != "report-missing":
            msn, index = divmod(parts - 1, PARTS)
            msn -= 3 if self.fault == "report-wrong" else 0
            lines += [f'#EXT-X-RENDITION-REPORT:URI="../{other}/media.m3u8",LAST-MSN={msn},LAST-PART={index}'
                      for other in self.variants if other != kind]
        return "\n".join(lines) + "\n"

    def mpd(self):
        full = self.now() // PARTS
        first = max(0, full - WINDOW)
        if self.fault == "segment-lost" and full % 3 == 0:
            full -= 2
        stamp = EPOCH + full if self.fault != "publish-time" else EPOCH
        date = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))  # noqa: E731
        kind = 'type="static"' if self.ended() else (
            f'type="dynamic" availabilityStartTime="{date(EPOCH)}" publishTime="{date(stamp)}" minimumUpdatePeriod="PT1S" '
            'timeShiftBufferDepth="PT10S"')
        sets = []
        for name, scale, codec, size in (("video", 10240, "avc1.42c00a", ' width="64" height="36"'), ("audio", 40960, "fLaC", "")):
            start = first * scale + (scale // 5 if self.fault == "time-differs" else 0)
            if self.fault == "codecs-untrue" and name == "video":
                codec = "avc1.64001f"
            rate = 2000 if self.fault == "bandwidth-exceeded" else 9_000_000
            sets.append(
                f'<AdaptationSet mimeType="{name}/mp4" segmentAlignment="true" startWithSAP="1"><SegmentTemplate timescale="{scale}" '
                f'startNumber="{first}" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number$.m4s">'
                f'<SegmentTimeline><S t="{start}" d="{scale}" r="{full - first - 1}"/></SegmentTimeline></SegmentTemplate>'
                f'<Representation id="{name}" bandwidth="{rate}" codecs="{codec}"{size}/></AdaptationSet>')
        return (f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" '
                f'{kind} minBufferTime="PT2S" maxSegmentDuration="PT1S"><Period id="p" start="PT0S">{"".join(sets)}</Period>'
                '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="x"/></MPD>')

    @staticmethod
    def part(kind, number, index):
        independent = ",INDEPENDENT=YES" if kind == "audio" or index == 0 else ""
        return f'#EXT-X-PART:DURATION={PART_S},URI="{number}.{index}.m4s"{independent}'

    # --- answers ---

    def answer(self, request):
        try:
            status, kind, cache, body = self.find(request)
        except (BrokenPipeError, ConnectionResetError):
            return
        encoding = None
        if kind == "playlist":
            kind = "text/plain" if self.fault == "playlist-type" else "application/vnd.apple.mpegurl"
            if "gzip" in request.headers.get("Accept-Encoding", "") and self.fault != "gzip":
                body, encoding = gzip.compress(body), "gzip"
        try:
            request.send_response(status)
            request.send_header("Content-Type", kind)
            request.send_header("Content-Length", str(len(body)))
            if cache:
                request.send_header("Cache-Control", cache)
            if encoding:
                request.send_header("Content-Encoding", encoding)
            request.end_headers()
            request.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def find(self, request):
        """(status, type, cache, body)"""
        url = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        words = url.path.strip("/").split("/")
        nothing = (404, "text/plain", "", b"nothing")
        if words == ["index.m3u8"]:
            return 200, "playlist", "no-cache", self.multivariant().encode()
        if words == ["manifest.mpd"]:
            self.answered += 1
            if self.fault == "mpd-status" and self.answered == 3:
                return 500, "text/plain", "", b"an error"
            mime = "text/xml" if self.fault == "mpd-type" else "application/dash+xml"
            return 200, mime, "no-cache", self.mpd().encode()
        if len(words) != 2 or words[0] not in self.variants:
            return nothing
        kind, name = words
        if name in ("media.m3u8", "media", "iframes.m3u8"):
            return self.media_playlist(kind, query)
        cache, mime = "max-age=60", f"{kind}/mp4"
        if self.fault == "cache-segment":
            cache = ""
        if self.fault == "media-type":
            mime = "application/octet-stream"
        if name == "init.mp4":
            return nothing if self.fault == "init-missing" else (200, mime, cache, self.media[kind].init)
        numbers = [int(word) for word in name.removesuffix(".m4s").split(".")]
        if len(numbers) == 1:
            if self.fault == "segment-missing" or self.now() < (numbers[0] + 1) * PARTS:
                return nothing
            return 200, mime, cache, self.media[kind].segment(numbers[0])
        wanted = numbers[0] * PARTS + numbers[1]
        if self.fault == "hint-missing" and self.now() <= wanted:
            return nothing
        if wanted > self.now() + PARTS:
            return nothing
        self.wait(wanted + 1)
        data = self.media[kind].parts[wanted]
        if self.fault == "part-media" and numbers[1] == 1:
            data = self.media[kind].parts[wanted - 1]
        return 200, mime, cache, data

    def media_playlist(self, kind, query):
        self.answered += 1
        if self.fault == "playlist-status" and self.answered % 7 == 6:
            return 500, "text/plain", "", b"an error"
        cache = "max-age=60" if self.fault == "cache-playlist" else "no-cache"
        refused = (400, "text/plain", "", b"refused")
        if self.fault != "blocking-answer":
            if "_HLS_part" in query and "_HLS_msn" not in query:
                return refused if self.fault != "blocking-part-alone" else (200, "playlist", cache, self.playlist(kind).encode())
            if "_HLS_msn" in query and not self.ended():
                wanted = int(query["_HLS_msn"]) * PARTS + int(query.get("_HLS_part", PARTS - 1)) + 1
                if wanted > self.now() + 3 * PARTS and self.ends_when_asked_far:
                    self.ends_after = time.monotonic() - self.began
                    return 200, "playlist", cache, self.playlist(kind).encode()
                if wanted > self.now() + 3 * PARTS and self.fault != "blocking-far":
                    return refused
                if self.fault == "blocking-late" and self.answered > 4:
                    self.wait(self.now() + 9)
                self.wait(min(wanted, self.now() + 3 * PARTS))
        skip = "_HLS_skip" in query and self.fault != "delta-missing" and not self.ended()
        return 200, "playlist", cache, self.playlist(kind, skip).encode()
