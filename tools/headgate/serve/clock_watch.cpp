// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clock_watch.h"

#include <base/json_line.h>
#include <common/utc.h>

#include <cstdlib>
#include <limits>
#include <utility>

namespace headgate::serve {
namespace {

// Both clocks are read within so long, or again: who is preempted in between would see a step.
constexpr int64_t kTogetherUs = 2000;
constexpr int kTries = 5;

}  // namespace

ClockWatch::ClockWatch(const Clock& clock, Ask ask) : clock_(clock), ask_(std::move(ask)) {}

ClockWatch::Pair ClockWatch::read() const {
  Pair best{};
  int64_t least = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < kTries && least > kTogetherUs; ++i) {
    const int64_t before = clock_.mono_us(), utc = clock_.utc_us(), after = clock_.mono_us();
    if (after - before >= least) continue;
    least = after - before;
    best = {utc, before + least / 2};
  }
  return best;
}

ClockWatch::News ClockWatch::look() {
  News out;
  const Pair now = read();
  if (last_) {
    const int64_t passed = now.mono_us - last_->mono_us;
    const int64_t moved = now.utc_us - last_->utc_us - passed;
    if (std::abs(moved) > kClockStepUs + passed / 10) {
      ++steps_;
      step_us_ = moved;
      step_utc_us_ = now.utc_us;
      out.step_us = moved;
    }
  }
  last_ = now;
  state_ = ask_();
  if (state_.known && told_ != state_.synchronised) out.synchronised = told_ = state_.synchronised;
  return out;
}

std::string ClockWatch::json() const {
  JsonLine out;
  if (state_.known)
    out.field("synchronised", state_.synchronised)
        .field("max_error_us", state_.max_error_us)
        .field("estimated_error_us", state_.estimated_error_us);
  out.field("steps", steps_);
  if (steps_ > 0)
    out.field("last_step_ms", step_us_ / 1000).field("last_step_utc", tools::utc_text(step_utc_us_));
  return out.take();
}

}  // namespace headgate::serve
