// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/loudness.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <numbers>
#include <numeric>

namespace headgate::ladder {
namespace {

constexpr size_t kPiecesPerSecond = 10;
// What an encoder of few bits may add to a peak.
constexpr double kCodingRoomDb = 2.5;
constexpr uint32_t kAheadPerSecond = 200;  // the limiter looks ahead a 200th of a second
constexpr double kReleaseSeconds = 0.2;

double from_db(double db) {
  return std::pow(10, db / 20);
}

}  // namespace

void LoudnessMeter::End::operator()(ebur128_state* state) const {
  ebur128_destroy(&state);
}

LoudnessMeter::LoudnessMeter(uint32_t rate, uint32_t channels)
    : channels_(channels),
      piece_(std::max<size_t>(rate / kPiecesPerSecond, 1)),
      state_(ebur128_init(channels, rate, EBUR128_MODE_I)) {
  if (!state_ || ebur128_set_max_history(state_.get(), kRememberedMs) != EBUR128_SUCCESS)
    throw std::bad_alloc();
}

bool LoudnessMeter::add(std::span<const float> samples) {
  const size_t frames = samples.size() / channels_;
  if (ebur128_add_frames_float(state_.get(), samples.data(), frames) != EBUR128_SUCCESS)
    throw std::bad_alloc();
  frames_ += frames;
  const bool changed = frames_ >= piece_;
  frames_ %= piece_;
  return changed;
}

std::optional<double> LoudnessMeter::loudness() const {
  double lufs = 0;
  if (ebur128_loudness_global(state_.get(), &lufs) != EBUR128_SUCCESS || !std::isfinite(lufs))
    return std::nullopt;
  return lufs;
}

PeakLimiter::PeakLimiter(uint32_t rate, uint32_t channels, double limit)
    : channels_(channels),
      ahead_(std::max<uint32_t>(rate / kAheadPerSecond, 1)),
      limit_(limit),
      release_(1 - std::exp(-1 / (kReleaseSeconds * rate))),
      delay_((delay(rate) + 1) * channels),
      gains_(ahead_, 1.0),
      sum_(static_cast<double>(ahead_)) {
  // A sinc over twelve samples under Hann's window, at four places between two of them.
  for (size_t phase = 0; phase < kPhases; ++phase) {
    double sum = 0;
    for (size_t tap = 0; tap < kTaps; ++tap) {
      const double x = static_cast<double>(tap) - kTaps / 2.0 + 1 - static_cast<double>(phase) / kPhases;
      const double sinc = x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
      const double window = 0.5 * (1 + std::cos(2 * std::numbers::pi * x / kTaps));
      phases_[phase][tap] = static_cast<float>(sinc * window);
      sum += std::abs(sinc * window);
    }
    most_ = std::max(most_, sum);
  }
}

size_t PeakLimiter::delay(uint32_t rate) {
  return std::max<uint32_t>(rate / kAheadPerSecond, 1) + kTaps / 2;
}

// Around the frame that came kTaps / 2 ago.
double PeakLimiter::peak() {
  const size_t frames = delay_.size() / channels_;
  float most = 0;
  for (uint32_t channel = 0; channel < channels_; ++channel) {
    std::array<float, kTaps> window{};
    for (size_t tap = 0; tap < kTaps; ++tap)
      window[tap] = delay_[(at_ + frames - (kTaps - 1 - tap)) % frames * channels_ + channel];
    for (const auto& phase : phases_)
      most = std::max(most, std::abs(std::inner_product(phase.begin(), phase.end(), window.begin(), 0.0F)));
  }
  return most;
}

// The gain for the frame that comes out now: down over `ahead_` frames, up slowly.
double PeakLimiter::hold(double needed) {
  while (!least_.empty() && least_.back().second >= needed) least_.pop_back();
  least_.emplace_back(time_, needed);
  if (least_.front().first + ahead_ < time_) least_.pop_front();
  released_ = std::min(least_.front().second, released_ + (1 - released_) * release_);
  double& oldest = gains_[time_ % ahead_];
  sum_ += released_ - oldest;
  oldest = released_;
  return std::min(sum_ / static_cast<double>(ahead_), 1.0);
}

void PeakLimiter::run(std::span<float> samples) {
  const size_t frames = delay_.size() / channels_;
  for (size_t i = 0; i + channels_ <= samples.size(); i += channels_, ++time_) {
    for (uint32_t channel = 0; channel < channels_; ++channel) {
      const float sample = samples[i + channel];
      delay_[at_ * channels_ + channel] = sample;
      if (std::abs(sample) * most_ > limit_) hot_ = kTaps;
    }
    double needed = 1;
    if (hot_ > 0) {
      --hot_;
      const double most = peak();
      if (most > limit_) needed = limit_ / most;
    }
    const double gain = hold(needed);
    at_ = (at_ + 1) % frames;  // the oldest
    for (uint32_t channel = 0; channel < channels_; ++channel)
      samples[i + channel] = static_cast<float>(delay_[at_ * channels_ + channel] * gain);
  }
}

Normaliser::Normaliser(uint32_t rate, uint32_t channels, double target)
    : channels_(channels),
      target_(target),
      step_db_(kDbPerSecond / rate),
      first_step_db_(kFirstDbPerSecond / rate),
      meter_(rate, channels),
      limiter_(rate, channels, from_db(kMaxTruePeakDb - kCodingRoomDb)),
      first_(static_cast<size_t>(kFirstSeconds * rate)) {}

void Normaliser::run(std::span<float> samples) {
  // One sample that is no number would stay in the filters for good.
  for (float& sample : samples)
    if (!std::isfinite(sample)) sample = 0;
  if (meter_.add(samples))
    if (const auto heard = meter_.loudness()) {
      wanted_db_ = std::clamp(target_ - *heard, -kMostCutDb, kMostBoostDb);
      heard_ = true;
    }
  for (size_t i = 0; i + channels_ <= samples.size(); i += channels_) {
    const double step = first_ > 0 ? first_step_db_ : step_db_;
    if (heard_ && first_ > 0) --first_;
    if (gain_db_ != wanted_db_) {
      gain_db_ += std::clamp(wanted_db_ - gain_db_, -step, step);
      gain_ = static_cast<float>(from_db(gain_db_));
    }
    for (uint32_t channel = 0; channel < channels_; ++channel) samples[i + channel] *= gain_;
  }
  limiter_.run(samples);
}

}  // namespace headgate::ladder
