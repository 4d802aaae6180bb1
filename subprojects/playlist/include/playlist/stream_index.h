// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream's window of segments, fed by records in order, and the playlists computed from it (RFC 8216 and
// draft-pantos-hls-rfc8216bis). Pure: no clock, no I/O. Feeding a record twice (from disk and from a live
// writer) changes nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include <playlist/record.h>

namespace headgate::playlist {

struct IndexSettings {
  int64_t window_ms = 0;   // segments older than this from the live edge leave; 0: everything stays
  uint32_t target_ms = 0;  // EXT-X-TARGETDURATION to promise from the start, rounded up to seconds; it may
                           // only grow between runs. 0: 4 s
};

struct Segment {
  SegmentRecord record;
  uint64_t discontinuity_sequence = 0;
};

class StreamIndex {
 public:
  explicit StreamIndex(IndexSettings settings = {});
  void add(const Record& record);

  const std::deque<Segment>& segments() const;
  const std::map<std::string, InitRecord>& inits() const;
  const Segment* find_segment(uint64_t msn) const;
  const PartRecord* find_part(uint64_t msn, uint32_t index) const;  // of the live edge
  std::optional<uint64_t> next_msn() const;
  bool run_open() const;     // between RunRecord and EndRecord
  uint64_t version() const;  // grows with every change that a playlist shows
  uint32_t target_seconds() const;
  uint32_t bandwidth() const;          // peak, bit/s
  uint32_t average_bandwidth() const;  // bit/s
};

}  // namespace headgate::playlist
