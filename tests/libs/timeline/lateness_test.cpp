// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <timeline/lateness.h>

namespace headgate::timeline {
namespace {

constexpr int64_t kMs = 1'000'000, kSecond = 1000 * kMs;

TEST(Lateness, TheUsualDelayIsNone) {
  Lateness lateness;
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(lateness.note(i * 40 * kMs, 7 * kSecond + i * 40 * kMs), 0);
}

TEST(Lateness, AnUplinkThatCarriesHalfFallsBehindByHalf) {
  Lateness lateness;
  int64_t late = 0;
  for (int64_t i = 0; i <= 250; ++i) late = lateness.note(i * 40 * kMs, i * 80 * kMs);
  EXPECT_NEAR(static_cast<double>(late) / kSecond, 10.0, 0.4);  // less what a clock may differ
}

TEST(Lateness, CatchingUpEndsIt) {
  Lateness lateness;
  lateness.note(0, 0);
  EXPECT_GT(lateness.note(1 * kSecond, 6 * kSecond), 4 * kSecond);
  EXPECT_EQ(lateness.note(6 * kSecond, 6 * kSecond), 0);
  EXPECT_EQ(lateness.ns(), 0);
}

TEST(Lateness, FasterThanRealTimeIsNeverLate) {
  Lateness lateness;
  for (int64_t i = 0; i < 1000; ++i) ASSERT_EQ(lateness.note(i * kSecond, i * kMs), 0);
}

TEST(Lateness, ASlowClockIsNotLate) {
  Lateness lateness;
  for (int64_t i = 0; i < 900'000; ++i)  // 10 h, 1 % slow
    ASSERT_LT(lateness.note(i * 39'600'000, i * 40'000'000), 1 * kMs) << i;
}

TEST(Lateness, JitterIsNoMoreThanItself) {
  Lateness lateness;
  for (int64_t i = 0; i < 10'000; ++i)
    ASSERT_LE(lateness.note(i * 40 * kMs, i * 40 * kMs + i % 7 * 30 * kMs), 186 * kMs);
}

TEST(LateSwitch, GoesOnAtTheThresholdAndOffBelowAThirdOfIt) {
  LateSwitch late;
  EXPECT_FALSE(late.update(2999 * kMs, 3 * kSecond));
  EXPECT_TRUE(late.update(3 * kSecond, 3 * kSecond));
  EXPECT_TRUE(late.late());
  EXPECT_FALSE(late.update(1 * kSecond, 3 * kSecond));
  EXPECT_TRUE(late.update(999 * kMs, 3 * kSecond));
  EXPECT_FALSE(late.late());
}

TEST(LateSwitch, AThresholdOf0IsNever) {
  LateSwitch late;
  EXPECT_FALSE(late.update(INT64_MAX, 0));
}

// Seconds behind, then one track has gone and the other catches up.
TEST(Uplink, ATrackThatVanishesWhileItIsLateDoesNotKeepItLate) {
  constexpr size_t kVideo = 0, kAudio = 1;
  Uplink uplink;
  int64_t now = 0;
  const auto both = [&](int64_t media) { uplink.note(kVideo, media, now), uplink.note(kAudio, media, now); };
  both(0);
  now = 5 * kSecond;
  both(1 * kSecond);
  EXPECT_TRUE(uplink.judge(now, 3 * kSecond));
  EXPECT_NEAR(static_cast<double>(uplink.late_ns()) / kSecond, 4, 0.1);
  int changes = 0;
  for (now = 6 * kSecond; now < 30 * kSecond; now += 40 * kMs) {
    uplink.note(kVideo, now, now);
    changes += uplink.judge(now, 3 * kSecond);
    ASSERT_EQ(uplink.late(), now < 10 * kSecond) << now;
  }
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(uplink.late_ns(), 0);
  // It comes back where it was: as late as it is.
  uplink.note(kAudio, 25 * kSecond, now);
  EXPECT_TRUE(uplink.judge(now, 3 * kSecond));
}

TEST(Uplink, IsAsLateAsItsLatestTrack) {
  Uplink uplink;
  for (const size_t track : {size_t{0}, size_t{1}}) uplink.note(track, 0, 0);
  uplink.note(0, 4 * kSecond, 4 * kSecond);
  uplink.note(1, 0, 4 * kSecond);
  EXPECT_TRUE(uplink.judge(4 * kSecond, 3 * kSecond));
  EXPECT_TRUE(uplink.late());
}

}  // namespace
}  // namespace headgate::timeline
