# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is promised of a stream that has its troubles, and each allowance with its reason."""

from bench import Promises
from troubles import SILENT_S, due_at

SOURCE = "replay-video.m3u8"
LATE = ("part-late", "stalled", "blocking-late")

# What the stream itself may lack of each trouble, in seconds: no viewer can be shown what did not come.
#   reconnect  until the publisher is back (its own second), and the rest of a segment of 2 s that began without a key frame
#   silence    what it did not send, until it noticed, and the same
#   worker     what it had in memory (a part of 0.5 s), until the publisher has noticed and is back, and the same
LACKING_S = {"reconnect": 3, "encoder": 0, "pause": 0, "silence": SILENT_S + 3, "worker": 4}
# And a player beyond that: it may throw away the segment that it was in, of 2 s, and has to be as far behind the new end as
# it was behind the old one: another.
REBUFFER_S = 4
START_S = 4  # it goes to its place behind the live end, once
# Without a picture: as long as the publisher says nothing, and until the segment that follows is there. Who plays the usual
# three target durations behind the end has more than that in hand.
STILL_S = SILENT_S + 4
# Without a processor: then nobody knows what was shown. More, and it was not looked at.
STARVED = 0.1
# Until all rungs run again: an encoder begins with the next segment; of a pause 15 s without a lag are the rule, and four times
# as long while the kernel says that others wait for processors (docs/elements.md), as three browsers do; after it has come.
OVER_S = {"reconnect": 8, "encoder": 8, "pause": 80, "silence": SILENT_S + 8, "worker": 12}
# Of a rung: the segment in which something went wrong and the one before the next that begins with a key frame.
LOST_SEGMENTS = 2
# Until all rungs run since they were asked for: on demand a GOP and a second, and a second for the checkers' own start.
BEGIN_S = {"event": 1, "station": 4}
# Pictures that a starved encoder has left out before its rung gives way are missing there, and listed as missing.
STARVED_RULES = ("time-hole",)
# A checker is given a second for what lies between its own beginning and ours.
CHECKER_S = 1
# Of the segments that there were: those at both ends of the time that a reader looked.
SEEN = 0.95


def kind(name):
    """Of what went wrong: a second time has its number behind it."""
    return name.partition(" ")[0]


def lacking_s(row):
    return sum(LACKING_S[kind(name)] for name in row["went_wrong"])


def out_s(row):
    """For how long a rung may have been missing because its encoder was, or it gave way, or had just been asked for."""
    over = sum(to - at for name, (at, to) in row["went_wrong"].items() if kind(name) in ("encoder", "pause"))
    return over + row["rungs_began_s"]


def longest_out_s(row):
    """The longest time for which one of them did, at once."""
    return max([to - at for name, (at, to) in row["went_wrong"].items() if kind(name) in ("encoder", "pause")] + [row["rungs_began_s"]])


def segment_s(row):
    source = row["decoded"][SOURCE]
    return source["seconds"] / max(source["segments"], 1)


def judge_recordings(row, promises):
    """Each rendition is there, and the rungs have the source's pictures, but for what went wrong with them."""
    decoded = row["decoded"]
    kinds = {SOURCE: "video", "replay-audio.m3u8": "audio", "pictures/replay.m3u8": "video"}
    kinds |= {f"{name}/replay.m3u8": "audio" if name.startswith("audio") else "video" for name in row["renditions"]}
    empty = [uri for uri, kind in kinds.items() if not decoded.get(uri, {kind: 0})[kind]]
    promises.check("recordings without anything in them", ", ".join(empty) or "none", "none", not empty)
    complaints = sum(len(one["complaints"]) for one in decoded.values())
    promises.check("ffmpeg's complaints about the recordings", complaints, 0, complaints == 0)
    if empty:
        return
    source = decoded[SOURCE]
    least = row["seconds"] - lacking_s(row)
    recorded = source["seconds"] - row["before_s"]
    promises.check("recorded, s", f"{recorded:.0f}", f">= {least:.0f}", recorded >= least)
    rate, a_segment = source["video"] / source["seconds"], segment_s(row)
    for name in row["renditions"]:
        one = decoded[f"{name}/replay.m3u8"]
        if kinds[f"{name}/replay.m3u8"] != "video":
            continue
        missing = (source["video"] - one["video"]) / rate
        not_asked_yet = row["before_s"] if row["pipeline"] == "station" else 0
        most = out_s(row) + LOST_SEGMENTS * a_segment * len(row["went_wrong"]) + not_asked_yet
        # It may have no more than the source, but what both were at when a run ended.
        promises.check(f"{name}: pictures that the source has, and it has not, s", f"{missing:.1f}",
                       f"{-a_segment * source['runs']:.0f} to {most:.0f}", -a_segment * source["runs"] <= missing <= most)


def judge_checks(row, promises):
    """Nothing was found, and everything was looked at: each playlist, each Representation."""
    least = SEEN * (row["seconds"] - lacking_s(row)) / segment_s(row)
    least_of_rung = least - (out_s(row) / segment_s(row) + LOST_SEGMENTS * len(row["went_wrong"]))
    for standard, result in row["checks"].items():
        promises.check(f"{standard}: was looked at, s", f"{result['seconds']:.0f}", f">= {row['seconds']:.0f}",
                       result["seconds"] >= row["seconds"] - CHECKER_S)
        broken = [one for one in result["findings"] if one["severity"] != "note" and not of_starving(row, one)]
        for what, found in ((f"{standard}: rules broken", [one for one in broken if one["rule"] not in LATE]),
                            (f"{standard}: of them, something late", [one for one in broken if one["rule"] in LATE])):
            promises.check(what, len(found), 0, not found)
        seen = {}
        for one in result["playlists"]:
            # In DASH a Representation of each Period, by its name behind the Period's.
            name = one["name"].rpartition("/")[2] if standard == "dash" else one["name"]
            seen[name] = seen.get(name, 0) + one["segments"]
        rungs = set(row["renditions"])
        expected = dash_names(row) if standard == "dash" else set()
        few = [f"{name} ({seen.get(name, 0)})" for name in sorted(expected | set(seen))
               if seen.get(name, 0) < (least_of_rung if is_made(name, rungs) else least)]
        promises.check(f"{standard}: hardly looked at, of {max(len(seen), len(expected))}", ", ".join(few) or "none",
                       f"each {least:.0f} segments, {least_of_rung:.0f} of a rung", not few)


def of_starving(row, finding):
    """It is of a rung, and all of it while the encoders had no processor."""
    rung = finding["where"].rpartition("/")[2] if "/media" not in finding["where"] else finding["where"].partition("/")[0]
    times = [at / 1000 for at in finding["times_ms"]]
    spans = [span for name, span in row["went_wrong"].items() if kind(name) == "pause"]
    return (finding["rule"] in STARVED_RULES and rung in row["renditions"] and finding["count"] == len(times)
            and all(any(at <= one <= to + segment_s(row) for at, to in spans) for one in times))


def dash_names(row):
    """The manifest's Representations: its sound is the source's alone (docs/delivery.md)."""
    return {"video", "audio", *(name for name in row["renditions"] if not name.startswith("audio"))}


def is_made(name, rungs):
    """By an encoder of ours, small pictures too: not the source as it was sent."""
    front = name.partition("/")[0]
    return front in rungs or front == "pictures"


def judge_players(row, promises):
    """Each has played all but what was missing, goes on, and complained of nothing."""
    for one in row["players"]:
        name = one["player"]
        ends_well = one["alive"] and not one["problems"] and one["error_count"] == 0
        promises.check(f"{name}: trouble", "none" if ends_well else f"{one['error_count'] + len(one['problems'])}"
                       if one["alive"] else "ended", "none", ends_well)
        if "readings" in one:
            most = len(dash_names(row))
            promises.check(f"{name}: Representations in it", one["most"], most, one["most"] == most)
            promises.check(f"{name}: readings without all of them", one["short"], 0, one["short"] == 0)
            promises.check(f"{name}: readings", one["readings"], f">= {one['cut'] + 1}", one["readings"] > one["cut"])
            continue
        uri = name.partition(" ")[2]
        missing = out_s(row) if is_made(uri, set(row["renditions"])) else 0
        least = round(row["seconds"] - one["starved_s"] - lacking_s(row) - missing - START_S - REBUFFER_S * len(row["went_wrong"]))
        promises.check(f"{name}: played, s", f"{one['played_s']:.0f}", f">= {least}", one["played_s"] >= least)
        # FFmpeg's demuxer reads all that the multivariant playlist lists in step, and waits for the one that has nothing.
        most = STILL_S + (longest_out_s(row) if missing or uri == "index.m3u8" else 0)
        promises.check(f"{name}: stood still for, s", f"{one['longest_still_s']:.1f}", f"<= {most:.0f}",
                       one["longest_still_s"] <= most)
        promises.check(f"{name}: without a processor, s", f"{one['starved_s']:.1f}", f"<= {STARVED * row['seconds']:.0f}",
                       one["starved_s"] <= STARVED * row["seconds"])


def judge(row, arguments):
    promises = Promises()
    for name in due_at(arguments):
        at, to = row["went_wrong"].get(name, (0, None))
        promises.check(f"went wrong, and over within, s: {name}", "no" if to is None else f"{to - at:.1f}",
                       f"<= {OVER_S[kind(name)]}", to is not None and to - at <= OVER_S[kind(name)])
    most = BEGIN_S[row["pipeline"]]
    promises.check("all rungs run, s after they were asked for", row["rungs_began_s"], f"<= {most}", row["rungs_began_s"] <= most)
    judge_checks(row, promises)
    judge_players(row, promises)
    judge_recordings(row, promises)
    return promises
