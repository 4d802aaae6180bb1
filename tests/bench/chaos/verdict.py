# SPDX-License-Identifier: LGPL-2.1-or-later
"""What went wrong, held against what was lost, what viewers saw and what the node says of it."""

import re

from harm import QUIET_S


def tells_of(event, one):
    """Whether it is that trouble's: of the process that it was, or of a station that it hit."""
    if event.get("kind") not in one["expect"]:
        return False
    fields = event.get("fields", {})
    if "pid" in one and "pid" in fields:
        return fields["pid"] == one["pid"]
    return event["kind"] != "session.closed" or fields.get("station") in one["hit"]


def unheard(troubles, events):
    """Those that no event tells of: one that comes behind those that there were before, and before the next trouble."""
    out = []
    ends = [one["after_id"] for one in troubles[1:]] + [float("inf")]
    for one, end in zip(troubles, ends):
        told = [event for event in events if one["after_id"] < event.get("id", 0) <= end and tells_of(event, one)]
        if not told and "status" in one:
            one["event"] = one["status"]
        elif not told:
            out.append(f"{one['kind']} {one['role']}".strip())
        else:
            one["event"] = told[0].get("text", "")
    return out


def during(one, at, until, margin_s):
    return one["at"] - margin_s <= until and at <= one["until"] + QUIET_S + margin_s


def allowed(hits, most_s):
    """Seconds, with what had hit the station and the quiet behind it."""
    return most_s + sum(one["until"] - one["at"] + QUIET_S for one in hits)


def unexcused(losses, troubles, most_s):
    """Losses of more than `most_s` beyond what had hit the station, as texts."""
    out = []
    began = troubles[0]["at"] if troubles else 0
    for station, at, until, lost_s in losses:
        hits = [one for one in troubles if station in one["hit"] and during(one, at, until, most_s)]
        if lost_s > allowed(hits, most_s):
            out.append(f"station {station}: {lost_s:.1f} s, {at - began:.0f} to {until - began:.0f} s")
    return out


def stood(stalls, viewing, troubles, most_s):
    """Of the viewers' stalls (`headgate load view`, which began at `viewing`), as texts: those of more than `most_s` beyond what
    had hit the stream, while the origin was well; and the longest while it was not, of streams that nothing had hit."""
    out, longest_s = [], 0.0
    began = troubles[0]["at"] if troubles else 0
    for one in stalls:
        station = int(re.search(r"/hls/(\d+)/", one["path"])[1])
        until = viewing + one["until_s"]
        at = until - one["s"]
        about = [trouble for trouble in troubles if during(trouble, at, until, most_s)]
        hits = [trouble for trouble in about if station in trouble["hit"]]
        origins = [trouble for trouble in about if trouble["role"] == "origin"]
        if origins and not hits:
            longest_s = max(longest_s, one["s"])
        elif one["s"] > allowed(hits + origins, most_s):
            out.append(f"a viewer of station {station}: {one['s']:.1f} s, {at - began:.0f} to {until - began:.0f} s")
    return out, longest_s
