// SPDX-License-Identifier: LGPL-2.1-or-later
// Delivery directives: what a player asks of a server with a playlist (RFC 8216bis, 6.2.5), and what the
// stream's index says to it. Pure: who waits, and for how long, is the server's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <base/result.h>
#include <playlist/stream_index.h>

namespace headgate::playlist {

inline constexpr size_t kMaxQueryBytes = 1024;
inline constexpr uint64_t kMaxSegmentsAhead = 2;  // of the last one (RFC 8216bis, 6.2.5.2)

struct Directives {
  std::optional<uint64_t> msn;   // _HLS_msn
  std::optional<uint32_t> part;  // _HLS_part; only with msn
  bool skip = false;             // _HLS_skip
  bool any() const { return msn || skip; }
};

// Of a request's query, without the "?". What is not ours is passed over. Error: a value that cannot be, one
// given twice, a part without a segment: a bad request.
Result<Directives> parse_directives(std::string_view query);

// Whether the stream has segment `msn`, or with `part` that part, or anything later: what a blocking reload
// waits for. A part behind a segment's last is the first of the next segment.
bool has(const StreamIndex& index, uint64_t msn, std::optional<uint32_t> part);
// So far ahead that it is not waited for: more than kMaxSegmentsAhead segments, or more parts than the
// draft's Advance Part Limit. But of a segment as many parts may be asked for as it can have: players of
// whole segments ask for its last.
bool too_far_ahead(const StreamIndex& index, uint64_t msn, std::optional<uint32_t> part);

struct PartName {
  uint64_t msn = 0;
  uint32_t index = 0;
  bool operator==(const PartName&) const = default;
};
// The part that comes next if another one comes: in the open segment, or the first one of the next. It has
// this name also behind the run's end, when the publisher comes back. None when no parts are listed.
std::optional<PartName> next_part(const StreamIndex& index);
// EXT-X-PRELOAD-HINT: that part while it is being written. None while no run is open, or it will be a gap.
std::optional<PartName> hinted_part(const StreamIndex& index);

}  // namespace headgate::playlist
