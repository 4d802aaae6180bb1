// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <timeline/sample_clock.h>
#include <timeline/session_timeline.h>
#include <timeline/unwrapper.h>

namespace headgate::timeline {
namespace {

constexpr int64_t kMs = 1000;  // µs
constexpr int64_t kMsNs = 1'000'000;
constexpr size_t kVideo = 0, kAudio = 1;

TEST(SessionTimeline, StartsAtItsBase) {
  SessionTimeline timeline(5000 * kMsNs, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 5040 * kMsNs, 0).dts_ns, 40 * kMsNs);
  EXPECT_EQ(timeline.stamp(kAudio, 5000 * kMsNs, 0).dts_ns, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 5080 * kMsNs, 40 * kMs).dts_ns, 80 * kMsNs);
}

TEST(SessionTimeline, TheSameMillisecondTwiceStillGrows) {
  SessionTimeline timeline(0, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 0, 0).repair, Repair::none);
  const Stamp again = timeline.stamp(kVideo, 0, 0);
  EXPECT_EQ(again.dts_ns, 1 * kMsNs);
  EXPECT_EQ(again.repair, Repair::nudged);
  EXPECT_EQ(timeline.stamp(kVideo, 40 * kMsNs, 40 * kMs).dts_ns, 40 * kMsNs);
}

TEST(SessionTimeline, AStepBackIsAnchoredToArrival) {
  SessionTimeline timeline(100'000 * kMsNs, 0);
  timeline.stamp(kVideo, 100'000 * kMsNs, 0);
  timeline.stamp(kVideo, 102'000 * kMsNs, 2000 * kMs);
  const Stamp back = timeline.stamp(kVideo, 50 * kMsNs, 2040 * kMs);
  EXPECT_EQ(back.repair, Repair::backward);
  EXPECT_EQ(back.before_ns, 102'000 * kMsNs);
  EXPECT_EQ(back.after_ns, 50 * kMsNs);
  EXPECT_EQ(back.dts_ns, 2040 * kMsNs);
  EXPECT_EQ(timeline.stamp(kVideo, 90 * kMsNs, 2080 * kMs).dts_ns, 2080 * kMsNs);
}

TEST(SessionTimeline, AStepBackNeverGoesBelowWhatWasGivenOut) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 9000 * kMsNs, 10 * kMs);  // sent faster than real time
  const Stamp back = timeline.stamp(kVideo, 1000 * kMsNs, 20 * kMs);
  EXPECT_EQ(back.dts_ns, 9010 * kMsNs);
}

TEST(SessionTimeline, AGlitchOfALateSenderChangesNothingForTheRest) {
  SessionTimeline timeline(0, 0);
  constexpr int64_t kLate = 3500 * kMs;  // since the first frame
  timeline.stamp(kVideo, 0, 0);
  for (int64_t ms = 40; ms < 40'000; ms += 20)
    timeline.stamp(ms % 40 == 0 ? kVideo : kAudio, ms * kMsNs, ms * kMs + kLate);
  const Stamp glitch = timeline.stamp(kVideo, 39'959 * kMsNs, 40'000 * kMs + kLate);
  EXPECT_EQ(glitch.repair, Repair::nudged);
  EXPECT_EQ(timeline.stamp(kVideo, 40'040 * kMsNs, 40'040 * kMs + kLate).dts_ns, 40'040 * kMsNs);
  EXPECT_EQ(timeline.stamp(kAudio, 40'060 * kMsNs, 40'060 * kMs + kLate).dts_ns, 40'060 * kMsNs);
}

TEST(SessionTimeline, FramesInBadOrderGainNothing) {
  SessionTimeline timeline(0, 0);
  Stamp stamp;
  int repairs = 0;
  for (int64_t i = 0; i < 1500; ++i) {  // pairs in the wrong order, arrival that wavers by 120 ms
    stamp = timeline.stamp(kVideo, (i ^ 1) * 40 * kMsNs, i * 40 * kMs + i * 7919 % 120 * kMs);
    repairs += stamp.repair != Repair::none;
  }
  EXPECT_NEAR(static_cast<double>(stamp.dts_ns), 1499 * 40.0 * kMsNs, 41.0 * kMsNs);
  EXPECT_EQ(repairs, 750);
}

TEST(SessionTimeline, AJumpOfALateSenderIsNoLater) {
  SessionTimeline timeline(0, 0);
  constexpr int64_t kLate = 5000 * kMs;
  timeline.stamp(kVideo, 0, 0);
  timeline.stamp(kVideo, 100'000 * kMsNs, 100'000 * kMs + kLate);
  EXPECT_EQ(timeline.stamp(kVideo, 7 * kMsNs, 100'040 * kMs + kLate).dts_ns, 100'040 * kMsNs);
}

TEST(SessionTimeline, ATrackThatJumpsAloneAndBackIsWhereItWas) {
  SessionTimeline timeline(0, 0);
  for (int64_t ms = 0; ms < 10'000; ms += 20)
    timeline.stamp(ms % 40 == 0 ? kVideo : kAudio, ms * kMsNs, ms * kMs);
  EXPECT_EQ(timeline.stamp(kVideo, 7000 * kMsNs, 10'000 * kMs).repair, Repair::backward);
  timeline.stamp(kAudio, 10'020 * kMsNs, 10'020 * kMs);
  EXPECT_EQ(timeline.stamp(kVideo, 10'040 * kMsNs, 10'040 * kMs).dts_ns, 10'040 * kMsNs);
  EXPECT_EQ(timeline.stamp(kVideo, 10'080 * kMsNs, 10'080 * kMs).dts_ns, 10'080 * kMsNs);
}

// Nothing comes for 3 s, then all of it at once, and meanwhile the encoder's clock of one of them began anew.
TEST(SessionTimeline, ALoneJumpBehindAStallStaysBesideTheOtherTrack) {
  SessionTimeline timeline(0, 0);
  for (int64_t ms = 0; ms <= 10'000; ms += 20)
    timeline.stamp(ms % 40 == 0 ? kVideo : kAudio, ms * kMsNs, ms * kMs);
  constexpr int64_t kEndMs = 13'000, kBackMs = 10'033;
  for (int64_t ms = 10'020; ms < 15'000; ms += 20) {
    const bool video = ms % 40 == 0;
    const Stamp stamp = timeline.stamp(video ? kVideo : kAudio, (ms - (video ? kBackMs : 0)) * kMsNs,
                                       std::max(ms, kEndMs) * kMs);
    EXPECT_EQ(stamp.repair, ms == 10'040 ? Repair::backward : Repair::none);
    EXPECT_EQ(stamp.dts_ns, ms * kMsNs);
  }
}

TEST(SessionTimeline, ALoneJumpBesideATrackThatIsSilentGoesByArrival) {
  SessionTimeline timeline(0, 0);
  for (int64_t ms = 0; ms < 10'000; ms += 20)
    timeline.stamp(ms % 40 == 0 ? kVideo : kAudio, ms * kMsNs, ms * kMs);
  for (int64_t ms = 10'000; ms < 12'000; ms += 40) timeline.stamp(kVideo, ms * kMsNs, ms * kMs);
  EXPECT_EQ(timeline.stamp(kVideo, 7 * kMsNs, 12'040 * kMs).dts_ns, 12'040 * kMsNs);
}

TEST(SessionTimeline, AJumpWithinABurstGoesOnByTheUsualStep) {
  SessionTimeline timeline(0, 0);
  for (int64_t ms = 0; ms <= 4000; ms += 40) timeline.stamp(kVideo, ms * kMsNs, 200 * kMs);
  EXPECT_EQ(timeline.stamp(kVideo, 500 * kMsNs, 200 * kMs).dts_ns, 4040 * kMsNs);
}

TEST(SessionTimeline, AJumpForwardIsAnchoredToArrival) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 0, 0);
  const Stamp jump = timeline.stamp(kVideo, 3'600'000 * kMsNs, 40 * kMs);
  EXPECT_EQ(jump.repair, Repair::forward);
  EXPECT_EQ(jump.dts_ns, 40 * kMsNs);
  EXPECT_EQ(timeline.stamp(kVideo, 3'600'040 * kMsNs, 80 * kMs).dts_ns, 80 * kMsNs);
}

TEST(SessionTimeline, TenSecondsForwardAreStillBelieved) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 0, 0);
  EXPECT_EQ(timeline.stamp(kVideo, 10'000 * kMsNs, 40 * kMs).dts_ns, 10'000 * kMsNs);
}

// Who is far behind throws queued pictures away and keeps the sound; here in one burst.
TEST(SessionTimeline, AStepToWhereTheOtherTrackIsIsNoJump) {
  SessionTimeline timeline(0, 0);
  for (int64_t ms = 0; ms < 13'000; ms += 20) {
    timeline.stamp(kAudio, ms * kMsNs, 100 * kMs);
    if (ms < 2000 && ms % 40 == 0) timeline.stamp(kVideo, ms * kMsNs, 100 * kMs);
  }
  for (int64_t ms = 13'000; ms < 14'000; ms += 40) {
    const Stamp video = timeline.stamp(kVideo, ms * kMsNs, 100 * kMs);
    EXPECT_EQ(video.repair, Repair::none);
    EXPECT_EQ(video.dts_ns, ms * kMsNs);
  }
  // And the other way round.
  EXPECT_EQ(timeline.stamp(kVideo, 23'900 * kMsNs, 100 * kMs).dts_ns, 23'900 * kMsNs);
  EXPECT_EQ(timeline.stamp(kAudio, 23'900 * kMsNs, 100 * kMs).dts_ns, 23'900 * kMsNs);
}

TEST(SessionTimeline, AStepBeyondTheOtherTrackIsAJump) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 2000 * kMsNs, 2000 * kMs);
  timeline.stamp(kAudio, 2000 * kMsNs, 2000 * kMs);
  timeline.stamp(kAudio, 9000 * kMsNs, 2010 * kMs);
  EXPECT_EQ(timeline.stamp(kVideo, 12'041 * kMsNs, 2040 * kMs).repair, Repair::forward);
}

TEST(SessionTimeline, APauseThatArrivalConfirmsIsNoJump) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 0, 0);
  const Stamp later = timeline.stamp(kVideo, 60'000 * kMsNs, 60'100 * kMs);
  EXPECT_EQ(later.repair, Repair::none);
  EXPECT_EQ(later.dts_ns, 60'000 * kMsNs);
}

TEST(SessionTimeline, TracksThatJumpTogetherStayInStep) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 1000 * kMsNs, 1000 * kMs);
  timeline.stamp(kAudio, 1010 * kMsNs, 1010 * kMs);
  const Stamp video = timeline.stamp(kVideo, 900'040 * kMsNs, 1040 * kMs);
  const Stamp audio = timeline.stamp(kAudio, 900'051 * kMsNs, 1100 * kMs);  // late by the network
  EXPECT_EQ(video.dts_ns, 1040 * kMsNs);
  EXPECT_EQ(audio.dts_ns - video.dts_ns, 11 * kMsNs);
}

TEST(SessionTimeline, ATrackThatJumpsAloneLeavesTheOtherInPeace) {
  SessionTimeline timeline(0, 0);
  timeline.stamp(kVideo, 1000 * kMsNs, 1000 * kMs);
  timeline.stamp(kAudio, 1000 * kMsNs, 1000 * kMs);
  timeline.stamp(kVideo, 900'000 * kMsNs, 1040 * kMs);
  const Stamp audio = timeline.stamp(kAudio, 1021 * kMsNs, 1040 * kMs);
  EXPECT_EQ(audio.repair, Repair::none);
  EXPECT_EQ(audio.dts_ns, 1021 * kMsNs);
}

TEST(SessionTimeline, ALateTrackBelowTheBaseIsRepaired) {
  SessionTimeline timeline(100'000 * kMsNs, 0);
  timeline.stamp(kVideo, 100'000 * kMsNs, 0);
  const Stamp audio = timeline.stamp(kAudio, 3 * kMsNs, 3000 * kMs);
  EXPECT_EQ(audio.repair, Repair::backward);
  EXPECT_EQ(audio.dts_ns, 3000 * kMsNs);
}

TEST(Unwrapper, GoesOnOverTheWrapOf32BitMilliseconds) {
  Unwrapper clock = Unwrapper::rtmp();
  const uint32_t start = 0xffffffff - 50;
  const int64_t first = clock.ns(kVideo, start);
  for (uint32_t i = 1; i < 10; ++i) ASSERT_EQ(clock.ns(kVideo, start + 40 * i) - first, 40 * i * kMsNs);
}

TEST(Unwrapper, GoesOnOverTheWrapOf33BitTicks) {
  Unwrapper clock = Unwrapper::mpegts();
  constexpr uint64_t kWrap = uint64_t{1} << 33;
  const uint64_t start = kWrap - 9000;
  const int64_t first = clock.ns(kVideo, start);
  for (uint64_t i = 1; i < 10; ++i)
    ASSERT_EQ(clock.ns(kVideo, (start + 3600 * i) % kWrap) - first, static_cast<int64_t>(i) * 40 * kMsNs);
}

TEST(Unwrapper, RoundsTicksToTheNearestNanosecond) {
  Unwrapper clock = Unwrapper::mpegts();
  EXPECT_EQ(clock.ns(kVideo, 1), 11'111);
  EXPECT_EQ(clock.ns(kVideo, 5), 55'556);
  // Below 0, where a frame came before the first one.
  EXPECT_EQ(clock.ns(kVideo, (uint64_t{1} << 33) - 1), -11'111);
}

TEST(Unwrapper, AStepBackIsAStepBack) {
  Unwrapper clock = Unwrapper::rtmp();
  EXPECT_EQ(clock.ns(kVideo, 100'000), 100'000 * kMsNs);
  EXPECT_EQ(clock.ns(kVideo, 50), 50 * kMsNs);
  EXPECT_FALSE(clock.wraps_short());
}

TEST(Unwrapper, TracksThatAreAskedInTurnCrossTheWrapTogether) {
  Unwrapper clock = Unwrapper::rtmp();
  const int64_t video = clock.ns(kVideo, 0xffffffff - 10);
  EXPECT_EQ(clock.ns(kAudio, 5) - video, 16 * kMsNs);  // its first stamp is behind the wrap already
  EXPECT_EQ(clock.ns(kVideo, 30) - video, 41 * kMsNs);
}

TEST(Unwrapper, TracksOfClocksHalfARangeApartDoNotFlip) {
  Unwrapper clock = Unwrapper::rtmp();
  constexpr uint32_t kHalf = 0x80000000;
  const int64_t video = clock.ns(kVideo, 0), audio = clock.ns(kAudio, kHalf);
  for (uint32_t i = 1; i < 1000; ++i) {
    ASSERT_EQ(clock.ns(kVideo, 40 * i) - video, 40 * i * kMsNs);
    ASSERT_EQ(clock.ns(kAudio, kHalf + 21 * i) - audio, 21 * i * kMsNs);
  }
}

TEST(Unwrapper, ASenderOf24BitsIsKnownByItsWrap) {
  Unwrapper clock = Unwrapper::rtmp();
  constexpr uint32_t kShort = 1u << 24;
  int64_t last = clock.ns(kVideo, kShort - 30);
  for (uint32_t i = 1; i < 1'000'000; ++i) {  // 11 hours: two wraps
    const int64_t now = clock.ns(kVideo, (kShort - 30 + 40 * i) % kShort);
    ASSERT_EQ(now - last, 40 * kMsNs) << i;
    last = now;
  }
  EXPECT_TRUE(clock.wraps_short());
}

TEST(Unwrapper, ASenderOf32BitsGoesOnOver24) {
  Unwrapper clock = Unwrapper::rtmp();
  const int64_t first = clock.ns(kVideo, (1u << 24) - 20);
  EXPECT_EQ(clock.ns(kVideo, (1u << 24) + 20) - first, 40 * kMsNs);
  EXPECT_EQ(clock.ns(kAudio, (1u << 24) - 10) - first, 10 * kMsNs);
  EXPECT_FALSE(clock.wraps_short());
}

// A day as a phone sends it, B-frames and all, over both wraps: what a player gets is never further from
// what was meant than the rounding to milliseconds, so picture and sound stay together.
TEST(Timeline, ADayOverBothWrapsStaysInStep) {
  Unwrapper clock = Unwrapper::rtmp();
  // 24 bits are passed after 4.66 h, 32 after 12 h.
  const uint32_t base = static_cast<uint32_t>(-12 * 3600 * 1000);
  SessionTimeline timeline(clock.ns(kVideo, base), 0);
  SampleClock samples(44100, 1024);
  constexpr double kDayMs = 24 * 3600e3, kAudioMs = 1024e3 / 44100, kVideoMs = 1001.0 / 30;
  int64_t video = 0, audio = 0;
  double worst_ms = 0;
  while (true) {
    const bool is_video = static_cast<double>(video) * kVideoMs <= static_cast<double>(audio) * kAudioMs;
    const double exact_ms =
        is_video ? static_cast<double>(video++) * kVideoMs : static_cast<double>(audio++) * kAudioMs;
    if (exact_ms > kDayMs) break;
    const auto sent = static_cast<uint32_t>(base + static_cast<int64_t>(exact_ms));  // cut, as ffmpeg does
    const size_t track = is_video ? kVideo : kAudio;
    const Stamp stamp = timeline.stamp(track, clock.ns(track, sent), static_cast<int64_t>(exact_ms * 1000));
    ASSERT_EQ(stamp.repair, Repair::none) << exact_ms;
    const int64_t dts_ns = is_video ? stamp.dts_ns : samples.next(stamp.dts_ns).dts_ns;
    worst_ms = std::max(worst_ms, std::fabs(static_cast<double>(dts_ns) / 1e6 - exact_ms));
  }
  EXPECT_GT(video, 2'580'000);
  EXPECT_LE(worst_ms, 1.6);
}

// Its rate is its own; picture and sound go together.
TEST(Timeline, ASenderThatRunsFastStaysInStep) {
  SessionTimeline timeline(0, 0);
  SampleClock samples(48000, 1024);
  const auto fast_ms = [](double exact_ms) { return static_cast<int64_t>(exact_ms * 1.01); };
  int64_t audio = 0;
  for (int64_t video = 0; video < 900'000; ++video) {  // 10 h at 25 fps
    const double video_ms = static_cast<double>(video) * 40;
    const int64_t arrival_us = video * 40 * kMs;
    const Stamp picture = timeline.stamp(kVideo, fast_ms(video_ms) * kMsNs, arrival_us);
    ASSERT_EQ(picture.repair, Repair::none) << video;
    ASSERT_EQ(picture.dts_ns, fast_ms(video_ms) * kMsNs);
    for (; static_cast<double>(audio) * 1024 / 48 <= video_ms; ++audio) {
      const int64_t sent_ns = fast_ms(static_cast<double>(audio) * 1024 / 48) * kMsNs;
      const Stamp sound = timeline.stamp(kAudio, sent_ns, arrival_us);
      ASSERT_LE(std::llabs(samples.next(sound.dts_ns).dts_ns - sent_ns), kSnapNs) << audio;
    }
  }
}

class Rounding : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Rounding, IsUndoneExactlyForAnHour) {
  const uint32_t rate = GetParam();
  SampleClock clock(rate, 1024);
  const int64_t frames = 3600ll * rate / 1024;
  for (int64_t i = 0; i < frames; ++i) {
    const double exact_ns = static_cast<double>(i) * 1024e9 / rate;
    const SampleClock::Time time = clock.next(std::llround(exact_ns / 1e6) * kMsNs);
    ASSERT_FALSE(time.anchored) << i;
    ASSERT_NEAR(static_cast<double>(time.dts_ns), exact_ns, 1.0) << i;
  }
}
INSTANTIATE_TEST_SUITE_P(SampleClock, Rounding, ::testing::Values(8000, 22050, 44100, 48000));

TEST(SampleClock, TruncatedStampsAgreeToo) {
  SampleClock clock(44100, 1024);
  for (int64_t i = 0; i < 100'000; ++i) ASSERT_FALSE(clock.next(i * 1024 * 1000 / 44100 * kMsNs).anchored);
}

TEST(SampleClock, AGapIsBelieved) {
  SampleClock clock(48000, 1024);
  clock.next(0);
  clock.next(21 * kMsNs);
  const SampleClock::Time time = clock.next(500 * kMsNs);
  EXPECT_TRUE(time.anchored);
  EXPECT_EQ(time.dts_ns, 500'000'000);
  EXPECT_EQ(clock.next(521 * kMsNs).dts_ns, 500'000'000 + clock.frame_ns());
}

TEST(SampleClock, ADriftingSenderIsNeverFurtherOffThanTheRounding) {
  SampleClock clock(48000, 1024);
  for (int64_t i = 0; i < 100'000; ++i) {
    const int64_t stamp_ms = std::llround(static_cast<double>(i) * 1024e3 / 48000 * 1.0005);  // 500 ppm
    ASSERT_LE(std::llabs(clock.next(stamp_ms * kMsNs).dts_ns - stamp_ms * kMsNs), kSnapNs) << i;
  }
}

TEST(SampleClock, CrowdedStampsKeepTheSampleClock) {
  SampleClock clock(48000, 1024);
  clock.next(0);
  int64_t last = 0;
  for (int64_t burst = 0; burst < 50; ++burst) {
    for (int i = 0; i < 3; ++i) {  // three frames with the stamp of the first
      const int64_t dts = clock.next(burst * 64 * kMsNs).dts_ns;
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
    const int64_t dts = clock.next(random % 5000 * kMsNs).dts_ns;
    ASSERT_GT(dts, last);
    last = dts;
  }
}

}  // namespace
}  // namespace headgate::timeline
