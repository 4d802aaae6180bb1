# SPDX-License-Identifier: LGPL-2.1-or-later
"""Table, ratios and plot of measurements. Everything shown is the median over repetitions."""

import statistics

import bars
from bench import columns

PEER, OURS = "nginx-rtmp", "headgate"
COLOURS = {PEER: "#8a8f98", OURS: "#1f77b4"}
OTHER_COLOURS = ["#d98c21", "#5b8c3e", "#a04b8f"]

COLUMNS = [  # heading, key, format
    ("CPU ms", "cpu_ms", "{:.2f}"),
    ("user", "user_ms", "{:.2f}"),
    ("system", "system_ms", "{:.2f}"),
    ("kthreads", "kernel_threads_ms", "{:.2f}"),
    ("PSS kB", "pss_kb", "{:.0f}"),
    ("idle MB", "idle_mb", "{:.0f}"),
    ("in kB/s", "received_kb", "{:.0f}"),
    ("out kB/s", "written_kb", "{:.0f}"),
    ("out/in", "written_ratio", "{:.3f}"),
    ("writes/s", "writes", "{:.1f}"),
    ("switches/s", "switches", "{:.2f}"),
    ("procs", "processes", "{:.0f}"),
    ("threads", "threads", "{:.0f}"),
    ("listed ms", "last_listed_ms", "{:.1f}"),
    ("GOP+ ms", "first_listed_ms", "{:.0f}"),
    ("lag ms", "lag_max_ms", "{:.0f}"),
]


def medians(rows):
    """{(medium, streams, server): {key: median}}, in the order of the rows; "sound" is of all of them."""
    groups = {}
    for row in rows:
        row = {**row, "idle_mb": row["idle_kb"] / 1000}
        groups.setdefault((row["medium"], row["streams"], row["server"]), []).append(row)
    out = {}
    for key, group in groups.items():
        out[key] = {"runs": len(group), "sound": all(row["sound"] for row in group)}
        for name in group[0]:
            values = [row[name] for row in group if isinstance(row.get(name), (int, float))]
            if values and name != "sound":
                out[key][name] = statistics.median(values)
    return out


def table(rows):
    """Per stream and second, unless the heading says otherwise. "listed": from the key frame that closes a segment
    to its being listed; "GOP+": from its first frame."""
    lines = [["medium", "streams", "server", "runs"] + [heading for heading, _, _ in COLUMNS]]
    for (medium, streams, server), found in medians(rows).items():
        cells = [style.format(found[key]) if key in found else "-" for _, key, style in COLUMNS]
        lines.append([medium, str(streams), server + ("" if found["sound"] else " *"), str(found["runs"])] + cells)
    return columns(lines, left=(0, 2))


def ratios(rows):
    found = medians(rows)
    lines = []
    for medium, streams in dict.fromkeys((medium, streams) for medium, streams, _ in found):
        ours, peer = found.get((medium, streams, OURS)), found.get((medium, streams, PEER))
        if ours and peer:
            lines.append(f"{OURS} : {PEER} at {streams} streams on {medium}: CPU {ours['cpu_ms'] / peer['cpu_ms']:.2f}"
                         f", bytes written {ours['written_kb'] / peer['written_kb']:.2f}"
                         f", writes {ours['writes'] / peer['writes']:.4f}")
    return "\n".join(lines)


PANELS = [  # title, key, format
    ("CPU, ms per stream and second", "cpu_ms", "{:.2f}"),
    ("memory, kB per stream (PSS over idle)", "pss_kb", "{:.0f}"),
    ("bytes written per byte received", "written_ratio", "{:.2f}"),
    ("context switches per stream and second", "switches", "{:.2f}"),
]


def plot(rows):
    found = medians(rows)
    servers = list(dict.fromkeys(server for _, _, server in found))
    others = iter(OTHER_COLOURS * len(servers))
    colours = {server: COLOURS.get(server) or next(others) for server in servers}
    panels = []
    for medium in dict.fromkeys(medium for medium, _, _ in found):
        counts = sorted({streams for of, streams, _ in found if of == medium})
        for title, key, style in PANELS:
            groups = [(f"{streams} streams", [(server, found[medium, streams, server].get(key)) for server in servers
                                              if (medium, streams, server) in found]) for streams in counts]
            panels.append((f"{title} ({medium})", groups, style))
    return bars.svg(panels, colours)
