// SPDX-License-Identifier: LGPL-2.1-or-later
// How long a segment lasts in a playlist of one track.
#pragma once

#include <algorithm>
#include <cstdint>

#include <playlist/hls.h>

namespace headgate::playlist {

// The sound of a segment lasts a frame more or less than its pictures, or ends long before them where its run
// does: players that have the sound alone stay at the end of what an EXTINF has promised. Never more than
// EXT-X-TARGETDURATION, rounded (RFC 8216bis, 4.4.3.1). Sound that is away while pictures go on leaves a hole
// in its segment, which lasts as long as they do: its parts were listed before anybody knew (6.2.1). `facts`:
// null, they are not known.
inline int64_t view_duration(const SegmentRecord& record, const SegmentFacts* facts, View view,
                             uint32_t target_seconds) {
  if (view != View::audio || facts == nullptr || facts->audio_timescale == 0 ||
      facts->audio_end <= facts->audio_start)
    return record.duration;
  const int64_t most = int64_t{target_seconds} * kTimescale + kTimescale / 2 - 1;
  const int64_t ticks = facts->audio_end - facts->audio_start, scale = facts->audio_timescale;
  if (ticks / scale > target_seconds) return most;
  const int64_t sound = std::min(ticks * kTimescale / scale, most);
  const int64_t told = facts->told;
  const bool hole = told > 0 && (sound + kFrameTicks < told || sound > record.duration);
  return hole ? record.duration : std::max(sound, told);
}

}  // namespace headgate::playlist
