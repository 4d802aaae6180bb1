// SPDX-License-Identifier: LGPL-2.1-or-later
// A strict reader of HLS playlists (draft-pantos-hls-rfc8216bis-22, 4). What is wrong is told as findings and
// reading goes on as far as it makes sense; unknown tags and attributes are left alone. Any bytes may come
// in. Pure: no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conformance/hls_rules.h>

namespace headgate::conformance {

inline constexpr size_t kMaxPlaylistBytes = 8u << 20;
inline constexpr size_t kMaxFindings = 64;  // of one reading; what is wrong everywhere is told often enough
inline constexpr uint64_t kMaxSeconds =
    1'000'000;  // a longer time is no number; sums of all of a playlist fit
inline constexpr uint64_t kMaxSequence = uint64_t{1} << 53;

using Micros = int64_t;  // times and durations
inline constexpr Micros kSecond = 1'000'000;

struct ByteRange {
  uint64_t length = 0, offset = 0;
  bool operator==(const ByteRange&) const = default;
};
struct Resource {
  std::string uri;  // as written
  std::optional<ByteRange> range;
  bool operator==(const Resource&) const = default;
};
std::string to_string(const Resource& resource);

struct Part {
  size_t line = 0;
  Resource resource;
  Micros duration = 0;
  bool independent = false, gap = false;
};

struct Segment {
  size_t line = 0;  // of its EXTINF; of the first part while there is none
  uint64_t msn = 0;
  uint64_t discontinuity = 0;  // its discontinuity sequence number
  bool discontinuous = false;  // EXT-X-DISCONTINUITY stands before it
  Resource resource;
  Micros duration = 0;
  std::optional<Micros> date;  // its own EXT-X-PROGRAM-DATE-TIME, since 1970
  std::optional<Resource> map;
  std::vector<Part> parts;
  bool gap = false, encrypted = false;
  std::optional<uint64_t> bitrate;  // kbit/s; only where EXT-X-BITRATE applies
};

struct ServerControl {
  size_t line = 0;
  std::optional<Micros> hold_back, part_hold_back, can_skip_until;
  bool can_block = false, can_skip_dateranges = false;
};
struct Hint {
  size_t line = 0;
  bool map = false;  // TYPE=MAP; else PART
  bool ranged = false;
  std::string uri;
};
struct RenditionReport {
  size_t line = 0;
  std::string uri;
  std::optional<uint64_t> msn, part;
};

enum class PlaylistType : uint8_t { none, event, vod };

struct MediaPlaylist {
  uint64_t version = 1, needed_version = 1;
  std::string needs_version_for;  // the tag that needs needed_version
  uint64_t target_s = 0;          // 0: EXT-X-TARGETDURATION is missing
  uint64_t media_sequence = 0, discontinuity_sequence = 0;
  PlaylistType type = PlaylistType::none;
  bool ended = false, independent = false, iframes_only = false;
  std::optional<Micros> part_target;
  std::optional<ServerControl> control;
  std::optional<uint64_t> skipped;  // EXT-X-SKIP: a delta update; its segments' numbers are right, their
                                    // discontinuity numbers are without those that were skipped
  std::vector<Segment> segments;
  Segment open;  // what stands after the last segment: parts of the next one
  std::vector<Hint> hints;
  std::vector<RenditionReport> reports;

  Micros target() const { return static_cast<Micros>(target_s) * kSecond; }
  Micros duration() const;  // of all segments
  uint64_t next_msn() const { return open.msn; }
  bool has_parts() const;
  const Segment* find(uint64_t msn) const;  // of segments
  // The last part's (or, without parts, segment's) number; part is absent without parts. Absent: empty.
  struct Position {
    uint64_t msn = 0;
    std::optional<uint64_t> part;
    bool operator==(const Position&) const = default;
    // Without a part the segment is there to its end.
    bool operator<(const Position& other) const {
      if (msn != other.msn) return msn < other.msn;
      return part.value_or(UINT64_MAX) < other.part.value_or(UINT64_MAX);
    }
  };
  std::optional<Position> last() const;
  // What a blocking reload for `wanted` waits for (6.2.5.2).
  bool reaches(const Position& wanted) const;
};

struct Variant {  // EXT-X-STREAM-INF or EXT-X-I-FRAME-STREAM-INF
  size_t line = 0;
  bool iframes = false;
  std::string uri;
  uint64_t bandwidth = 0;
  std::optional<uint64_t> average;
  std::vector<std::string> codecs;
  std::optional<std::pair<uint64_t, uint64_t>> resolution;
  std::optional<Micros> frame_rate;  // millionths of a frame per second
  std::string range = "SDR";         // VIDEO-RANGE, or what its absence means
  std::optional<std::string> audio, video, subtitles, captions;
  bool captions_none = false;
};
struct Rendition {  // EXT-X-MEDIA
  size_t line = 0;
  std::string type, group, name, language;
  std::optional<std::string> uri, channels, instream_id;
  bool is_default = false, forced = false, audio_only_attributes = false;
  std::optional<bool> autoselect;
};
struct MultivariantPlaylist {
  uint64_t version = 1, needed_version = 1;
  std::string needs_version_for;
  bool independent = false;
  std::vector<Variant> variants;
  std::vector<Rendition> renditions;
};

struct Parsed {
  // At most one; neither when it is no playlist at all.
  std::optional<MediaPlaylist> media;
  std::optional<MultivariantPlaylist> multivariant;
  Findings findings;  // at most kMaxFindings
};
Parsed parse_playlist(std::string_view text);

}  // namespace headgate::conformance
