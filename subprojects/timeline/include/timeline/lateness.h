// SPDX-License-Identifier: LGPL-2.1-or-later
// How far media has fallen behind real time on its way: an uplink that carries less than what is sent makes
// each frame come later than the one before. Measured against the least delayed frame so far, so that the
// usual delay is 0 and a sender who delivers faster than real time is never late. A delay that stays as it
// is, is the usual one from then on: who paused for seconds and goes on where he was is not late.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace headgate::timeline {

// A sender's clock may differ from ours by 1 in so many: what grows no faster is forgotten, not lateness.
inline constexpr int64_t kClockTolerance = 64;

// A delay is steady when the least of each of so many spans, one behind the other, is what the first of them
// had, to within what a clock may differ in that time.
inline constexpr int64_t kSteadySpanNs = 4'000'000'000;
inline constexpr int kSteadySpans = 4;
inline constexpr int64_t kSteadyNs = (kSteadySpans - 1) * kSteadySpanNs / kClockTolerance;  // 187.5 ms

// Not thread-safe.
class Lateness {
 public:
  // Media of `media_ns` came at `arrival_ns`; each on a clock of its own that does not step. Returns by how
  // much it is late, 0 or more.
  int64_t note(int64_t media_ns, int64_t arrival_ns);
  int64_t ns() const { return late_ns_; }  // of the last one
  // By how much the usual delay was raised because a later one was steady, all in all.
  int64_t settled_ns() const { return settled_ns_; }
  void reset() { *this = Lateness(); }  // media time begins anew

 private:
  void watch(int64_t delay_ns, int64_t arrival_ns);
  void end_span();

  std::optional<int64_t> usual_ns_;  // arrival less media, of the least delayed
  int64_t last_arrival_ns_ = 0;
  int64_t late_ns_ = 0;
  int64_t settled_ns_ = 0;
  // The present span, from a frame on, and its least delay; how many before it were steady, by the first
  // one's least delay, and the least of all of them.
  int64_t span_ns_ = 0, span_least_ns_ = 0;
  int spans_ = 0;
  int64_t level_ns_ = 0, level_least_ns_ = 0;
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
  int64_t settled_ns() const;                   // of the track with the most

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
