# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is served: streams that a node has archived, and the same bytes as files."""

import http.client
import re
import time
import urllib.parse

LISTED_S = 30


class Content:
    """`paths` by kind, as a viewer of every station asks for them."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=30)
        self.paths = {"playlist": [], "segment": []}
        self.bodies = {}  # path: bytes, of init segments too

    def fetch(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        return body if answer.status == 200 else None

    def whole_playlist(self, path):
        """Once the stream has ended: it does not change any more."""
        deadline = time.monotonic() + LISTED_S
        while time.monotonic() < deadline:
            text = self.fetch(path)
            if text and b"#EXT-X-ENDLIST" in text:
                return text
            time.sleep(0.05)
        raise RuntimeError(f"{path} has not ended within {LISTED_S} s")

    def add_station(self, station):
        path = f"/hls/{station}/media.m3u8"
        playlist = self.bodies[path] = self.whole_playlist(path)
        self.paths["playlist"].append(path)
        text = playlist.decode()
        for uri in re.findall(r'URI="([^"]+)"', text):
            self.add(urllib.parse.urljoin(path, uri))
        for uri in re.findall(r"^[^#\s].*$", text, re.M):
            self.paths["segment"].append(self.add(urllib.parse.urljoin(path, uri)))

    def add(self, path):
        if path not in self.bodies:
            body = self.fetch(path)
            if body is None:
                raise RuntimeError(f"{path} is listed and not served")
            self.bodies[path] = body
        return path

    def mean_bytes(self, kind):
        return sum(len(self.bodies[path]) for path in self.paths[kind]) / len(self.paths[kind])

    def write_files(self, folder):
        for path, body in self.bodies.items():
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
