// SPDX-License-Identifier: LGPL-2.1-or-later
// When something that is measured again and again is wrong, and since when: from a threshold on, until it is
// back by a margin (hysteresis), each for a time without a break. What wavers at the threshold stays what it
// was. Times in ns of any clock, never less than in the call before. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>

namespace headgate::health {

class Condition {
 public:
  static constexpr double kMargin = 0.25;  // of the threshold

  // A sample at `now`. `beyond`: past the threshold; `back`: so far on its good side that it may be over;
  // never both. It begins after `hold` of nothing but the one, and ends after as long of nothing but the
  // other; 0: at once. True: it began or ended.
  bool sample(bool beyond, bool back, int64_t now, int64_t hold = 0);
  // Wrong from `threshold` on, until less by kMargin. A threshold of 0: never.
  bool sample_most(double value, double threshold, int64_t now, int64_t hold = 0);
  // Wrong below `threshold`, until above by kMargin. A threshold of 0: never.
  bool sample_least(double value, double threshold, int64_t now, int64_t hold = 0);
  // Nothing was measured for a while: what has begun goes on, what was about to begin or to end is not.
  void interrupt();

  bool holds() const { return holds_; }
  // Of the first sample that was beyond; nothing while it does not hold.
  std::optional<int64_t> since() const { return holds_ ? first_ : std::nullopt; }

 private:
  bool holds_ = false;
  std::optional<int64_t> first_;  // of the samples in a row that were beyond
  std::optional<int64_t> back_;   // likewise while it holds: of those that were back
};

}  // namespace headgate::health
