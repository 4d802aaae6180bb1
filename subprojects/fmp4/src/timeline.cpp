// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <limits>

#include <fmp4/packager.h>

namespace headgate::fmp4 {

int64_t to_part_ticks(int64_t ticks, uint32_t timescale) {
  if (timescale == kPartTimescale || timescale == 0) return ticks;
  // Whole seconds apart from the rest, so that nothing overflows on the way.
  int64_t seconds = ticks / timescale, rest = ticks % timescale;
  if (rest < 0) {
    rest += timescale;
    --seconds;
  }
  constexpr int64_t kMaxSeconds = std::numeric_limits<int64_t>::max() / kPartTimescale - 1;
  seconds = std::clamp(seconds, -kMaxSeconds, kMaxSeconds);
  return seconds * kPartTimescale + (rest * kPartTimescale + timescale / 2) / timescale;
}

}  // namespace headgate::fmp4
