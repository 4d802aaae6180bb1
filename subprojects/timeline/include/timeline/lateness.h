// SPDX-License-Identifier: LGPL-2.1-or-later
// How far media has fallen behind real time on its way: an uplink that carries less than what is sent makes
// each frame come later than the one before. Measured against the least delayed frame so far, so that the
// usual delay is 0 and a sender who delivers faster than real time is never late.
#pragma once

#include <cstdint>
#include <optional>

namespace headgate::timeline {

// A sender's clock may differ from ours by 1 in so many: what grows no faster is forgotten, not lateness.
inline constexpr int64_t kClockTolerance = 64;

// Not thread-safe.
class Lateness {
 public:
  // Media of `media_ns` came at `arrival_ns`; each on a clock of its own that does not step. Returns by how
  // much it is late, 0 or more.
  int64_t note(int64_t media_ns, int64_t arrival_ns);
  int64_t ns() const { return late_ns_; }  // of the last one
  void reset() { *this = Lateness(); }     // media time begins anew

 private:
  std::optional<int64_t> usual_ns_;  // arrival less media, of the least delayed
  int64_t last_arrival_ns_ = 0;
  int64_t late_ns_ = 0;
};

// Late or not, with hysteresis: from `threshold` on, until it is below a third of that.
class LateSwitch {
 public:
  // True: it changed.
  bool update(int64_t late_ns, int64_t threshold_ns);
  bool late() const { return late_; }

 private:
  bool late_ = false;
};

}  // namespace headgate::timeline
