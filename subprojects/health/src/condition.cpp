// SPDX-License-Identifier: LGPL-2.1-or-later
#include "health/condition.h"

namespace headgate::health {

bool Condition::sample(bool beyond, bool back, int64_t now, int64_t hold) {
  std::optional<int64_t>& began = holds_ ? back_ : first_;
  if (!(holds_ ? back : beyond)) {
    began.reset();
    return false;
  }
  if (!began) began = now;
  if (now - *began < hold) return false;
  holds_ = !holds_;
  back_.reset();
  if (!holds_) first_.reset();
  return true;
}

bool Condition::sample_most(double value, double threshold, int64_t now, int64_t hold) {
  if (threshold <= 0) return sample(false, true, now);
  return sample(value >= threshold, value < threshold * (1 - kMargin), now, hold);
}

bool Condition::sample_least(double value, double threshold, int64_t now, int64_t hold) {
  if (threshold <= 0) return sample(false, true, now);
  return sample(value < threshold, value >= threshold * (1 + kMargin), now, hold);
}

void Condition::interrupt() {
  back_.reset();
  if (!holds_) first_.reset();
}

}  // namespace headgate::health
