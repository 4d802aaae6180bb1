// SPDX-License-Identifier: LGPL-2.1-or-later
// Days of senders whose tracks have clocks of their own, on clocks of ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>

#include <timeline/session_timeline.h>

namespace headgate::timeline {
namespace {

constexpr int64_t kMs = 1'000'000, kMinute = 60'000 * kMs, kHour = 60 * kMinute;
constexpr int64_t kVideoNs = 40 * kMs, kAudioNs = 21'333'333, kTickNs = 50 * kMs;

// Both tracks from 0 on; what is received is read each 50 ms and wavers as by mobile.
class Drifting : public testing::Test {
 protected:
  void play(int64_t until_ns) {
    for (; std::min(video_ns_, audio_ns_) < until_ns;) {
      const bool video = video_ns_ <= audio_ns_;
      int64_t& true_ns = video ? video_ns_ : audio_ns_;
      const double rate = 1 + (common_ppm_ + (video ? 0 : audio_ppm_)) * 1e-6;
      const auto sent_ns = static_cast<int64_t>(static_cast<double>(true_ns) * rate) / kMs * kMs;
      random_ = random_ * 1664525 + 1013904223;
      const int64_t wavers_ns = (random_ >> 16) % 120 * kMs * (random_ >> 28 < 12);
      const int64_t came_ns = true_ns + delay_ns_(video, true_ns) + wavers_ns;
      arrival_ns_ = std::max(arrival_ns_, (came_ns / kTickNs + 1) * kTickNs);  // one connection: in order
      const Stamp stamp = timeline_.stamp(video ? 0 : 1, sent_ns, arrival_ns_ / 1000);
      ASSERT_GT(stamp.dts_ns, last_ns_[video]);
      last_ns_[video] = stamp.dts_ns;
      repairs_ += stamp.repair == Repair::drift;
      ASSERT_TRUE(stamp.repair == Repair::drift || stamp.repair == Repair::none);
      const double meant = static_cast<double>(true_ns) * (1 + common_ppm_ * 1e-6);
      const double off_ms = std::fabs(static_cast<double>(stamp.dts_ns) - meant) / kMs;
      worst_ms_ = std::max(worst_ms_, off_ms);
      true_ns += video ? kVideoNs : kAudioNs;
    }
  }

  double common_ppm_ = 0, audio_ppm_ = 0;
  std::function<int64_t(bool video, int64_t at_ns)> delay_ns_ = [](bool, int64_t) { return 80 * kMs; };
  double worst_ms_ = 0;  // between what came out and what was meant, of either track
  int repairs_ = 0;

 private:
  SessionTimeline timeline_{0, 0};
  int64_t video_ns_ = 0, audio_ns_ = 0, arrival_ns_ = 0;
  int64_t last_ns_[2] = {-1, -1};
  uint32_t random_ = 1;
};

TEST_F(Drifting, ADayOfHalfAPerMilleIsBounded) {
  audio_ppm_ = 500;
  play(20 * kMinute);
  EXPECT_LT(worst_ms_, 600) << "a quarter of an hour is needed to know";
  worst_ms_ = 0;
  play(24 * kHour);
  EXPECT_LT(worst_ms_, 80);
  EXPECT_NEAR(repairs_, 4320, 20) << "43.2 s in steps of 10 ms";
}

TEST_F(Drifting, SoIsSoundThatRunsSlow) {
  audio_ppm_ = -500;
  common_ppm_ = 40;
  play(20 * kMinute);
  EXPECT_LT(worst_ms_, 600);
  worst_ms_ = 0;
  play(3 * kHour);
  EXPECT_LT(worst_ms_, 80);
}

TEST_F(Drifting, ADayOfUsualClocksIsBounded) {
  audio_ppm_ = 30;
  play(24 * kHour);
  EXPECT_LT(worst_ms_, 250);  // 2.6 s without
  EXPECT_GT(repairs_, 200);
}

// One clock, whatever its rate.
TEST_F(Drifting, EqualRatesAreLeftAsTheyAre) {
  common_ppm_ = 10'000;
  play(24 * kHour);
  EXPECT_EQ(repairs_, 0);
  EXPECT_LE(worst_ms_, 1);
}

// An encoder that becomes slower: pictures come later, with the same stamps.
TEST_F(Drifting, PicturesThatComeLaterAreNotDrift) {
  delay_ns_ = [](bool video, int64_t at) { return (video && at > kHour ? 380 : 80) * kMs; };
  play(4 * kHour);
  EXPECT_EQ(repairs_, 0);
}

TEST_F(Drifting, ABadUplinkIsNotDrift) {
  delay_ns_ = [](bool video, int64_t at) {
    const auto minutes = static_cast<double>(at) / static_cast<double>(kMinute);
    const double behind_ms = 3000 * (1 + std::sin(minutes / 7)) + 100;        // of both
    const double transfer_ms = video ? 90 * (1 + std::sin(minutes / 3)) : 0;  // of pictures
    return static_cast<int64_t>(behind_ms + transfer_ms) * kMs;
  };
  play(12 * kHour);
  EXPECT_EQ(repairs_, 0);
}

TEST_F(Drifting, AfterAnHourOfNothingItIsMeasuredAnew) {
  audio_ppm_ = 500;
  play(10 * kMinute);
  delay_ns_ = [](bool, int64_t) { return kHour; };
  play(22 * kMinute);
  EXPECT_EQ(repairs_, 0) << "ten minutes and twelve";
}

}  // namespace
}  // namespace headgate::timeline
