// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound at the loudness that EBU R128 asks for: measured as ITU-R BS.1770-4 has it (by libebur128), brought
// there by a gain that moves slowly, and kept below a true peak by a limiter that looks ahead. Pure: no
// clock. Samples are interleaved, 1.0 is full scale.
#pragma once

#include <ebur128.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace headgate::ladder {

inline constexpr uint32_t kMaxLoudnessChannels = 2;
inline constexpr uint32_t kMinLoudnessRate = 8'000, kMaxLoudnessRate = 192'000;
inline constexpr double kMaxTruePeakDb = -1.0;  // dBTP that is promised (EBU R128, annex to its part 1)

// Loudness of what was heard last. Not thread-safe.
class LoudnessMeter {
 public:
  // So much of what was not silent is remembered: a programme's loudness, and what follows it when the
  // programme changes.
  static constexpr unsigned long kRememberedMs = 60'000;

  LoudnessMeter(uint32_t rate, uint32_t channels);
  // Finite ones. True: loudness() may have changed.
  bool add(std::span<const float> samples);
  // LUFS, gated (BS.1770-4, annex 1): what is silent, or far softer than the rest, does not count. Nothing:
  // only silence was heard.
  std::optional<double> loudness() const;

 private:
  struct End {
    void operator()(ebur128_state* state) const;
  };
  const uint32_t channels_;
  const size_t piece_;  // frames after which loudness() changes
  size_t frames_ = 0;   // since it did
  std::unique_ptr<ebur128_state, End> state_;
};

// Keeps the true peak of what comes below a limit. Not thread-safe.
class PeakLimiter {
 public:
  PeakLimiter(uint32_t rate, uint32_t channels, double limit);
  // In place: what comes out is delay() frames behind what went in.
  void run(std::span<float> samples);
  static size_t delay(uint32_t rate);  // frames

 private:
  static constexpr size_t kPhases = 4, kTaps = 12;  // of the interpolation
  double peak();
  double hold(double needed);

  const uint32_t channels_;
  const size_t ahead_;  // frames over which the gain comes down
  const double limit_, release_;
  std::array<std::array<float, kTaps>, kPhases> phases_{};
  double most_ = 1;           // by which an interpolated value may exceed the samples around it
  size_t hot_ = 0;            // frames for which peaks are looked for
  std::vector<float> delay_;  // ring of frames
  size_t at_ = 0;             // of the frame that comes next
  uint64_t time_ = 0;         // frames that came
  std::deque<std::pair<uint64_t, double>> least_;  // falling minimum of what is needed
  double released_ = 1;
  std::vector<double> gains_;  // ring, averaged
  double sum_ = 0;
};

// Meter, gain and limiter. Not thread-safe.
class Normaliser {
 public:
  static constexpr double kMostBoostDb = 20, kMostCutDb = 30;
  // As fast as the gain moves, and in the first kFirstSeconds in which there is something to be heard.
  static constexpr double kDbPerSecond = 2, kFirstDbPerSecond = 20, kFirstSeconds = 3;
  // `target` in LUFS.
  Normaliser(uint32_t rate, uint32_t channels, double target);
  // In place; PeakLimiter::delay() frames late. Samples that are not finite are taken as 0.
  void run(std::span<float> samples);
  double gain_db() const { return gain_db_; }

 private:
  const uint32_t channels_;
  const double target_, step_db_, first_step_db_;
  LoudnessMeter meter_;
  PeakLimiter limiter_;
  double gain_db_ = 0, wanted_db_ = 0;
  float gain_ = 1;
  bool heard_ = false;  // something
  size_t first_;        // frames that are left of kFirstSeconds
};

}  // namespace headgate::ladder
