// SPDX-License-Identifier: LGPL-2.1-or-later
// The main loop's turns: how long a request that is seen now can have been there. In one turn all is answered
// that was there when it began; what comes meanwhile is seen in the next one.
#pragma once

#include <cstdint>

namespace headgate::origin {

class Turns {
 public:
  // The loop has looked for something to do, from `begin_us` to `end_us`: a turn begins.
  void looked(int64_t begin_us, int64_t end_us) {
    earliest_us_ = end_us - begin_us >= kSleptUs ? end_us : turn_us_;
    turn_us_ = end_us;
  }
  // What is seen in this turn was not there before. 0: there was no turn yet.
  int64_t earliest_us() const { return earliest_us_; }

  // Looks again and again, for GLib's main loop of this process.
  static void watch();
  // Of that: since when a request that is seen now has waited, at most. CLOCK_BOOTTIME.
  static int64_t request_us();

 private:
  // Who looks for so long had nothing to do: what it finds has just come.
  static constexpr int64_t kSleptUs = 20;

  int64_t turn_us_ = 0, earliest_us_ = 0;
};

}  // namespace headgate::origin
