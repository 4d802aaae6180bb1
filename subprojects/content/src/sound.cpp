// SPDX-License-Identifier: LGPL-2.1-or-later
#include "content/sound.h"

#include <algorithm>
#include <cmath>

namespace headgate::content {
namespace {

// A peak touches full scale for a sample; what was cut off stays there, and is a little uneven after a lossy
// codec.
constexpr float kFullScale = 0.93f;
constexpr size_t kPlateau = 3;  // samples

double decibels(double value) {
  return value > 0 ? std::max(kSilenceDb, 20 * std::log10(value)) : kSilenceDb;
}

}  // namespace

void Ear::add(std::span<const float> samples, size_t channels) {
  for (size_t channel = 0; channel < channels; ++channel) {
    size_t run = 0;
    float side = 0;
    for (size_t i = channel; i < samples.size(); i += channels) {
      const float sample = samples[i], size = std::fabs(sample);
      if (!std::isfinite(sample)) continue;
      squares_ += static_cast<double>(sample) * sample;
      peak_ = std::max(peak_, static_cast<double>(size));
      ++samples_;
      run = size >= kFullScale ? (std::signbit(sample) == std::signbit(side) ? run + 1 : 1) : 0;
      side = sample;
      if (run == kPlateau) clipped_ += kPlateau;
      if (run > kPlateau) ++clipped_;
    }
  }
}

Hearing Ear::hearing() const {
  if (samples_ == 0) return {kSilenceDb, kSilenceDb, 0};
  const double count = static_cast<double>(samples_);
  return {decibels(std::sqrt(squares_ / count)), decibels(peak_), static_cast<double>(clipped_) / count};
}

}  // namespace headgate::content
