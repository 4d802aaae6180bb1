# SPDX-License-Identifier: LGPL-2.1-or-later
"""Table, ratios and plot of measurements. Everything shown is the median over repetitions."""

import statistics

import bars
from bench import columns

PEERS, OURS = ("nginx", "nginx, files kept open"), "origin"
COLOURS = {PEERS[0]: "#8a8f98", PEERS[1]: "#c5c9d0", OURS: "#1f77b4"}

COLUMNS = [  # heading, key, format
    ("kB", "body_kb", "{:.1f}"),
    ("CPU us/request", "cpu_us", "{:.1f}"),
    ("user", "user_us", "{:.1f}"),
    ("system", "system_us", "{:.1f}"),
    ("requests/s of a core", "per_core", "{:.0f}"),
    ("CPU ms/Gbit", "cpu_ms_per_gbit", "{:.0f}"),
    ("seen requests/s", "rate", "{:.0f}"),
    ("seen Gbit/s", "gbit", "{:.2f}"),
    ("busy", "busy", "{:.2f}"),
    ("switches/request", "switches", "{:.2f}"),
    ("p99 ms", "p99_ms", "{:.1f}"),
    ("PSS MB", "pss_mb", "{:.1f}"),
]
PANELS = [  # title, kind, key, format
    ("CPU, microseconds per playlist", "playlist", "cpu_us", "{:.0f}"),
    ("CPU, milliseconds per Gbit of segments", "segment", "cpu_ms_per_gbit", "{:.0f}"),
]


def medians(rows):
    """{(kind, connections, server): {key: median}}, in the order of the rows; "sound" is of all of them."""
    groups = {}
    for row in rows:
        groups.setdefault((row["kind"], row["connections"], row["server"]), []).append(row)
    return {key: {"runs": len(group), "sound": all(row["sound"] for row in group),
                  **{name: statistics.median(row[name] for row in group) for _, name, _ in COLUMNS}}
            for key, group in groups.items()}


def table(rows):
    lines = [["what", "connections", "server", "runs"] + [heading for heading, _, _ in COLUMNS]]
    for (kind, connections, server), found in medians(rows).items():
        lines.append([kind, str(connections), server + ("" if found["sound"] else " *"), str(found["runs"])] +
                     [style.format(found[key]) for _, key, style in COLUMNS])
    return columns(lines, left=(0, 2))


def ratios(rows):
    found = medians(rows)
    lines = []
    for kind, connections in dict.fromkeys((kind, connections) for kind, connections, _ in found):
        ours = found.get((kind, connections, OURS))
        for name in PEERS:
            peer = found.get((kind, connections, name))
            if ours and peer:
                lines.append(f"{OURS} : {name}, {kind}, {connections} connections: "
                             f"CPU {ours['cpu_us'] / peer['cpu_us']:.2f}")
    return "\n".join(lines)


def plot(rows):
    found = medians(rows)
    servers = list(dict.fromkeys(server for _, _, server in found))
    panels = []
    for title, kind, key, style in PANELS:
        groups = [(f"{connections} connections", [(server, found[kind, connections, server][key]) for server in servers
                                                  if (kind, connections, server) in found])
                  for connections in dict.fromkeys(n for of, n, _ in found if of == kind)]
        if groups:
            panels.append((title, groups, style))
    return bars.svg(panels, {server: COLOURS[server] for server in servers})
