#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What operators are told by a node and what they can make it do, with real programs and publishers."""
import json
import os
import signal

import media
import tap
from admin import Admin, EventStream, UnixConnection
from node import Node, wait_until

STATION = 5


def socket_of(node):
    return node.data / "run" / "admin.sock"


def admin_of(node):
    return Admin(lambda: UnixConnection(socket_of(node)))


def kinds(events):
    return [event["kind"] for event in events]


def wait_event(admin, kind, count=1):
    """The events of a kind, when there are so many."""
    def there():
        found = [event for event in admin.events() if event["kind"] == kind]
        return found if len(found) >= count else None
    return wait_until(f"{count} events {kind}", there)


def wait_control(node, admin):
    def answers():
        try:
            return admin.ask("GET", "/api/v1/workers")[0] == 200 and node.pids("control")
        except OSError:
            return False
    return wait_until("control answers", answers)


def publish(node, station=STATION, again=False):
    publisher = media.ffmpeg(node, media.clip(30), node.url(station), loop=True, again=again)
    node.wait_state(station, "live")
    return publisher


def test_no_event_is_lost_by_any_death():
    with Node() as node:
        admin = admin_of(node)
        wait_event(admin, "node.ready")
        stream = EventStream(UnixConnection(socket_of(node)), "/api/v1/events?after=0")
        assert stream.until("node.ready")["severity"] == "info"
        publisher = publish(node)
        opened = stream.until("session.opened")
        assert opened["fields"]["station"] == STATION and opened["fields"]["protocol"] == "rtmp", opened
        assert {one["session"] for one in admin.get("/api/v1/sessions")["sessions"]} == {opened["fields"]["session"]}

        node.kill("control")
        wait_control(node, admin)
        wait_event(admin, "control.restarted")
        # What came while it did not run, and nothing twice.
        again = EventStream(UnixConnection(socket_of(node)), Last_Event_ID=str(opened["id"]))
        assert again.until("control.died")["id"] > opened["id"]
        again.close()
        stream.close()

        node.kill("gate")
        wait_event(admin, "gate.restarted")
        node.kill("supervisor")
        before = admin.events()
        assert admin.ask("GET", "/api/v1/workers")[0] == 200, "control outlives the supervisor"
        node.start()
        wait_event(admin, "control.adopted")
        wait_event(admin, "node.started", 2)
        publisher.stop()
        closed, = wait_event(admin, "session.closed")
        assert closed["fields"]["session"] == opened["fields"]["session"], closed

        events = admin.events()
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        assert events[:len(before)] == before
        assert kinds(events).count("session.opened") == 1, kinds(events)
        assert {"gate.died", "control.died", "gate.adopted", "worker.adopted"} <= set(kinds(events)), kinds(events)
        lines = [json.loads(line) for path in sorted((node.data / "events").glob("*.jl"))
                 for line in path.read_text().splitlines()]
        assert lines == events


def test_a_session_that_ends_while_nobody_looks_is_told_late():
    with Node() as node:
        admin = admin_of(node)
        publisher = publish(node)
        opened, = wait_event(admin, "session.opened")
        # No supervisor, so that control stays away for as long as it takes.
        node.kill("supervisor")
        control, = [one["pid"] for one in admin.get("/api/v1/node")["processes"] if one["role"] == "control"]
        os.kill(control, signal.SIGKILL)
        publisher.stop()
        wait_until("the session is over", lambda: node.stream(STATION)["state"] != "live")
        node.start()
        closed, = wait_event(admin, "session.closed")
        assert closed["fields"] == {"session": opened["fields"]["session"], "reason": "unseen"}, closed


if __name__ == "__main__":
    tap.run(globals())
