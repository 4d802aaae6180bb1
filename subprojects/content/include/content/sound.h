// SPDX-License-Identifier: LGPL-2.1-or-later
// How loud a piece of decoded sound is, and whether it was too loud for its encoder's input. Pure.
#pragma once

#include <cstddef>
#include <span>

namespace headgate::content {

struct Hearing {
  double rms_db = 0;   // dBFS of all channels together, of a square wave at full scale 0; kSilenceDb at least
  double peak_db = 0;  // dBFS; the same
  // Share of samples in runs of three or more near full scale, on one side of zero. (A pure tone that reaches
  // full scale has as many: after a lossy codec nobody could tell.)
  double clipped = 0;
};

inline constexpr double kSilenceDb = -120;  // dBFS: digital silence

// Samples of one channel after the other or interleaved with `channels`; 1.0 is full scale. Encoders
// overshoot: what is beyond it counts as at it.
class Ear {
 public:
  void add(std::span<const float> samples, size_t channels = 1);
  size_t samples() const { return samples_; }
  Hearing hearing() const;

 private:
  size_t samples_ = 0, clipped_ = 0;
  double squares_ = 0, peak_ = 0;
};

}  // namespace headgate::content
