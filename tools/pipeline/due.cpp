// SPDX-License-Identifier: LGPL-2.1-or-later
#include <pipeline/due.h>

#include <algorithm>

namespace headgate::pipeline {
namespace {

bool touch(const Window& a, const Window& b) {
  return a.begin_us <= b.end_us && b.begin_us <= a.end_us;
}

}  // namespace

void Due::look(int64_t utc_us) {
  now_ = schedule_.at_or_after(utc_us);
  inside_ = now_ && now_->begin_us <= utc_us;
  // A schedule is known for some days: a time that goes on behind them is the same yet.
  if (is_done()) done_->end_us = std::max(done_->end_us, now_->end_us);
}

void Due::ended(int64_t utc_us) {
  look(utc_us);
  if (inside_) done_ = now_;
}

bool Due::is_done() const {
  return now_ && done_ && touch(*now_, *done_);
}

int64_t Due::next_us() const {
  if (!now_) return 0;
  if (!is_done()) return now_->begin_us;
  Window done = *done_;
  while (const auto next = schedule_.at_or_after(done.end_us)) {
    if (!touch(*next, done)) return next->begin_us;
    if (next->end_us - done_->end_us > kLookAheadDays * 86'400'000'000) return 0;  // it never ends
    done.end_us = next->end_us;
  }
  return 0;
}

}  // namespace headgate::pipeline
