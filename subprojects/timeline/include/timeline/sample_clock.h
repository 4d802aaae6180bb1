// SPDX-License-Identifier: LGPL-2.1-or-later
// Audio frames have a known number of samples; stamps in whole milliseconds do not say it. The sample
// clock counts samples from an anchor and gives their exact time as long as the stamps agree with it.
#pragma once

#include <cstdint>

namespace headgate::timeline {

// A stamp further than this from the sample clock is believed, and is the new anchor. Rounding to
// milliseconds, at the anchor and at the stamp, explains no more. So no result is ever further from its
// stamp.
inline constexpr int64_t kSnapNs = 1'500'000;
// Unless the stamps crowd (several frames with the stamp of one): up to here the sample clock is kept.
inline constexpr int64_t kMaxCrowdNs = 250'000'000;

// Not thread-safe.
class SampleClock {
 public:
  // Both above 0.
  SampleClock(uint32_t sample_rate, uint32_t frame_samples);

  struct Time {
    int64_t dts_ns = 0;     // grows with every call
    bool anchored = false;  // the stamp was believed: there is a gap or an overlap before this frame
  };
  Time next(int64_t stamp_ns);
  int64_t frame_ns() const { return of_samples(frame_samples_); }

 private:
  int64_t of_samples(uint64_t samples) const;

  uint32_t sample_rate_, frame_samples_;
  bool started_ = false;
  int64_t anchor_ns_ = 0;
  uint64_t samples_ = 0;  // since the anchor, before the next frame
  int64_t last_ns_ = -1;
};

}  // namespace headgate::timeline
