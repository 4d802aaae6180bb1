// SPDX-License-Identifier: LGPL-2.1-or-later
#include "room.h"

#include <algorithm>

namespace headgate::serve {

void Room::advance(int64_t now_ms) {
  const int64_t passed = now_ms - window_ms_;
  if (passed < kArrivalWindowMs) return;
  before_ = passed < 2 * kArrivalWindowMs ? now_ : 0;
  now_ = 0;
  window_ms_ = now_ms;
}

void Room::came(int64_t sessions, int64_t now_ms) {
  advance(now_ms);
  now_ += std::max<int64_t>(0, sessions);
}

int64_t Room::wanted() const {
  return std::max({capacity_, kLeastFree, now_, before_});
}

int64_t Room::to_start(int64_t free_places, int64_t starting, int64_t failing, int64_t now_ms) {
  advance(now_ms);
  const int64_t missing = wanted() - free_places - starting * capacity_;
  if (missing <= 0) return 0;
  return std::clamp<int64_t>((missing + capacity_ - 1) / capacity_, 0,
                             std::max<int64_t>(0, kStartAtOnce - starting - failing));
}

int64_t Room::to_end(int64_t free_places, int64_t now_ms) {
  advance(now_ms);
  // Half a worker more than another start would need: one session more or less starts and ends nothing.
  const int64_t spare = (free_places - wanted() - capacity_ / 2) / capacity_;
  if (spare <= 0) {
    spare_ms_ = -1;
    return 0;
  }
  if (spare_ms_ < 0) spare_ms_ = now_ms;
  return now_ms - spare_ms_ >= kSpareMs ? spare : 0;
}

}  // namespace headgate::serve
