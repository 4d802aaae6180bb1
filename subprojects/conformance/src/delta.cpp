// SPDX-License-Identifier: LGPL-2.1-or-later
// Delta updates (draft-pantos-hls-rfc8216bis-22, 6.2.5.1 and 6.3.7).
#include <conformance/playlist_history.h>

#include "segment_difference.h"
#include "text.h"

namespace headgate::conformance {

Result<MediaPlaylist> merge(const MediaPlaylist& before, const MediaPlaylist& delta) {
  if (!delta.skipped) return Unexpected("it has no EXT-X-SKIP");
  MediaPlaylist merged = delta;
  merged.skipped.reset();
  merged.segments.clear();
  uint64_t msn = delta.media_sequence;
  const uint64_t end = msn + *delta.skipped;
  for (const Segment& segment : before.segments) {
    if (segment.msn < msn || msn == end) continue;
    if (segment.msn != msn) break;
    merged.segments.push_back(segment);
    ++msn;
  }
  if (msn != end)
    return Unexpected("it skips segments " + std::to_string(delta.media_sequence) + " to " +
                      std::to_string(end - 1) + ", segment " + std::to_string(msn) + " was not there before");
  const Segment* skipped = merged.segments.empty() ? nullptr : &merged.segments.back();
  const uint64_t discontinuities = skipped ? skipped->discontinuity - delta.discontinuity_sequence : 0;
  const std::optional<Resource> map = skipped ? skipped->map : std::nullopt;
  const auto complete = [&](Segment segment) {
    segment.discontinuity += discontinuities;
    if (!segment.map) segment.map = map;
    return segment;
  };
  for (const Segment& segment : delta.segments) merged.segments.push_back(complete(segment));
  merged.open = complete(delta.open);
  return merged;
}

Findings check_delta(const MediaPlaylist& delta, const MediaPlaylist& merged, const MediaPlaylist& whole) {
  Findings findings;
  if (whole.control && whole.control->can_skip_until && !merged.segments.empty()) {
    // From the end of the last segment to the end of the last that was skipped.
    Micros kept = 0;
    for (const Segment& segment : delta.segments) kept += segment.duration;
    if (delta.skipped.value_or(0) > 0 && kept < *whole.control->can_skip_until - kSecond / 1000)
      add(findings, "delta-boundary", 0,
          "what is not skipped lasts " + seconds_text(kept) + ", CAN-SKIP-UNTIL is " +
              seconds_text(*whole.control->can_skip_until));
  }
  Findings differences;
  for (const Segment& segment : merged.segments) {
    const Segment* same = whole.find(segment.msn);
    if (!same) continue;
    compare_segments(*same, segment, differences);
    compare_parts(*same, segment, differences);
    if (same->date.has_value() != segment.date.has_value())
      add(differences, "segment-date-changed", segment.line, of_segment(segment) + " has a date in one only");
  }
  if (merged.target_s != whole.target_s) add(differences, "target-changed", 0, "the target durations differ");
  if (merged.part_target != whole.part_target) add(differences, "part-changed", 0, "PART-TARGET differs");
  if (differences.size() > kMaxFindings) differences.resize(kMaxFindings);
  for (const Finding& difference : differences)
    add(findings, "delta-differs", difference.line, "whole and delta: " + difference.what);
  return findings;
}

}  // namespace headgate::conformance
