// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether somebody who has to speak has been silent for too long. The time that the listener itself was away
// (a machine that slept, a virtual one that was paused) is nobody's silence. No clock: times are
// CLOCK_BOOTTIME in ms.
#pragma once

#include <cstdint>
#include <utility>

#include <guard/worker_limits.h>

namespace headgate::guard {

// Of a process that says once a second that it lives.
inline constexpr int64_t kStartMs = 30'000;   // from its start to its first word
inline constexpr int64_t kSilentMs = 30'000;  // between two of them

class Silence {
 public:
  // From now on, a word is due within so long.
  void expect(int64_t within_ms, int64_t now_ms) {
    within_ms_ = within_ms;
    since_ms_ = looked_ms_ = now_ms;
  }
  // Once a second; true: it did not come.
  bool look(int64_t now_ms) {
    if (now_ms - std::exchange(looked_ms_, now_ms) > kLateTickMs) since_ms_ = now_ms;
    return now_ms - since_ms_ >= within_ms_;
  }

 private:
  int64_t within_ms_ = 0, since_ms_ = 0, looked_ms_ = 0;
};

}  // namespace headgate::guard
