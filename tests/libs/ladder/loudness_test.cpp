// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <ladder/loudness.h>

#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

namespace headgate::ladder {
namespace {

constexpr uint32_t kRate = 48'000;

double db(double amplitude) {
  return 20 * std::log10(amplitude);
}
double amplitude(double level_db) {
  return std::pow(10, level_db / 20);
}

// Stereo, the same on both sides.
void add_sine(std::vector<float>& out, double seconds, double level_db, double hertz = 1000,
              uint32_t rate = kRate) {
  const size_t from = out.size() / 2, frames = static_cast<size_t>(seconds * rate);
  for (size_t i = from; i < from + frames; ++i) {
    const auto value = static_cast<float>(
        amplitude(level_db) * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
    out.insert(out.end(), {value, value});
  }
}

double loudness_of(const std::vector<float>& samples, uint32_t rate = kRate) {
  LoudnessMeter meter(rate, 2);
  meter.add(samples);
  return meter.loudness().value_or(-1000);
}

// Of the left side, by a longer interpolation than the limiter's own, where it is loud.
double true_peak_db(const std::vector<float>& samples) {
  constexpr int kHalf = 16, kPhases = 4;
  std::vector<std::vector<double>> kernels(kPhases);
  for (int phase = 0; phase < kPhases; ++phase)
    for (int k = -kHalf; k <= kHalf; ++k) {
      const double x = k - static_cast<double>(phase) / kPhases;
      const double sinc = std::abs(x) < 1e-9 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
      kernels[phase].push_back(sinc * (0.5 + 0.5 * std::cos(std::numbers::pi * x / (kHalf + 1))));
    }
  const auto frames = static_cast<int>(samples.size() / 2);
  double most = 0;
  for (int i = kHalf; i + kHalf < frames; ++i) {
    if (std::abs(samples[static_cast<size_t>(i) * 2]) < 0.55) continue;
    for (const auto& kernel : kernels) {
      double sum = 0;
      for (int k = 0; k <= 2 * kHalf; ++k) sum += samples[static_cast<size_t>(i + k - kHalf) * 2] * kernel[k];
      most = std::max(most, std::abs(sum));
    }
  }
  return db(most);
}

// EBU Tech 3341, cases 1 to 5.
TEST(LoudnessMeter, MeasuresWhatTech3341Says) {
  std::vector<float> plain;
  add_sine(plain, 20, -23);
  EXPECT_NEAR(loudness_of(plain), -23, 0.1);
  std::vector<float> soft;
  add_sine(soft, 20, -33);
  EXPECT_NEAR(loudness_of(soft), -33, 0.1);
  std::vector<float> gated;
  add_sine(gated, 5, -36);
  add_sine(gated, 30, -23);
  add_sine(gated, 5, -36);
  EXPECT_NEAR(loudness_of(gated), -23, 0.1);
  std::vector<float> silence;
  add_sine(silence, 5, -72);
  add_sine(silence, 5, -36);
  add_sine(silence, 30, -23);
  add_sine(silence, 5, -36);
  add_sine(silence, 5, -72);
  EXPECT_NEAR(loudness_of(silence), -23, 0.1);
  std::vector<float> steps;
  add_sine(steps, 20, -26);
  add_sine(steps, 20.1, -20);
  add_sine(steps, 20, -26);
  EXPECT_NEAR(loudness_of(steps), -23, 0.1);
}

TEST(LoudnessMeter, IsTheSameAtAnyRate) {
  for (const uint32_t rate : {32'000u, 44'100u, 96'000u}) {
    std::vector<float> samples;
    add_sine(samples, 5, -20, 1000, rate);
    EXPECT_NEAR(loudness_of(samples, rate), -20, 0.15) << rate;
  }
}

TEST(LoudnessMeter, KnowsNothingOfSilence) {
  LoudnessMeter meter(kRate, 2);
  meter.add(std::vector<float>(kRate * 4));
  EXPECT_FALSE(meter.loudness());
}

TEST(LoudnessMeter, ForgetsWhatIsLongAgo) {
  std::vector<float> samples;
  add_sine(samples, 20, -14);
  add_sine(samples, 61, -30);
  EXPECT_NEAR(loudness_of(samples), -30, 0.2);
}

TEST(PeakLimiter, LetsPassWhatIsBelow) {
  std::vector<float> samples;
  add_sine(samples, 1, -6);
  const std::vector<float> before = samples;
  PeakLimiter limiter(kRate, 2, amplitude(-1));
  limiter.run(samples);
  const size_t late = PeakLimiter::delay(kRate) * 2;
  for (size_t i = late; i < samples.size(); ++i) ASSERT_EQ(samples[i], before[i - late]) << i;
}

TEST(PeakLimiter, KeepsPeaksBetweenSamplesBelow) {
  // A quarter of the rate, an eighth of a turn off: no sample is larger than 0.71 of the peak.
  std::vector<float> samples;
  for (size_t i = 0; i < kRate / 4; ++i) {
    const auto value = static_cast<float>(
        1.2 * std::sin(std::numbers::pi / 2 * static_cast<double>(i) + std::numbers::pi / 4));
    samples.insert(samples.end(), {value, value});
  }
  PeakLimiter limiter(kRate, 2, amplitude(-1));
  limiter.run(samples);
  EXPECT_LE(true_peak_db(samples), -0.9);
  EXPECT_GT(true_peak_db(samples), -1.5);  // and takes no more than it has to
}

TEST(Normaliser, BringsSineToTheTarget) {
  for (const double level : {-40.0, -33.0, -10.0}) {
    std::vector<float> samples;
    add_sine(samples, 30, level);
    Normaliser normaliser(kRate, 2, -23);
    normaliser.run(samples);
    // But for the first seconds, in which the gain is found.
    samples.erase(samples.begin(), samples.begin() + kRate * 2 * 2);
    EXPECT_NEAR(loudness_of(samples), -23, 0.5) << level;
  }
}

// Words of noise of many levels between pauses, with a hum below.
std::vector<float> speech(double seconds, double level_db) {
  std::mt19937 random(7);
  std::normal_distribution<float> noise(0, 1);
  std::uniform_real_distribution<double> level(-9, 3);
  std::vector<float> out;
  float low = 0;
  double gain = 0;
  for (size_t i = 0; i < static_cast<size_t>(seconds * kRate); ++i) {
    const size_t word = i / (kRate / 2);
    if (i % (kRate / 2) == 0)
      gain = word % 4 == 3 ? amplitude(level_db - 40) : amplitude(level_db + level(random));
    low += 0.2F * (noise(random) - low);
    const auto value = static_cast<float>(gain * 2) * low;
    out.insert(out.end(), {value, value});
  }
  return out;
}

TEST(Normaliser, BringsSpeechToTheTargetWithoutPeaks) {
  for (const double level : {-35.0, -12.0}) {
    std::vector<float> samples = speech(30, level);
    Normaliser normaliser(kRate, 2, -16);
    normaliser.run(samples);
    // The first seconds find the gain.
    const std::vector<float> rest(samples.begin() + kRate * 2 * 10, samples.end());
    EXPECT_NEAR(loudness_of(rest), -16, 1) << level;
    EXPECT_LE(true_peak_db(samples), kMaxTruePeakDb) << level;
  }
}

TEST(Normaliser, MovesSlowlyAndNotInSilence) {
  Normaliser normaliser(kRate, 2, -23);
  std::vector<float> samples;
  double last = normaliser.gain_db();
  for (int piece = 0; piece < 600; ++piece) {
    samples.clear();
    add_sine(samples, 0.1, piece < 300 ? -38 : -12);
    normaliser.run(samples);
    const double most = piece < 40 ? Normaliser::kFirstDbPerSecond : Normaliser::kDbPerSecond;
    EXPECT_LE(std::abs(normaliser.gain_db() - last), most * 0.1 + 1e-6) << piece;
    last = normaliser.gain_db();
  }
  const double before = normaliser.gain_db();
  for (int piece = 0; piece < 100; ++piece) {
    samples.assign(kRate / 10 * 2, 0);
    normaliser.run(samples);
  }
  EXPECT_NEAR(normaliser.gain_db(), before, 3);
}

// Samples that are no numbers are silence, and harm nothing that comes behind them.
TEST(Normaliser, TakesWhatIsNoNumberAsSilence) {
  std::vector<float> samples;
  add_sine(samples, 30, -33);
  constexpr size_t kAt = kRate * 2 * 2;
  const std::array odd = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()};
  std::copy(odd.begin(), odd.end(), samples.begin() + kAt);
  Normaliser normaliser(kRate, 2, -23);
  normaliser.run(samples);
  EXPECT_TRUE(std::all_of(samples.begin(), samples.end(), [](float value) { return std::isfinite(value); }));
  EXPECT_NEAR(normaliser.gain_db(), 10, 0.2);
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The least of some tries, of a second of silence.
double cost_of_silence(LoudnessMeter& meter) {
  const std::vector<float> silence(kRate * 2);
  double least = 1e9;
  for (int i = 0; i < 10; ++i) {
    const double before = cpu_seconds();
    meter.add(silence);
    least = std::min(least, cpu_seconds() - before);
  }
  return least;
}

// What is left in filters gets smaller and smaller, and such numbers take processors far longer.
TEST(LoudnessMeter, SilenceBehindSoundCostsNoMoreThanOther) {
  LoudnessMeter silent(kRate, 2), sounded(kRate, 2);
  std::vector<float> sound;
  add_sine(sound, 1, -20);
  sounded.add(sound);
  sounded.add(std::vector<float>(kRate * 2 * 20));
  EXPECT_LT(cost_of_silence(sounded), 3 * cost_of_silence(silent));
}

TEST(Normaliser, MakesNoMoreOfNoiseThanItMay) {
  std::vector<float> samples;
  add_sine(samples, 20, -60);
  Normaliser normaliser(kRate, 2, -23);
  normaliser.run(samples);
  EXPECT_NEAR(normaliser.gain_db(), Normaliser::kMostBoostDb, 0.01);
}

}  // namespace
}  // namespace headgate::ladder
