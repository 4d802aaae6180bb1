// SPDX-License-Identifier: LGPL-2.1-or-later
// Variants and renditions among each other, and what the multivariant playlist says of them
// (draft-pantos-hls-rfc8216bis-22, 4.4.6 and 6.2.4). Pure.
#pragma once

#include <conformance/playlist_history.h>
#include <conformance/segment_checker.h>

namespace headgate::conformance {

inline constexpr Micros kAlignSlack = 100'000;       // of video against video
inline constexpr Micros kAlignAudioSlack = 300'000;  // where one is sound: its frames begin elsewhere
inline constexpr Micros kTimestampSlack = 300'000;
inline constexpr double kPeakSlack = 1.10, kAverageSlack = 1.25, kFrameRateSlack = 0.02;
// Of key frames alone: an encoder is held to a rate for all pictures together, and those go with what is
// seen.
inline constexpr double kKeyFrameSlack = 1.50;
inline constexpr size_t kEnoughSegments = 5;  // before an average means something

// One media playlist of the presentation, as it was last read.
struct Member {
  std::string name;
  const MediaPlaylist* playlist = nullptr;
  ReadingTime time;
  const SegmentChecker* media = nullptr;
};
// Findings name both.
Findings compare_playlists(const Member& one, const Member& other);
Findings compare_media(const Member& one, const Member& other);

// `own`: the variant's playlist; `groups`: for each group that it names, the renditions with playlists of
// their own. `complete`: all of them have been read.
Findings check_variant(const Variant& variant, const Member& own,
                       const std::vector<std::vector<Member>>& groups, bool complete);

// RFC 6381: `listed` in CODECS says what `seen` is.
bool codec_matches(const std::string& listed, const std::string& seen);

}  // namespace headgate::conformance
