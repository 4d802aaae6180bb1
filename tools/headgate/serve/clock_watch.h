// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's clock, on which dates in playlists and archives, tickets and certificates stand: whether
// somebody keeps it right (adjtimex(2)), and its steps. What streams has times of its own and does not mind;
// people who compare recordings do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <base/clock.h>

namespace headgate::serve {

// More than a clock that is being slewed would move: so much, and a tenth of the time that has passed.
inline constexpr int64_t kClockStepUs = 100'000;

struct ClockState {
  bool known = false;  // the kernel has told
  bool synchronised = false;
  int64_t max_error_us = 0, estimated_error_us = 0;
};
ClockState kernel_clock_state();

class ClockWatch {
 public:
  using Ask = std::function<ClockState()>;
  explicit ClockWatch(const Clock& clock, Ask ask = kernel_clock_state);

  struct News {
    std::optional<int64_t> step_us;    // forward above 0
    std::optional<bool> synchronised;  // it is now, and was not; at the first look it is told
  };
  News look();               // once a second
  std::string json() const;  // NODE's `clock`

 private:
  struct Pair {
    int64_t utc_us, mono_us;
  };
  Pair read() const;

  const Clock& clock_;
  const Ask ask_;
  ClockState state_;
  std::optional<Pair> last_;
  std::optional<bool> told_;                           // whether it is synchronised
  int64_t steps_ = 0, step_us_ = 0, step_utc_us_ = 0;  // all; the last one, and when it was
};

}  // namespace headgate::serve
