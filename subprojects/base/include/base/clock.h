// SPDX-License-Identifier: LGPL-2.1-or-later
// Time is injected: nothing but SystemClock reads the machine's clocks, and tests use ManualClock.
#pragma once

#include <cstdint>

namespace headgate {

// Thread-safe. All values in microseconds.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t utc_us() const = 0;   // CLOCK_REALTIME, since the Unix epoch; may step
  virtual int64_t mono_us() const = 0;  // CLOCK_BOOTTIME; never steps back
  int64_t utc_seconds() const { return utc_us() / 1'000'000; }
};

// The machine's clocks. Lives as long as the process.
const Clock& system_clock();

class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t utc_us = 0, int64_t mono_us = 0) : utc_us_(utc_us), mono_us_(mono_us) {}
  int64_t utc_us() const override { return utc_us_; }
  int64_t mono_us() const override { return mono_us_; }
  void advance_us(int64_t us) { utc_us_ += us, mono_us_ += us; }
  void step_utc_us(int64_t us) { utc_us_ += us; }

 private:
  int64_t utc_us_;
  int64_t mono_us_;
};

}  // namespace headgate
