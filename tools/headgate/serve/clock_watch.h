// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's clock, on which dates in playlists and archives, tickets and certificates stand: whether
// somebody keeps it right (base/kernel_clock.h), and its steps. What streams has times of its own and does
// not mind; people who compare recordings do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <base/clock.h>
#include <base/kernel_clock.h>

namespace headgate::serve {

// More than a clock that is being slewed would move: so much, and a tenth of the time that has passed.
inline constexpr int64_t kClockStepUs = 100'000;

class ClockWatch {
 public:
  using Ask = std::function<KernelClock()>;
  explicit ClockWatch(const Clock& clock, Ask ask = kernel_clock);

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
  KernelClock state_;
  std::optional<Pair> last_;
  std::optional<bool> told_;                           // whether it is synchronised
  int64_t steps_ = 0, step_us_ = 0, step_utc_us_ = 0;  // all; the last one, and when it was
};

}  // namespace headgate::serve
