// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include <timeline/sample_clock.h>
#include <timeline/session_timeline.h>

namespace headgate::timeline {
namespace {

constexpr int64_t kMs = 1000;  // µs
constexpr size_t kVideo = 0, kAudio = 1;

TEST(SessionTimeline, StartsAtItsBase) {
  SessionTimeline timeline(5000, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 5040, 0).dts_ms, 40);
  EXPECT_EQ(timeline.stamp(kAudio, 5000, 0).dts_ms, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 5080, 40 * kMs).dts_ms, 80);
}

TEST(SessionTimeline, GoesOnOverTheWrapOf32Bits) {
  const uint32_t start = 0xffffffff - 50;
  SessionTimeline timeline(start, 0);
  int64_t last = -40;
  for (int i = 0; i < 10; ++i) {
    const Stamp stamp = timeline.stamp(kVideo, start + 40 * i, i * 40 * kMs);
    EXPECT_EQ(stamp.dts_ms, last + 40);
    EXPECT_EQ(stamp.repair, Repair::none);
    last = stamp.dts_ms;
  }
}

TEST(SessionTimeline, TheSameMillisecondTwiceStillGrows) {
  SessionTimeline timeline(0, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 0, 0).repair, Repair::none);
  const Stamp again = timeline.stamp(kVideo, 0, 0);
  EXPECT_EQ(again.dts_ms, 1);
  EXPECT_EQ(again.repair, Repair::nudged);
  EXPECT_EQ(timeline.stamp(kVideo, 40, 40 * kMs).dts_ms, 40);
}

TEST(SessionTimeline, AStepBackIsAnchoredToArrival) {
  SessionTimeline timeline(100'000, 0);
  timeline.stamp(kVideo, 100'000, 0);
  timeline.stamp(kVideo, 102'000, 2000 * kMs);
  const Stamp back = timeline.stamp(kVideo, 50, 2040 * kMs);
  EXPECT_EQ(back.repair, Repair::backward);
  EXPECT_EQ(back.before_ms, 102'000);
  EXPECT_EQ(back.after_ms, 50);
  EXPECT_EQ(back.dts_ms, 2040);
  EXPECT_EQ(timeline.stamp(kVideo, 90, 2080 * kMs).dts_ms, 2080);
}

TEST(SessionTimeline, AStepBackNeverGoesBelowWhatWasGivenOut) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 9000, 10 * kMs);  // sent faster than real time
  const Stamp back = timeline.stamp(kVideo, 1000, 20 * kMs);
  EXPECT_EQ(back.dts_ms, 9001);
}

TEST(SessionTimeline, AJumpForwardIsAnchoredToArrival) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 0, 0);
  const Stamp jump = timeline.stamp(kVideo, 3'600'000, 40 * kMs);
  EXPECT_EQ(jump.repair, Repair::forward);
  EXPECT_EQ(jump.dts_ms, 40);
  EXPECT_EQ(timeline.stamp(kVideo, 3'600'040, 80 * kMs).dts_ms, 80);
}

TEST(SessionTimeline, TenSecondsForwardAreStillBelieved) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 0, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 10'000, 40 * kMs).dts_ms, 10'000);
}

TEST(SessionTimeline, APauseThatArrivalConfirmsIsNoJump) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 0, 0);
  const Stamp later = timeline.stamp(kVideo, 60'000, 60'100 * kMs);
  EXPECT_EQ(later.repair, Repair::none);
  EXPECT_EQ(later.dts_ms, 60'000);
}

TEST(SessionTimeline, TracksThatJumpTogetherStayInStep) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 1000, 1000 * kMs);
  timeline.stamp(kAudio, 1010, 1010 * kMs);
  const Stamp video = timeline.stamp(kVideo, 900'040, 1040 * kMs);
  const Stamp audio = timeline.stamp(kAudio, 900'051, 1100 * kMs);  // late by the network
  EXPECT_EQ(video.dts_ms, 1040);
  EXPECT_EQ(audio.dts_ms - video.dts_ms, 11);
}

TEST(SessionTimeline, ATrackThatJumpsAloneLeavesTheOtherInPeace) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 1000, 1000 * kMs);
  timeline.stamp(kAudio, 1000, 1000 * kMs);
  timeline.stamp(kVideo, 900'000, 1040 * kMs);
  const Stamp audio = timeline.stamp(kAudio, 1021, 1040 * kMs);
  EXPECT_EQ(audio.repair, Repair::none);
  EXPECT_EQ(audio.dts_ms, 1021);
}

TEST(SessionTimeline, ALateTrackBelowTheBaseIsRepaired) {
  SessionTimeline timeline(100'000, 0);
  timeline.stamp(kVideo, 100'000, 0);
  const Stamp audio = timeline.stamp(kAudio, 3, 3000 * kMs);
  EXPECT_EQ(audio.repair, Repair::backward);
  EXPECT_EQ(audio.dts_ms, 3000);
}

class Rounding : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Rounding, IsUndoneExactlyForAnHour) {
  const uint32_t rate = GetParam();
  SampleClock clock(rate, 1024);
  const int64_t frames = 3600ll * rate / 1024;
  for (int64_t i = 0; i < frames; ++i) {
    const double exact_ns = static_cast<double>(i) * 1024e9 / rate;
    const SampleClock::Time time = clock.next(std::llround(exact_ns / 1e6));
    ASSERT_FALSE(time.anchored) << i;
    ASSERT_NEAR(static_cast<double>(time.dts_ns), exact_ns, 1.0) << i;
  }
}
INSTANTIATE_TEST_SUITE_P(SampleClock, Rounding, ::testing::Values(8000, 22050, 44100, 48000));

TEST(SampleClock, TruncatedStampsAgreeToo) {
  SampleClock clock(44100, 1024);
  for (int64_t i = 0; i < 100'000; ++i) ASSERT_FALSE(clock.next(i * 1024 * 1000 / 44100).anchored);
}

TEST(SampleClock, AGapIsBelieved) {
  SampleClock clock(48000, 1024);
  clock.next(0);
  clock.next(21);
  const SampleClock::Time time = clock.next(500);
  EXPECT_TRUE(time.anchored);
  EXPECT_EQ(time.dts_ns, 500'000'000);
  EXPECT_EQ(clock.next(521).dts_ns, 500'000'000 + clock.frame_ns());
}

TEST(SampleClock, ADriftingSenderIsNeverFurtherOffThanTheRounding) {
  SampleClock clock(48000, 1024);
  for (int64_t i = 0; i < 100'000; ++i) {
    const int64_t stamp_ms = std::llround(static_cast<double>(i) * 1024e3 / 48000 * 1.0005);  // 500 ppm
    ASSERT_LE(std::llabs(clock.next(stamp_ms).dts_ns - stamp_ms * 1'000'000), kSnapNs) << i;
  }
}

TEST(SampleClock, CrowdedStampsKeepTheSampleClock) {
  SampleClock clock(48000, 1024);
  clock.next(0);
  int64_t last = 0;
  for (int64_t burst = 0; burst < 50; ++burst) {
    for (int i = 0; i < 3; ++i) {  // three frames with the stamp of the first
      const int64_t dts = clock.next(burst * 64).dts_ns;
      ASSERT_TRUE(dts > last || burst + i == 0);
      last = dts;
    }
  }
}

TEST(SampleClock, GrowsWhateverTheStamps) {
  SampleClock clock(44100, 1024);
  int64_t last = -1;
  uint32_t random = 1;
  for (int i = 0; i < 100'000; ++i) {
    random = random * 1664525 + 1013904223;
    const int64_t dts = clock.next(random % 5000).dts_ns;
    ASSERT_GT(dts, last);
    last = dts;
  }
}

}  // namespace
}  // namespace headgate::timeline
