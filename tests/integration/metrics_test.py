#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens to a node moves the numbers that it should, by as much as it should."""
import http.client
import re
import socket
import subprocess

import media
import tap
from node import SLOWNESS, Node, wait_until
from promtool import check_metrics

STATION, OTHER = 5, 6
VIEWS = 7


def metrics_text(node, accept=None):
    """/metrics at the node's own socket."""
    connection = http.client.HTTPConnection("localhost", timeout=10 * SLOWNESS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10 * SLOWNESS)
    connection.sock.connect(str(node.data / "run/admin.sock"))
    try:
        connection.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200, body
        return answer.getheader("Content-Type"), body
    finally:
        connection.close()


def metrics(node):
    """{(name, {label…}): value}."""
    out = {}
    for line in metrics_text(node)[1].splitlines():
        if line and not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            name, _, labels = series.partition("{")
            key = (name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels)))
            assert key not in out, f"twice: {line}"
            out[key] = float(value)
    return out


def total(numbers, name, **labels):
    """The sum over all series of that name that have these labels; None without one."""
    found = [value for (its, has), value in numbers.items() if its == name and has >= set(labels.items())]
    return sum(found) if found else None


def wait_total(node, name, wanted, **labels):
    """Until the sum satisfies; all numbers then."""
    last = {}

    def there():
        last.update({"numbers": metrics(node)})
        value = total(last["numbers"], name, **labels)
        return value is not None and wanted(value)
    wait_until(f"{name} {labels or ''} is as it should be", there)
    return last["numbers"]


def test_a_nodes_numbers_are_as_prometheus_wants_them_and_move_by_as_much_as_they_should():
    with Node(arguments=["--workers", "2", "--capacity", "2"]) as node:
        path = media.clip(8)
        wait_total(node, "headgate_worker_accepting", lambda value: value == 2)
        for role in ("supervisor", "gate", "origin", "control", "worker"):
            before = wait_total(node, "headgate_process_cpu_seconds_total", lambda value: value > 0, role=role)
            assert total(before, "headgate_process_up", role=role) >= 1, role
            assert total(before, "headgate_process_resident_memory_bytes", role=role) > 1 << 20, role
            assert total(before, "headgate_process_cpu_seconds_total", role=role) > 0, role
            # What takes long to find out comes a moment later.
            before = wait_total(node, "headgate_process_max_fds", lambda value: value > 0, role=role)
            assert total(before, "headgate_process_max_fds", role=role) > total(before, "headgate_process_open_fds", role=role) > 2

        # A publisher: what he sent was received and written, to the frame.
        publisher = media.ffmpeg(node, path, node.url(STATION))
        wait_total(node, "headgate_sessions", lambda value: value == 1, protocol="rtmp")
        live = wait_total(node, "headgate_streams", lambda value: value == 1, state="live")
        assert total(live, "headgate_streams") == 1
        wait_total(node, "headgate_sessions_admitted_total", lambda value: value == 1, protocol="rtmp")
        publisher.finish(40)
        sent = {kind: len(found) for kind, found in media.packets(path).items()}
        ended = wait_total(node, "headgate_streams", lambda value: value == 1, state="ended")
        ended = wait_total(node, "headgate_received_frames_total", lambda value: value == sum(sent.values()))
        for kind, count in sent.items():
            assert total(ended, "headgate_received_frames_total", kind=kind) == count
        written = total(ended, "headgate_archive_written_bytes_total")
        on_disk = sum(file.stat().st_size for run in node.runs(STATION) for file in media.media_files(run))
        assert written <= on_disk < written * 1.1, (written, on_disk)
        assert total(ended, "headgate_archive_commit_duration_seconds_count") >= 3
        assert total(ended, "headgate_archive_gaps_total") == 0

        # Viewers: so many more requests of their class, and their bytes.
        body = node.get(f"/hls/{STATION}/replay.m3u8")[1]
        segment = re.search(rb"^(\d+\.m4s)$", body, re.M)[1].decode()
        wait_total(node, "headgate_http_requests_total", lambda value: value >= 1, **{"class": "playlist"})
        start = metrics(node)
        size = sum(len(node.get(f"/hls/{STATION}/{segment}")[1]) for _ in range(VIEWS))
        assert node.get("/hls/999/1.m4s")[0] == 404
        known = total(start, "headgate_http_requests_total", **{"class": "segment"}) or 0
        seen = wait_total(node, "headgate_http_requests_total", lambda value: value == known + VIEWS + 1, **{"class": "segment"})
        assert total(seen, "headgate_http_requests_total", **{"class": "segment", "status": "4xx"}) == (
            (total(start, "headgate_http_requests_total", **{"class": "segment", "status": "4xx"}) or 0) + 1)
        moved = total(seen, "headgate_http_sent_bytes_total", **{"class": "segment"}) - (
            total(start, "headgate_http_sent_bytes_total", **{"class": "segment"}) or 0)
        assert size < moved < size + 1000 * (VIEWS + 1), (size, moved)
        assert total(seen, "headgate_http_request_duration_seconds_count", **{"class": "segment"}) == known + VIEWS + 1
        assert total(seen, "headgate_http_viewers") >= 1

        # Who is refused is counted by the code.
        url = node.url(OTHER, from_="-3h", until="-1h")
        done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-re", "-i", path, "-c", "copy", "-f", "flv", url],
                              env=node.client_env, capture_output=True, timeout=40 * SLOWNESS, check=False)
        assert done.returncode != 0
        refused = wait_total(node, "headgate_sessions_refused_total", lambda value: value == 1, reason="forbidden")
        assert total(refused, "headgate_sessions_refused_total", code="1403", transport="rtmp") == 1
        assert total(refused, "headgate_sessions_refused_total") == 1
        assert total(refused, "headgate_sessions_admitted_total") == 1

        # A worker that is killed: one restart, and its numbers begin at nothing.
        starts = total(refused, "headgate_process_restarts_total", role="worker")
        assert starts == 0
        workers = len(node.kill("worker"))
        killed = wait_total(node, "headgate_process_restarts_total", lambda value: value == workers, role="worker")
        assert total(killed, "headgate_process_restarts_total", role="gate") == 0
        wait_total(node, "headgate_worker_accepting", lambda value: value == workers)
        again = wait_total(node, "headgate_received_frames_total", lambda value: value == 0)
        assert total(again, "headgate_events_total", severity="warning") >= 1

        check_metrics(metrics_text(node)[1])
        kind, text = metrics_text(node, "application/openmetrics-text;version=1.0.0")
        assert kind.startswith("application/openmetrics-text") and text.endswith("# EOF\n")
        assert "station=" not in text


def test_stations_have_numbers_if_that_is_wanted():
    with Node(arguments=["--metrics-per-stream", "1"]) as node:
        publisher = media.ffmpeg(node, media.clip(60), node.url(STATION), loop=True)
        live = wait_total(node, "headgate_station_received_bytes_per_second", lambda value: value > 100_000, station=str(STATION))
        assert total(live, "headgate_station_live", station=str(STATION)) == 1
        wait_total(node, "headgate_archive_runs_open", lambda value: value == 1)
        check_metrics(metrics_text(node)[1])
        publisher.stop()


tap.run(globals())
