// SPDX-License-Identifier: LGPL-2.1-or-later
// Bit rates of segments (RFC 8216bis, 4.4.6.2).
#pragma once

#include <algorithm>
#include <cstddef>
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

// The highest rate of sets that begin with segment `begin` of `end` and last 0.5 to 1.5 target durations.
struct PeakFrom {
  double rate = 0;
  size_t looked_at = 0;  // as far as here, with the last one
  bool certain = false;  // what follows changes nothing
};
// `count` gives a segment's bytes and duration, by its place; nothing: it is not counted, and no set reaches
// over it.
template <typename Count>
PeakFrom peak_from(size_t begin, size_t end, uint32_t target_seconds, Count&& count) {
  // Sets are short; of segments without any duration no more are looked at.
  constexpr size_t kMaxSet = 64;
  const int64_t target = int64_t{target_seconds} * kTimescale;
  PeakFrom out{0, begin, true};
  double bytes = 0;
  int64_t duration = 0;
  for (size_t i = begin; i < begin + kMaxSet; ++i) {
    if (i >= end) {
      out.certain = false;
      break;
    }
    out.looked_at = i;
    const std::optional<Counted> of_segment = count(i);
    if (!of_segment) break;
    bytes += static_cast<double>(of_segment->bytes);
    duration += of_segment->duration;
    if (duration * 2 > target * 3) break;
    if (duration * 2 >= target) out.rate = std::max(out.rate, bit_rate(bytes, duration));
  }
  return out;
}

// Of any neighbouring segments. `count` has a segment for its place.
template <typename Segments, typename Count>
double peak_rate(const Segments& segments, uint32_t target_seconds, Count&& count) {
  double peak = 0;
  for (size_t begin = 0; begin < segments.size(); ++begin)
    peak = std::max(peak, peak_from(begin, segments.size(), target_seconds, [&](size_t i) {
                            return count(segments[i]);
                          }).rate);
  return peak;
}

}  // namespace headgate::playlist
