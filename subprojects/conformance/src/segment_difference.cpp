// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segment_difference.h"

#include <algorithm>

#include "text.h"

namespace headgate::conformance {
namespace {

std::string changed(const std::string& what, const std::string& before, const std::string& now) {
  return what + " was " + before + ", is " + now;
}

std::string map_text(const std::optional<Resource>& map) {
  return map ? to_string(*map) : "none";
}

}  // namespace

void compare_segments(const Segment& before, const Segment& now, Findings& findings) {
  const std::string name = of_segment(now);
  if (before.resource != now.resource)
    add(findings, "segment-changed", now.line,
        changed(name + "'s URI", to_string(before.resource), to_string(now.resource)));
  if (before.duration != now.duration)
    add(findings, "segment-changed", now.line,
        changed(name + "'s EXTINF", seconds_text(before.duration), seconds_text(now.duration)));
  // A gap has no media to be read with it.
  if (before.map != now.map && !(before.gap && now.gap))
    add(findings, "segment-changed", now.line,
        changed(name + "'s EXT-X-MAP", map_text(before.map), map_text(now.map)));
  if (before.gap != now.gap)
    add(findings, "segment-changed", now.line,
        name + (now.gap ? " has become a gap" : " is no gap any more"));
  if (before.date && now.date && before.date != now.date)
    add(findings, "segment-date-changed", now.line,
        name + "'s date has moved by " + seconds_text(*now.date - *before.date));
  if (before.discontinuity != now.discontinuity)
    add(findings, "discontinuity-sequence", now.line,
        changed(name + "'s discontinuity sequence number", std::to_string(before.discontinuity),
                std::to_string(now.discontinuity)));
}

void compare_parts(const Segment& before, const Segment& now, Findings& findings) {
  if (now.parts.empty()) return;
  // Those at the beginning may have left; then the indices here mean nothing.
  const bool whole = !before.parts.empty() && before.parts.front().resource == now.parts.front().resource;
  if (!whole) return;
  const size_t both = std::min(before.parts.size(), now.parts.size());
  if (both < before.parts.size())
    add(findings, "part-lost", now.line,
        of_segment(now) + " had " + std::to_string(before.parts.size()) + " parts, has " +
            std::to_string(now.parts.size()));
  for (size_t i = 0; i < both; ++i) {
    const Part& old = before.parts[i];
    const Part& part = now.parts[i];
    const std::string name = of_segment(now) + "'s part " + std::to_string(i);
    if (old.resource != part.resource)
      add(findings, "part-changed", part.line,
          changed(name + "'s URI", to_string(old.resource), to_string(part.resource)));
    if (old.duration != part.duration)
      add(findings, "part-changed", part.line,
          changed(name + "'s DURATION", seconds_text(old.duration), seconds_text(part.duration)));
  }
}

}  // namespace headgate::conformance
