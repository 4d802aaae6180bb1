// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trial_parts.h"

#include <algorithm>
#include <utility>

#include "check.h"

namespace headgate::serve {
namespace {

// So that which part it was still goes into what is told of the trial.
constexpr size_t kMaxSaidOfPart = kMaxSaidBytes - 300;

}  // namespace

void TrialParts::run(std::vector<TrialPart> parts, const TrialLimits& limits,
                     std::function<void(const std::string& refused)> done) {
  parts_ = std::move(parts);
  limits_ = limits;
  done_ = std::move(done);
  until_ms_ = clock_.mono_us() / 1000 + limits_.all_ms;
  next();
}

void TrialParts::next() {
  if (next_ == parts_.size()) return done_("");
  TrialPart& part = parts_[next_++];
  const int64_t left = left_ms();
  const bool cut = left < limits_.part_ms;  // by those before it
  const std::string over = part.what + " has not ended within the " + std::to_string(limits_.all_ms / 1000) +
                           " s that all parts of the trial have (it is number " + std::to_string(next_) +
                           " of " + std::to_string(parts_.size()) + ")";
  if (left <= 0) return done_(over);
  run_check(
      tasks_, std::move(part.program), std::min(left, limits_.part_ms),
      [this, what = part.what, over, cut](const CheckEnd& end) {
        if (end.good()) return next();
        const std::string how = cut && end.code == kTookTooLong ? over : what + " " + end.how();
        done_(end.said + (end.said.empty() ? "" : "\n") + how);
      },
      kMaxSaidOfPart);
}

}  // namespace headgate::serve
