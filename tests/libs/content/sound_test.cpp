// SPDX-License-Identifier: LGPL-2.1-or-later
#include <content/sound.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

namespace headgate::content {
namespace {

std::vector<float> sine(double amplitude, size_t count = 4800, double hz = 440) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i)
    out[i] =
        static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 48000));
  return out;
}

std::vector<float> cut_off(std::vector<float> samples, float at = 1) {
  for (float& sample : samples) sample = std::clamp(sample, -at, at);
  return samples;
}

Hearing hear(std::span<const float> samples, size_t channels = 1) {
  Ear ear;
  ear.add(samples, channels);
  return ear.hearing();
}

TEST(Hearing, LevelsAreBelowFullScale) {
  const Hearing half = hear(sine(0.5));
  EXPECT_NEAR(half.peak_db, -6.02, 0.05);
  EXPECT_NEAR(half.rms_db, -9.03, 0.05);
  EXPECT_EQ(half.clipped, 0);
}

TEST(Hearing, NothingIsSilence) {
  EXPECT_EQ(hear({}).rms_db, kSilenceDb);
  EXPECT_EQ(hear(std::vector<float>(1024)).rms_db, kSilenceDb);
  EXPECT_EQ(hear(std::vector<float>(1024, 1e-9f)).rms_db, kSilenceDb);
}

TEST(Hearing, CutOffSamplesAreClippedAndPeaksAreNot) {
  EXPECT_EQ(hear(sine(0.9)).clipped, 0);
  EXPECT_GT(hear(cut_off(sine(3))).clipped, 0.5);
  // A square of low frequency is nothing but plateaus.
  EXPECT_GT(hear(cut_off(sine(100, 4800, 100))).clipped, 0.9);
  // One sample at full scale is a peak.
  std::vector<float> peaks(1000, 0.1f);
  for (size_t i = 0; i < peaks.size(); i += 10) peaks[i] = 1;
  EXPECT_EQ(hear(peaks).clipped, 0);
  // So are three that change sides: noise that is loud.
  std::vector<float> sides(999);
  for (size_t i = 0; i < sides.size(); ++i) sides[i] = i % 2 ? 1.f : -1.f;
  EXPECT_EQ(hear(sides).clipped, 0);
}

TEST(Hearing, ClippedStaysClippedThroughALossyCodec) {
  std::mt19937 random(7);
  std::normal_distribution<float> codec(0, 0.02f);
  auto samples = cut_off(sine(4));
  for (float& sample : samples) sample += codec(random);
  EXPECT_GT(hear(samples).clipped, 0.4);
}

TEST(Hearing, ChannelsAreHeardApart) {
  const auto loud = cut_off(sine(3));
  std::vector<float> both;
  for (float sample : loud) {
    both.push_back(sample);
    both.push_back(0);
  }
  EXPECT_NEAR(hear(both, 2).clipped, hear(loud).clipped / 2, 1e-6);
  EXPECT_NEAR(hear(both, 2).rms_db, hear(loud).rms_db - 3.01, 0.05);
}

TEST(Hearing, WhatIsNoNumberIsNotHeard) {
  const std::vector<float> samples{0.5f, std::numeric_limits<float>::quiet_NaN(),
                                   std::numeric_limits<float>::infinity(), 0.5f};
  EXPECT_NEAR(hear(samples).rms_db, -6.02, 0.05);
}

TEST(Hearing, PiecesAddUp) {
  const auto samples = sine(0.5);
  Ear ear;
  for (size_t at = 0; at < samples.size(); at += 480) ear.add(std::span(samples).subspan(at, 480));
  EXPECT_EQ(ear.samples(), samples.size());
  EXPECT_NEAR(ear.hearing().rms_db, hear(samples).rms_db, 1e-6);
}

}  // namespace
}  // namespace headgate::content
