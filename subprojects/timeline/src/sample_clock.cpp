// SPDX-License-Identifier: LGPL-2.1-or-later
#include <timeline/sample_clock.h>

#include <cstdlib>

namespace headgate::timeline {

SampleClock::SampleClock(uint32_t sample_rate, uint32_t frame_samples)
    : sample_rate_(sample_rate), frame_samples_(frame_samples) {}

int64_t SampleClock::of_samples(uint64_t samples) const {
  const uint64_t seconds = samples / sample_rate_, rest = samples % sample_rate_;
  return static_cast<int64_t>(seconds * 1'000'000'000 +
                              (rest * 1'000'000'000 + sample_rate_ / 2) / sample_rate_);
}

SampleClock::Time SampleClock::next(int64_t stamp) {
  const int64_t expected = anchor_ns_ + of_samples(samples_);
  const bool agrees = std::llabs(stamp - expected) <= kSnapNs;
  const bool crowds = stamp <= last_ns_ && expected - stamp <= kMaxCrowdNs;
  Time time;
  if (started_ && (agrees || crowds)) {
    time.dts_ns = expected;
  } else {
    time.anchored = started_;
    started_ = true;
    anchor_ns_ = stamp > last_ns_ ? stamp : last_ns_ + 1'000'000;
    samples_ = 0;
    time.dts_ns = anchor_ns_;
  }
  samples_ += frame_samples_;
  last_ns_ = time.dts_ns;
  return time;
}

}  // namespace headgate::timeline
