// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/expected_rates.h>

#include <algorithm>

#include "rates.h"

namespace headgate::playlist {
namespace {

uint32_t with_room(uint32_t rate, double room) {
  return clamp_rate(rate * room);
}

}  // namespace

Rates expected_rates(const Rates& seen) {
  const uint32_t peak = with_room(seen.peak, kPeakRoom);
  return {peak, std::min(with_room(seen.average, kAverageRoom), peak)};
}

Rates expected_key_frame_rates(const Rates& seen, const Rates& whole) {
  uint32_t peak = with_room(seen.peak, kKeyFrameRoom);
  if (whole.peak > 0) peak = std::max(std::min(peak, whole.peak), seen.peak);
  return {peak, std::min(with_room(seen.average, kAverageRoom), peak)};
}

}  // namespace headgate::playlist
