// SPDX-License-Identifier: LGPL-2.1-or-later
// What is in a DASH manifest (ISO/IEC 23009-1), read as text: a test's reader, for manifests of ours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headgate::test {

// The first attribute of this name from there on, which is there.
inline std::string attribute_of(const std::string& text, size_t from, const std::string& name) {
  const size_t at = text.find(" " + name + "=\"", from) + name.size() + 3;
  return text.substr(at, text.find('"', at) - at);
}

// A line of a SegmentTimeline: so many segments, each of this duration in its timescale.
struct TimelineEntry {
  uint64_t count = 0, duration = 0;
};

inline std::vector<TimelineEntry> timeline_of(const std::string& text) {
  std::vector<TimelineEntry> out;
  for (size_t at = text.find("<S "); at != text.npos; at = text.find("<S ", at + 1)) {
    const std::string line = text.substr(at, text.find("/>", at) - at);
    const bool repeated = line.find(" r=\"") != line.npos;
    out.push_back({repeated ? std::stoull(attribute_of(line, 0, "r")) + 1 : 1,
                   std::stoull(attribute_of(line, 0, "d"))});
  }
  return out;
}

}  // namespace headgate::test
