// SPDX-License-Identifier: LGPL-2.1-or-later
// Bit rates of segments (RFC 8216bis, 4.4.6.2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include <playlist/record.h>

namespace headgate::playlist {

inline double bit_rate(double bytes, int64_t duration) {
  return duration > 0 ? bytes * 8 * kTimescale / static_cast<double>(duration) : 0;
}

inline uint32_t clamp_rate(double bits_per_second) {
  constexpr double kMax = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::min(bits_per_second, kMax));
}

// What a playlist has of a segment.
struct Counted {
  uint64_t bytes = 0;
  int64_t duration = 0;
};

// Of any neighbouring segments that last 0.5 to 1.5 target durations together. `count` gives a segment's
// bytes and duration; nothing: it is not counted, and no set reaches over it.
template <typename Segments, typename Count>
double peak_rate(const Segments& segments, uint32_t target_seconds, Count&& count) {
  // Sets are short; of segments without any duration no more are looked at.
  constexpr size_t kMaxSet = 64;
  const int64_t target = int64_t{target_seconds} * kTimescale;
  double peak = 0;
  for (size_t begin = 0; begin < segments.size(); ++begin) {
    double bytes = 0;
    int64_t duration = 0;
    for (size_t i = begin; i < segments.size() && i < begin + kMaxSet; ++i) {
      const std::optional<Counted> of_segment = count(segments[i]);
      if (!of_segment) break;
      bytes += static_cast<double>(of_segment->bytes);
      duration += of_segment->duration;
      if (duration * 2 > target * 3) break;
      if (duration * 2 >= target) peak = std::max(peak, bit_rate(bytes, duration));
    }
  }
  return peak;
}

}  // namespace headgate::playlist
