// SPDX-License-Identifier: LGPL-2.1-or-later
// One session's tracks on one timeline. A sender stamps its frames with a clock of its own that, in bad
// clients, jumps. Out of that come decoding times that start at 0, grow on each track, and keep the tracks in
// step. Its rate is left as it is: a clock that runs fast or slow stays so, and the archive's receipt times
// say by how much. Of two clocks that run at different rates (drift.h) the second track's follows the
// first's. No clock is read here; a stamp that wraps is Unwrapper's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <timeline/drift.h>

namespace headgate::timeline {

// A step forward that neither arrival nor another track confirms, by more than this, is a jump; so is one
// back by more than kMaxBackNs. Less than that back is bad order or a glitch: the frame is moved on, the
// clock is believed.
inline constexpr int64_t kMaxForwardNs = 10'000'000'000;
inline constexpr int64_t kMaxBackNs = 1'000'000'000;
// Tracks of one clock are this near to each other, however they are interleaved: a step that leads so near to
// where another track is now is the sender's, who left out what lies between (what was queued, to catch up).
inline constexpr int64_t kTogetherNs = 3'000'000'000;
// Between two frames of a track that bear the same stamp.
inline constexpr int64_t kNudgeNs = 1'000'000;

enum class Repair : uint8_t {
  none,
  nudged,    // no later than the frame before: moved on by kNudgeNs behind that
  backward,  // the sender's clock went back
  forward,   // or far ahead: the track was anchored anew
  drift,     // the track's clock runs at another rate than the first track's: a small step after that
};

struct Stamp {
  int64_t dts_ns = 0;  // since the session's base; grows on each track
  Repair repair = Repair::none;
  int64_t before_ns = 0, after_ns = 0;  // of a repair: the sender's clock, at the frame before and now; of
                                        // drift: now, and with all that was corrected since the last jump
};

// Not thread-safe.
class SessionTimeline {
 public:
  // `base` is the sender's clock at the session's first frame (the earliest, if several tracks are known by
  // then), which came at `arrival_us` of a clock that does not step.
  SessionTimeline(int64_t base_ns, int64_t arrival_us);

  // Frames of one track in the order they came; `track` counts from 0. After a jump the track follows another
  // track where that leads to about the present, so that they stay in step and one that jumps alone and back
  // is where it was; else it goes on from its last frame by the time that has passed since: on the other
  // track if that has come meanwhile, for what is late on its way is late on both, and else in arrival.
  Stamp stamp(size_t track, int64_t sender_ns, int64_t arrival_us);

 private:
  struct Track {
    bool started = false;
    int64_t sender_ns = 0;             // of the last frame
    int64_t arrival_us = 0;            // of the last frame
    int64_t offset_ns = 0;             // dts - sender, without drift_ns
    int64_t drift_ns = 0;              // corrected
    int64_t step_ns = 0;               // between the last two frames, where it was an ordinary one
    int64_t dts_ns = -kNudgeNs;        // last given out
    std::optional<int64_t> beside_ns;  // and by then on the other track, if there was one
    bool anchored = false;             // offset differs from the session's first
  };
  const Track* beside_of(size_t index) const;
  std::optional<int64_t> passed_beside(size_t index, int64_t arrival_us) const;
  bool joins_others(size_t track, int64_t sender_ns) const;
  std::optional<int64_t> offset_of_others(size_t track, int64_t sender_ns, int64_t expected_ns) const;

  void follow_drift(size_t track, int64_t sender_ns, int64_t arrival_us, Stamp& stamp);

  int64_t base_ns_;
  int64_t base_arrival_us_;
  std::vector<Track> tracks_;
  Drift drift_;  // of track 1 against track 0
};

}  // namespace headgate::timeline
