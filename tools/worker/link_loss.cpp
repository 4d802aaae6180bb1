// SPDX-License-Identifier: LGPL-2.1-or-later
#include "link_loss.h"

#include <algorithm>
#include <cmath>

namespace headgate::worker {
namespace {

constexpr double kSteps = 10'000;  // that a share is told in

}  // namespace

void LinkLoss::add(const LinkCounts& counts) {
  samples_.push_back(counts);
  if (samples_.size() > kSeconds + 1) samples_.pop_front();
}

double LinkLoss::share(uint64_t LinkCounts::*of) const {
  if (samples_.empty()) return 0;
  const LinkCounts &from = samples_.front(), &to = samples_.back();
  const auto grown = [&](uint64_t LinkCounts::*count) {
    return std::max(to.*count, from.*count) - from.*count;
  };
  const uint64_t due = grown(&LinkCounts::received) + grown(&LinkCounts::dropped);
  if (due == 0) return 0;
  const double share = static_cast<double>(grown(of)) / static_cast<double>(due);
  return std::round(std::min(share, 1.0) * kSteps) / kSteps;
}

}  // namespace headgate::worker
