# SPDX-License-Identifier: LGPL-2.1-or-later
"""A node's admin socket for tests of the command line: NODE of as many streams as are wanted, orders that are remembered,
events. What a real node says is in tests/integration/operate_test.py; this one can be large, wrong, old or gone."""
import http.server
import json
import os
import socketserver
import threading
import time
import urllib.parse
from datetime import datetime, timezone


def utc(ago=0.0):
    return datetime.fromtimestamp(time.time() - ago, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def stream(station, **fields):
    """A STREAM of docs/api.md that is in good health."""
    track = {"pad": "video", "kind": "video", "bit-rate": 1500000, "rate": 25.0, "lateness": 200_000_000, "late": False,
             "stalled": False, "gop-duration": 2_000_000_000, "jumps": 0, "stalls": 0}
    one = {"station": station, "event": 77, "state": "live", "since_utc": utc(60), "first_utc": utc(60), "duration_s": 60.0,
           "last_media_utc": utc(), "kbps": 1000 + station % 1000, "width": 1280, "height": 720, "fps": 25.0, "codecs": "avc1.64001F",
           "gaps": 0, "sessions": 1, "protocol": "rtmp", "peer": f"192.0.2.{station % 250}:{10000 + station}",
           "health": {"streams": [track], "stalled": False, "late": False}, "renditions": []}
    health = fields.pop("health", {})
    one.update(fields)
    if one["health"]:
        one["health"].update(health)
    return one


def session(one, worker=0):
    return {"session": str(10**17 + one["station"]), "event": 77, "station": one["station"], "worker": worker, "peer": one["peer"],
            "protocol": "rtmp", "user_agent": "FMLE/3.0", "since_utc": utc(60), "received_bytes": 12_000_000, "kbps": one["kbps"]}


class FakeNode:
    def __init__(self, folder, streams=()):
        self.socket = os.path.join(folder, "admin.sock")
        self.streams = list(streams)
        self.events = []
        self.read_after = []  # ids behind which events were asked for
        self.orders = []  # (method, path, JSON)
        self.gets = 0  # questions
        self.answers = {}  # (method, path): (status, body), instead of the usual
        self.processes = [("supervisor", os.getpid()), ("gate", 2), ("worker", 1)]
        self.draining = None
        self.server = None
        self.start()

    def start(self):
        node = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def address_string(self):
                return "unix"

            def do_GET(self):
                node.answer(self, "GET")

            def do_POST(self):
                node.answer(self, "POST")

            def do_DELETE(self):
                node.answer(self, "DELETE")

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            block_on_close = False

        self.server = Server(self.socket, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.socket)

    def node(self):
        return {"version": "9.9.9", "since_utc": utc(3600), "processes": [{"role": role, "pid": pid} for role, pid in self.processes],
                "workers": [{"worker": 0, "pid": 1, "sessions": len([one for one in self.streams if one["state"] == "live"]), "capacity": 5000, "accepting": True, "reason": ""}],
                "sessions": [session(one) for one in self.streams if one["state"] == "live"], "streams": self.streams,
                "space": {"free_bytes": 10**12, "state": "good"}, "rungs": {"running": 3, "paused": 1}, "draining": self.draining}

    def answer(self, request, method):
        path = urllib.parse.urlparse(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        wanted = self.answers.get((method, path.path))
        if method != "GET":
            self.orders.append((method, path.path, json.loads(body or b"{}")))
        else:
            self.gets += 1
        if wanted:
            return self.send(request, *wanted)
        if path.path == "/api/v1/node":
            return self.send(request, 200, self.node())
        if path.path == "/api/v1/events":
            return self.tell_events(request, urllib.parse.parse_qs(path.query))
        if path.path == "/api/v1/drain":
            self.draining = {"since_utc": utc()} if method == "POST" else None
            return self.send(request, 200, {"draining": self.draining, "sessions": len(self.streams)})
        if path.path.endswith("/kick"):
            return self.send(request, 200, {"session": "1001", "closed": path.path != "/api/v1/streams/1/kick", "reason": "kick:operator"})
        if path.path.endswith("/release"):
            return self.send(request, 200, {"station": int(path.path.split("/")[-2]), "released": True})
        return self.send(request, 404, {"error": "there is nothing here"})

    def tell_events(self, request, query):
        if "event-stream" not in request.headers["Accept"]:
            after, limit = int(query.get("after", ["0"])[0]), int(query.get("limit", ["100"])[0])
            found = [one for one in self.events if one["id"] > after][:limit]
            self.read_after.append(after)
            self.send(request, 200, {"events": found, "last": found[-1]["id"] if found else after,
                                     "newest": max((one["id"] for one in self.events), default=0)})
            return
        last = int(request.headers["Last-Event-ID"])
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        request.wfile.write(b":\n\n")
        for one in [one for one in self.events if one["id"] > last]:
            request.wfile.write(f"id: {one['id']}\ndata: {json.dumps(one)}\n\n".encode())
        request.wfile.flush()

    @staticmethod
    def send(request, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)


def event(number, kind, severity="info", text="it happened", **fields):
    return {"id": number, "utc": utc(), "kind": kind, "severity": severity, "text": text, "fields": fields, "seq": number}
