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

// A sender that pauses and goes on with the next stamp.
TEST(Lateness, ADelayThatIsSteadyIsTheUsualOne) {
  Lateness lateness;
  int64_t now = 0, media = 0;
  const auto play = [&](int64_t until_ns) {
    for (; now < until_ns; now += 40 * kMs, media += 40 * kMs)
      lateness.note(media, now + now / (40 * kMs) % 3 * 15 * kMs);  // as it comes by mobile
  };
  play(20 * kSecond);
  EXPECT_EQ(lateness.settled_ns(), 0);
  now += 7 * kSecond;
  play(now + 40 * kMs);
  EXPECT_GT(lateness.ns(), 6 * kSecond);
  play(now + 15 * kSecond);
  EXPECT_GT(lateness.ns(), 6 * kSecond) << "not yet";
  play(now + 4 * kSecond);
  EXPECT_LT(lateness.ns(), 200 * kMs);
  // Less what the clock might have differed until then: 44 s by 1 in 64.
  EXPECT_NEAR(static_cast<double>(lateness.settled_ns()) / kSecond, 7.0, 0.7);
  // It may catch up all the same, and then that is the usual delay.
  media += 7 * kSecond;
  play(now + 40 * kMs);
  EXPECT_EQ(lateness.ns(), 0);
  now += 2 * kSecond;
  play(now + 40 * kMs);
  EXPECT_GT(lateness.ns(), 1500 * kMs);
}

TEST(Lateness, AnUplinkThatIsAFewPercentTooSlowIsNotSteady) {
  for (const int64_t percent : {3, 10, 40}) {
    Lateness lateness;
    for (int64_t media = 0; lateness.ns() < 3 * kSecond; media += 40 * kMs) {
      ASSERT_LT(media, 1000 * kSecond) << percent;
      lateness.note(media, media * (100 + percent) / 100);
    }
    EXPECT_EQ(lateness.settled_ns(), 0) << percent;
  }
}

TEST(Lateness, AnUplinkThatStumblesIsNotSteady) {
  Lateness lateness;
  int64_t held = 0;  // the delay of a queue that fills and is drained in part, again and again
  for (int64_t media = 0; media < 120 * kSecond; media += 40 * kMs) {
    held += media % (10 * kSecond) < 6 * kSecond ? 30 * kMs : -40 * kMs;
    lateness.note(media, media + 4 * kSecond * (media > 0) + std::max<int64_t>(held, 0));
    if (media <= 10 * kSecond) continue;
    ASSERT_GT(lateness.ns(), 2 * kSecond) << media;
  }
  EXPECT_EQ(lateness.settled_ns(), 0);
}

// Frames as far apart as a span, or farther, are no measure.
TEST(Lateness, SilenceIsNotSteady) {
  Lateness lateness;
  lateness.note(0, 0);
  for (int64_t i = 1; i < 10; ++i) lateness.note(i * 4 * kSecond, i * 4 * kSecond + 5 * kSecond);
  EXPECT_GT(lateness.ns(), 4 * kSecond);
  EXPECT_EQ(lateness.settled_ns(), 0);
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

TEST(Uplink, APauseOfAllTracksIsNotLateForLong) {
  Uplink uplink;
  int64_t since = 0;  // it was late
  for (int64_t media = 0; media < 60 * kSecond; media += 40 * kMs) {
    const int64_t now = media < 10 * kSecond ? media : media + 8 * kSecond;
    for (const size_t track : {size_t{0}, size_t{1}}) uplink.note(track, media, now);
    if (uplink.judge(now, 3 * kSecond) && uplink.late()) since = now;
    ASSERT_TRUE(!uplink.late() || now - since <= 17 * kSecond) << media;
  }
  EXPECT_EQ(since, 18 * kSecond);
  EXPECT_FALSE(uplink.late());
  EXPECT_NEAR(static_cast<double>(uplink.settled_ns()) / kSecond, 8.0, 0.6);
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
