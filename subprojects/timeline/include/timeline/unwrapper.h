// SPDX-License-Identifier: LGPL-2.1-or-later
// Time stamps of a fixed number of bits, made into times that go on over the wrap: RTMP's 32-bit milliseconds
// (Adobe RTMP 1.0, 5.3.1: 49.7 days), MPEG-TS's 33 bits of 90 kHz (ISO/IEC 13818-1, 2.4.3.7: 26.5 hours).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace headgate::timeline {

// Encoders that keep 24 bits of a millisecond clock start again at 0 after 4.66 hours. A step from this near
// below 2^24 to this near above 0 is taken for that, in milliseconds.
inline constexpr int64_t kShortWrapNearMs = 10'000;

// One session's clock, which all its tracks share: a track's first stamp is unwrapped to what is nearest to
// the others'. Not thread-safe.
class Unwrapper {
 public:
  // `bits` from 8 to 63 of a counter of `ticks_per_second`, 1 to 1,000,000,000.
  Unwrapper(unsigned bits, uint32_t ticks_per_second) : bits_(bits), per_second_(ticks_per_second) {}
  static Unwrapper rtmp() { return {32, 1000}; }
  static Unwrapper mpegts() { return {33, 90'000}; }

  // The time, in ns to the nearest, nearest to the track's last one whose low bits are `stamp`. May go
  // back: what that means, SessionTimeline decides. `track` counts from 0.
  int64_t ns(size_t track, uint64_t stamp);
  // The sender's clock has only 24 bits: so it was seen to wrap.
  bool wraps_short() const { return short_; }

 private:
  static constexpr unsigned kShortBits = 24;
  int64_t nearest(int64_t last, uint64_t stamp) const;
  bool is_short_wrap(int64_t last, uint64_t stamp) const;

  unsigned bits_;
  uint32_t per_second_;
  bool short_ = false;
  std::vector<std::optional<int64_t>> last_;  // ticks, by track
};

}  // namespace headgate::timeline
