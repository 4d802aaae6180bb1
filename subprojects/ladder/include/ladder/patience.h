// SPDX-License-Identifier: LGPL-2.1-or-later
// How long one encoder may hold up those that get their pictures from the same thread. One that is faster
// than real time is always waited for; one that is slower puts the others behind by as much as kMostWaitNs,
// is passed over then (its pictures are left out while it has no room), and is waited for again when it has
// caught up with half of that. Pure: no clock.
#pragma once

#include <cstdint>

namespace headgate::ladder {

inline constexpr int64_t kMostWaitNs = 1'000'000'000;
// So much of its pictures left out: it is too slow. What is taken makes up for a sixteenth of its length.
inline constexpr int64_t kMostLostNs = 1'000'000'000;
inline constexpr int64_t kForgiven = 16;

// Not thread-safe. Times in ns.
class Patience {
 public:
  // How long the next picture may wait for room; 0: not at all.
  int64_t allowance_ns() const { return passed_over_ ? 0 : kMostWaitNs - debt_ns_; }
  // A picture that is shown for `media_ns` was taken, `took_ns` after the one before was; `waited`: there was
  // no room for it at first.
  void took(int64_t media_ns, int64_t took_ns, bool waited);
  // It was not: there was no room in time.
  void left_out(int64_t media_ns);

  bool slow() const { return lost_ns_ > kMostLostNs; }
  // Not as fast as it should be, by now.
  bool strained() const { return passed_over_ || debt_ns_ > kMostWaitNs / 2 || lost_ns_ > kMostLostNs / 2; }

 private:
  int64_t debt_ns_ = 0;  // by which it has put the others behind
  int64_t lost_ns_ = 0;
  bool passed_over_ = false;
};

}  // namespace headgate::ladder
