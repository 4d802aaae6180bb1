// SPDX-License-Identifier: LGPL-2.1-or-later
// How far media has fallen behind real time on its way: an uplink that carries less than what is sent makes
// each frame come later than the one before. Measured against the least delayed frame so far, so that the
// usual delay is 0 and a sender who delivers faster than real time is never late.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

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

// Of a track that sends nothing for so long it is not known how late it is: the others say it.
inline constexpr int64_t kVanishedNs = 5'000'000'000;

// The uplink of one session, by all its tracks: as late as the latest of them. Not thread-safe.
class Uplink {
 public:
  // As Lateness::note(), of a track counted from 0.
  void note(size_t track, int64_t media_ns, int64_t arrival_ns);
  // By what came up to `now_ns` (the clock of arrivals). Tracks that have vanished do not count; while
  // nothing comes at all nothing is learnt, so it is not to be called then. True: late() changed.
  bool judge(int64_t now_ns, int64_t threshold_ns);
  bool late() const { return switch_.late(); }
  int64_t late_ns() const { return late_ns_; }  // as of judge()

 private:
  struct Track {
    Lateness lateness;
    int64_t arrival_ns = 0;  // of its last frame
  };
  std::vector<Track> tracks_;
  LateSwitch switch_;
  int64_t late_ns_ = 0;
};

}  // namespace headgate::timeline
