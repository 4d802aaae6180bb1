// SPDX-License-Identifier: LGPL-2.1-or-later
// How many workers are to be started, or may end, so that whoever comes finds one that is warm: a whole
// worker's places are kept free and kLeastFree at least, or as many as sessions came within half a second; a
// worker starts in 20 ms, or ten times that on a machine under a storm. No processes, no clock.
#pragma once

#include <cstdint>

namespace headgate::serve {

inline constexpr int64_t kArrivalWindowMs = 500;
inline constexpr int64_t kLeastFree = 4;    // where a worker has one place, a match's encoders begin together
inline constexpr int64_t kStartAtOnce = 4;  // workers that start side by side: more only slow each other
inline constexpr int64_t kSpareMs = 10'000;  // what is too many for so long may end

class Room {
 public:
  explicit Room(int64_t capacity) : capacity_(capacity) {}

  // `sessions` more than there were. `now_ms` never goes back.
  void came(int64_t sessions, int64_t now_ms);
  // `free_places` in workers that accept; `starting`: workers that run and have not told yet; `failing`: that
  // wait for another start, and are no help until then.
  int64_t to_start(int64_t free_places, int64_t starting, int64_t failing, int64_t now_ms);
  int64_t to_end(int64_t free_places, int64_t now_ms);

 private:
  void advance(int64_t now_ms);
  int64_t wanted() const;  // free places

  const int64_t capacity_;  // of a worker
  int64_t window_ms_ = 0;   // when the present window began
  int64_t now_ = 0;         // sessions that came in it
  int64_t before_ = 0;      // and in the one before
  int64_t spare_ms_ = -1;   // since when there have been workers too many; -1: there are none
};

}  // namespace headgate::serve
