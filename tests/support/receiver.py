# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who takes a node's webhooks."""
import hashlib
import hmac
import http.server
import json
import threading

SECRET = b"0123456789abcdef0123"


class Receiver:
    """Takes webhooks, as `answer` says; keeps what came."""

    def __init__(self):
        self.got, self.answer, self.port = [], lambda: 200, 0
        self.server = None

    def __enter__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = receiver.answer()
                receiver.got.append((code, self.headers["Headgate-Signature"], body))
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def arguments(self, folder):
        """Of `headgate serve`, to send all events here; the secret's file is in the folder."""
        file = folder / "secret"
        file.write_bytes(SECRET + b"\n")
        file.chmod(0o600)
        return ["--webhook", f"http://127.0.0.1:{self.port}/hook", "--webhook-secret", str(file), "--webhook-severity", "info"]

    def taken(self):
        return [json.loads(body) for code, _, body in self.got if code == 200]

    def expect_whole(self, admin):
        """Each event from the first one on was taken once, in order, as control has it, and signed."""
        taken = self.taken()
        first = taken[0]["id"]
        known = {event["id"]: event for event in admin.events()}
        assert [one["id"] for one in taken] == list(range(first, first + len(taken))), [one["id"] for one in taken]
        assert all(known[one["id"]] == one for one in taken)
        for _, header, body in self.got:
            stamp, given = (word.split("=")[1] for word in header.split(","))
            assert given == hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
