// SPDX-License-Identifier: LGPL-2.1-or-later
// HLS playlists as a client reads them (RFC 8216), as far as a viewer needs them. Written apart from the
// library that makes ours, so that one does not hide the other's mistakes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/result.h>

namespace headgate::load {

inline constexpr size_t kMaxPlaylistBytes = 4 * 1024 * 1024;  // a day of two-second segments has about 3 MB

struct HlsVariant {
  std::string uri;
  uint64_t bandwidth = 0;
};

struct HlsSegment {
  std::string uri;
  double duration_s = 0;
  bool gap = false;                 // EXT-X-GAP: there is nothing to load
  std::string map_uri;              // EXT-X-MAP in force; empty: none
  std::optional<int64_t> start_us;  // PROGRAM-DATE-TIME, given or continued from an earlier segment's; UTC
};

// Either variants (a multivariant playlist) or segments.
struct HlsPlaylist {
  std::vector<HlsVariant> variants;
  double target_s = 0;
  uint64_t media_sequence = 0;
  bool ended = false;
  std::vector<HlsSegment> segments;
  double duration_s() const;
};

// Error: not a playlist, or one without what it must have.
Result<HlsPlaylist> parse_hls(std::string_view text);
// "2026-09-14T06:00:00.000Z" and the like (RFC 3339), to microseconds since the epoch.
std::optional<int64_t> parse_date_time(std::string_view text);
// A playlist's URI as the path of a request, relative to the playlist's own. None: it is on another server.
std::optional<std::string> resolve_path(std::string_view authority, std::string_view base_path,
                                        std::string_view uri);

}  // namespace headgate::load
