// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>

#include <conformance/playlist_rules.h>

#include "text.h"

namespace headgate::conformance {
namespace {

void target_exceeded(const MediaPlaylist& playlist, Findings& findings) {
  if (playlist.target_s == 0) return;
  for (const Segment& segment : playlist.segments) {
    const auto rounded = static_cast<uint64_t>((segment.duration + kSecond / 2) / kSecond);
    if (rounded > playlist.target_s)
      add(findings, "target-exceeded", segment.line,
          of_segment(segment) + " lasts " + seconds_text(segment.duration) + ", the target duration is " +
              std::to_string(playlist.target_s) + " s");
  }
}

void version(const MediaPlaylist& playlist, Findings& findings) {
  const std::string stated = "it is " + std::to_string(playlist.version) + ", ";
  if (playlist.version < playlist.needed_version)
    add(findings, "version-low", 0,
        stated + playlist.needs_version_for + " needs " + std::to_string(playlist.needed_version));
  // A playlist whose delta updates need version 9 may say so everywhere.
  const bool skips = playlist.control && playlist.control->can_skip_until;
  const uint64_t most = std::max<uint64_t>(playlist.needed_version, skips ? 10 : 0);
  if (playlist.version > most) add(findings, "version-high", 0, stated + std::to_string(most) + " would do");
}

bool is_fragmented_mp4(const std::string& uri) {
  const std::string path = uri.substr(0, uri.find_first_of("?#"));
  constexpr std::array<std::string_view, 6> kEnds = {".m4s", ".mp4", ".cmfv", ".cmfa", ".m4v", ".m4f"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) {
    return path.size() > end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
  });
}

void map_missing(const MediaPlaylist& playlist, Findings& findings) {
  if (playlist.iframes_only) return;  // may be in the resource itself (4.4.3.6)
  for (const Segment& segment : playlist.segments) {
    if (segment.map || segment.gap || !is_fragmented_mp4(segment.resource.uri)) continue;
    add(findings, "map-missing", segment.line,
        of_segment(segment) + " (" + segment.resource.uri + ") has none");
    return;
  }
}

void dates(const MediaPlaylist& playlist, Findings& findings) {
  const bool dated = std::any_of(playlist.segments.begin(), playlist.segments.end(),
                                 [](const Segment& segment) { return segment.date.has_value(); });
  if (!dated) return;
  bool known = false;   // gcc 12 takes an optional of it for uninitialized
  Micros expected = 0;  // the end of the segment before
  Micros before = 0;
  for (const Segment& segment : playlist.segments) {
    if (!segment.date && segment.discontinuous && !segment.gap)
      add(findings, "date-after-discontinuity", segment.line, of_segment(segment) + " has none");
    if (segment.date && known) {
      const Micros off = *segment.date - expected;
      const std::string what = of_segment(segment) + "'s date is " + seconds_text(off < 0 ? -off : off) +
                               (off < 0 ? " before" : " after") + " the end of the one before";
      if (off <= -kSecond || *segment.date <= before)
        add(findings, "date-overlap", segment.line, what);
      else if (!segment.discontinuous && distance(off, 0) > kDateSlack)
        add(findings, "date-jump", segment.line, what);
    }
    if (segment.date) expected = *segment.date;
    known = segment.date || (known && !segment.discontinuous);
    if (!known) continue;
    before = expected;
    expected += segment.duration;
  }
}

void server_control(const MediaPlaylist& playlist, Findings& findings) {
  if (!playlist.control || playlist.target_s == 0) return;
  const ServerControl& control = *playlist.control;
  const std::string of = ", the target duration is " + std::to_string(playlist.target_s) + " s";
  if (control.hold_back && *control.hold_back < 3 * playlist.target())
    add(findings, "hold-back", control.line, "HOLD-BACK is " + seconds_text(*control.hold_back) + of);
  if (control.can_skip_until && *control.can_skip_until < 6 * playlist.target())
    add(findings, "skip-boundary", control.line,
        "CAN-SKIP-UNTIL is " + seconds_text(*control.can_skip_until) + of);
  if (control.can_skip_dateranges && !control.can_skip_until)
    add(findings, "skip-dateranges", control.line, "there is no CAN-SKIP-UNTIL");
}

void part_hold_back(const MediaPlaylist& playlist, Findings& findings) {
  if (!playlist.part_target) return;
  const std::optional<Micros> stated = playlist.control ? playlist.control->part_hold_back : std::nullopt;
  const size_t line = playlist.control ? playlist.control->line : 0;
  if (!stated) return add(findings, "part-hold-back", line, "there is no PART-HOLD-BACK");
  const std::string what =
      "PART-HOLD-BACK is " + seconds_text(*stated) + ", PART-TARGET " + seconds_text(*playlist.part_target);
  if (*stated < 2 * *playlist.part_target)
    add(findings, "part-hold-back", line, what);
  else if (*stated < 3 * *playlist.part_target)
    add(findings, "part-hold-back-short", line, what);
}

void part_durations(const Segment& segment, bool complete, Micros target, Findings& findings) {
  for (size_t i = 0; i < segment.parts.size(); ++i) {
    const Part& part = segment.parts[i];
    const std::string what = of_segment(segment) + "'s part " + std::to_string(i) + " lasts " +
                             seconds_text(part.duration) + ", PART-TARGET is " + seconds_text(target);
    if (part.duration > target + kPartSlack) add(findings, "part-long", part.line, what);
    const bool last = i + 1 == segment.parts.size();
    // Whether the end's last part is its segment's last is not known yet.
    const bool before_gap = !last && segment.parts[i + 1].gap;
    const bool exempt = part.independent || part.gap || last || before_gap;
    if (!exempt && part.duration + kPartSlack < target * kLeastPartPercent / 100)
      add(findings, "part-short", part.line, what);
  }
  if (!complete || segment.parts.empty()) return;
  Micros sum = 0;
  for (const Part& part : segment.parts) sum += part.duration;
  if (distance(sum, segment.duration) > kPartSumSlack)
    add(findings, "part-sum", segment.line,
        of_segment(segment) + " lasts " + seconds_text(segment.duration) + ", its parts " +
            seconds_text(sum));
}

void parts(const MediaPlaylist& playlist, Findings& findings) {
  if (!playlist.has_parts()) return;
  if (!playlist.part_target) return add(findings, "part-inf", 0, "there is no EXT-X-PART-INF");
  if (playlist.iframes_only) add(findings, "iframe-parts", 0, "there are parts");
  if (!playlist.ended && !(playlist.control && playlist.control->can_block))
    add(findings, "part-blocking", 0, "there are parts, and no CAN-BLOCK-RELOAD=YES");
  Micros from_end = 0;
  for (const Part& part : playlist.open.parts) from_end += part.duration;
  bool first = true;  // of which some parts may have gone
  for (const Segment& segment : playlist.segments) {
    if (segment.parts.empty()) continue;
    part_durations(segment, !first, *playlist.part_target, findings);
    first = false;
  }
  part_durations(playlist.open, false, *playlist.part_target, findings);
  for (auto segment = playlist.segments.rbegin(); segment != playlist.segments.rend(); ++segment) {
    // A segment's parts go together: counted from the segment's end, and one more segment is within reason.
    if (!segment->parts.empty() && from_end > 3 * playlist.target() + playlist.target())
      return add(findings, "part-old", segment->parts.front().line,
                 of_segment(*segment) + "'s parts are " + seconds_text(from_end) + " from the end");
    from_end += segment->duration;
  }
}

void hints(const MediaPlaylist& playlist, Findings& findings) {
  size_t of_parts = 0, of_maps = 0;
  for (const Hint& hint : playlist.hints) {
    if (playlist.ended) add(findings, "endlist-hint", hint.line, "a hint at " + hint.uri);
    if (++(hint.map ? of_maps : of_parts) == 2) add(findings, "hint-twice", hint.line, "a second hint");
  }
}

}  // namespace

Findings check_media_playlist(const MediaPlaylist& playlist) {
  Findings findings;
  for (auto* rule :
       {target_exceeded, version, map_missing, dates, server_control, part_hold_back, parts, hints})
    rule(playlist, findings);
  if (findings.size() > kMaxFindings) findings.resize(kMaxFindings);
  return findings;
}

}  // namespace headgate::conformance
