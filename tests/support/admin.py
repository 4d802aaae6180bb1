# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks a node's control process over its Unix socket, or any other server of HTTP."""
import http.client
import json
import socket

from waiting import SLOWNESS

TIMEOUT_S = 30


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=TIMEOUT_S):
        super().__init__("localhost", timeout=timeout * SLOWNESS)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Admin:
    """`connect`: makes a connection."""

    def __init__(self, connect, headers=None):
        self.connect, self.headers = connect, headers or {}
        self.seen = []  # (method, path, status, type, body) of every answer

    def ask(self, method, path, body=None, headers=None):
        """(status, JSON or text)."""
        connection = self.connect()
        try:
            data = None if body is None else body if isinstance(body, (bytes, str)) else json.dumps(body)
            connection.request(method, path, body=data, headers={**self.headers, **(headers or {})})
            answer = connection.getresponse()
            kind = (answer.getheader("Content-Type") or "").split(";")[0]
            text = answer.read().decode()
            content = json.loads(text) if kind == "application/json" else text
            self.seen.append((method, path.split("?")[0], answer.status, kind, content))
            return answer.status, content
        finally:
            connection.close()

    def get(self, path, status=200, **headers):
        got, content = self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert got == status, f"GET {path}: {got} {content}"
        return content

    def events(self, after=0, limit=1000):
        """All from an id on, a page after the other."""
        out = []
        while True:
            page = self.get(f"/api/v1/events?after={after}&limit={limit}", Accept="application/json")
            out += page["events"]
            if after == page["last"]:
                return out
            after = page["last"]


class EventStream:
    """Server-sent events of a connection, as they come."""

    def __init__(self, connection, path="/api/v1/events", **headers):
        self.connection = connection
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        self.answer = connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.getheader("Content-Type") == "text/event-stream"

    def next(self):
        """The next event."""
        number = data = None
        while True:
            line = self.answer.readline().decode()
            assert line, "the stream of events has ended"
            line = line.rstrip("\n")
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and data is not None:
                assert data["id"] == number
                return data

    def until(self, kind):
        while True:
            event = self.next()
            if event["kind"] == kind:
                return event

    def close(self):
        self.connection.close()
