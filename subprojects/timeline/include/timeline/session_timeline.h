// SPDX-License-Identifier: LGPL-2.1-or-later
// One session's tracks on one timeline. A sender stamps its messages with a 32-bit millisecond clock that
// wraps after 49.7 days and that, in bad clients, jumps. Out of that come decoding times that start at 0,
// grow on each track, and keep the tracks in step. No clock is read here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace headgate::timeline {

// A step forward that arrival does not confirm, by more than this, is a jump. Steps back always are.
inline constexpr int64_t kMaxForwardMs = 10'000;

enum class Repair : uint8_t {
  none,
  nudged,    // the same millisecond twice: moved on by one
  backward,  // the sender's clock went back
  forward,   // or far ahead: the track was anchored anew
};

struct Stamp {
  int64_t dts_ms = 0;  // since the session's base; grows by at least 1 on each track
  Repair repair = Repair::none;
  int64_t before_ms = 0, after_ms = 0;  // of a backward or forward repair: the sender's clock, unwrapped
};

// Not thread-safe.
class SessionTimeline {
 public:
  // `base` is the sender's clock at the session's first frame (the earliest, if several tracks are known by
  // then), which came at `arrival_us` of a clock that does not step.
  SessionTimeline(uint32_t base, int64_t arrival_us);

  // Frames of one track in the order they came; `track` counts from 0. After a jump the track follows another
  // track that made the same jump, so that they stay in step; else it is anchored to its arrival.
  Stamp stamp(size_t track, uint32_t sender_ms, int64_t arrival_us);

 private:
  struct Track {
    bool started = false;
    int64_t sender_ms = 0;   // unwrapped, of the last frame
    int64_t arrival_us = 0;  // of the last frame
    int64_t offset_ms = 0;   // dts - sender
    int64_t dts_ms = -1;     // last given out
    bool anchored = false;   // offset differs from the session's first
  };
  std::optional<int64_t> offset_of_others(size_t track, int64_t sender_ms, int64_t arrival_ms) const;

  int64_t base_ms_;
  int64_t base_arrival_us_;
  std::vector<Track> tracks_;
};

}  // namespace headgate::timeline
