// SPDX-License-Identifier: LGPL-2.1-or-later
// What is wrong with one stream by its measures (docs/health.md), and since when. No GStreamer, no clock:
// times come with the calls, in ns. Nothing here allocates. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <health/condition.h>
#include <health/conditions.h>

#include "thresholds.h"

namespace headgate::healthprobe {

// Measures of a second have to be wrong, and right again, for so long: longer than a phone takes to change
// its rate.
inline constexpr int64_t kHoldNs = 3'000'000'000;

// How irregularly media comes: the mean of how much the time between two arrivals differs from the media
// time between them, smoothed over 16 (RFC 3550, 6.4.1 and A.8).
class Jitter {
 public:
  void note(int64_t media, int64_t arrival);
  void interrupt() { transit_.reset(); }  // the next does not follow the last
  void reset() { *this = Jitter(); }
  int64_t ns() const { return jitter_; }

 private:
  std::optional<int64_t> transit_;  // of the last
  int64_t jitter_ = 0;
};

// How often something happened within the last kJumpsNs, to a slot of it.
inline constexpr int64_t kJumpsNs = 60'000'000'000;
class Lately {
 public:
  void add(int64_t now);
  int64_t count(int64_t now) const;

 private:
  static constexpr int64_t kSlots = 12;
  struct Slot {
    int64_t number = -1;  // since the clock's beginning
    int64_t count = 0;
  };
  static int64_t slot_of(int64_t now) { return now / (kJumpsNs / kSlots); }
  std::array<Slot, kSlots> slots_{};
};

class StreamConditions {
 public:
  static constexpr std::array kKinds = {health::Kind::jumping,  health::Kind::jittery,
                                        health::Kind::low_rate, health::Kind::low_frame_rate,
                                        health::Kind::long_gop, health::Kind::key_late};
  // Those that are only of video.
  static constexpr bool of_video(health::Kind kind) {
    return kind != health::Kind::jumping && kind != health::Kind::jittery;
  }

  struct Second {  // of media that flows
    uint64_t bit_rate = 0;
    double rate = 0;
    int64_t jitter = 0;
    int64_t key_age = 0;  // since the last key frame, or the first buffer
  };
  // All are true when a condition began or ended.
  bool second(const Second& measured, bool video, int64_t now, const Thresholds& thresholds);
  // A timestamp jumped or went back.
  bool jumped(int64_t now, const Thresholds& thresholds);
  // A GOP of video is over: of so much media time, and so long until the next key frame came.
  bool gop(int64_t duration, int64_t key_age, int64_t now, const Thresholds& thresholds);
  void interrupt();                            // nothing comes for a while
  void rest() { *this = StreamConditions(); }  // what comes next is another stream

  std::optional<int64_t> since(health::Kind kind) const { return of(kind).since(); }

 private:
  static constexpr size_t kFirst = static_cast<size_t>(kKinds.front());
  health::Condition& of(health::Kind kind) { return conditions_[static_cast<size_t>(kind) - kFirst]; }
  const health::Condition& of(health::Kind kind) const {
    return conditions_[static_cast<size_t>(kind) - kFirst];
  }

  std::array<health::Condition, kKinds.size()> conditions_;
  Lately jumps_;
};

}  // namespace headgate::healthprobe
