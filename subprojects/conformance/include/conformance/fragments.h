// SPDX-License-Identifier: LGPL-2.1-or-later
// A strict reader of fragmented MP4 (ISO/IEC 14496-12) as HLS and DASH carry it: an initialisation section's
// tracks, a segment's track fragments. It reads what anybody writes, not only what this project does. Any
// bytes may come in: every count is bounded by the bytes that are there. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::conformance {

inline constexpr size_t kMaxTracks = 16;
inline constexpr size_t kMaxFragments = 4096;    // of a segment
inline constexpr size_t kMaxSamples = 1u << 20;  // of a segment
inline constexpr int kMaxBoxDepth = 8;
inline constexpr uint64_t kMaxMediaSeconds = uint64_t{1} << 40;  // a decode time beyond is damage

enum class TrackKind : uint8_t { video, audio, other };

struct MediaTrack {
  uint32_t id = 0;
  uint32_t timescale = 0;
  TrackKind kind = TrackKind::other;
  std::string codec;  // RFC 6381: "avc1.64001f"; the sample entry's name alone where no more is known
  uint32_t width = 0, height = 0;                                      // of the sample entry
  uint32_t display_width = 0, display_height = 0;                      // of the track header
  uint32_t default_duration = 0, default_size = 0, default_flags = 0;  // trex
  uint8_t nal_length = 0;  // avc, hevc: bytes of a NAL unit's length; 0: not such a codec
  uint16_t transfer = 0;   // of the sample entry's colr (14496-12, 12.1.5); 0: it does not say
  bool encrypted = false;
  bool operator==(const MediaTrack&) const = default;
};

struct MediaInit {
  std::vector<MediaTrack> tracks;
  std::vector<std::string> faults;  // what is read all the same and must not be so
  const MediaTrack* find(uint32_t id) const;
};
// Error: no moov, or one that cannot be read.
Result<MediaInit> read_media_init(Bytes bytes);

// One track's samples of one moof.
struct TrackFragment {
  uint32_t track_id = 0;
  int64_t decode_time = 0;      // of the first sample, ticks
  int64_t duration = 0;         // of all samples, ticks
  int64_t earliest = 0;         // smallest presentation time, ticks
  int64_t shown_until = 0;      // end of the sample that is shown last, ticks
  int64_t shortest_sample = 0;  // smallest sample duration that is not zero; 0: none
  uint32_t samples = 0;
  uint32_t sync_samples = 0;                   // as they are flagged
  uint32_t untrue_sync_samples = 0;            // of these, whose NAL units are of no IDR or IRAP picture
  bool first_is_sync = false;                  // as it is flagged
  std::optional<bool> first_is_random_access;  // as the NAL units are; absent: no such codec, or cut off
  uint64_t bytes = 0;                          // of sample data
};

struct MediaSegment {
  std::vector<TrackFragment> fragments;  // in file order
  std::vector<std::string> faults;
  std::optional<uint32_t> unknown_track;  // one that the initialisation section does not have; left out
  bool has_init = false;  // of an initialisation section something stands before the first moof
};
// `cut_off`: the last sample data may be missing (an I-frame's byte range). Error: not fragmented MP4.
Result<MediaSegment> read_media_segment(Bytes bytes, const MediaInit& init, bool cut_off = false);

// Consists of boxes, of which one is what media and initialisation segments are made of.
bool is_mp4(Bytes bytes);

// Ticks as microseconds.
int64_t media_micros(int64_t ticks, uint32_t timescale);

}  // namespace headgate::conformance
