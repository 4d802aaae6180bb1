// SPDX-License-Identifier: LGPL-2.1-or-later
// Where parts and segments are cut.
#include <random>

#include "packager_fixture.h"

namespace headgate::fmp4 {
namespace {

TEST_F(PackagerTest, VideoAndAudio) {
  start(true, true);
  both(0, 4400);
  EXPECT_EQ(take(),
            "SK 0.000+0.520 13v 25a\n"
            "-- 0.520+0.520 13v 24a\n"
            "-- 1.040+0.520 13v 25a\n"
            "-- 1.560+0.440 11v 20a\n"
            "SK 2.000+0.520 13v 25a\n"
            "-- 2.520+0.520 13v 24a\n"
            "-- 3.040+0.520 13v 24a\n"
            "-- 3.560+0.440 11v 21a\n");
  EXPECT_TRUE(ended_) << "the key frame behind it has been seen";
  flush();
  EXPECT_EQ(take(), "SK 4.000+0.400 10v 19a\n");
  EXPECT_FALSE(ended_);
  expect_continuous(kVideoTrackId);
  expect_continuous(kAudioTrackId);
}

TEST_F(PackagerTest, APartIsReadyWhenTheNextUnitComes) {
  start(true, true);
  both(0, 520);
  EXPECT_EQ(take(), "");
  video(13);
  EXPECT_EQ(take(), "") << "audio up to 0.52 s is still to come";
  audio(25);
  EXPECT_EQ(take(), "SK 0.000+0.520 13v 25a\n");
}

TEST_F(PackagerTest, LateAudioIsWaitedFor) {
  start(true, true);
  both(0, 2100, 700);
  EXPECT_EQ(take(),
            "SK 0.000+0.520 13v 25a\n"
            "-- 0.520+0.520 13v 24a\n"
            "-- 1.040+0.520 13v 25a\n"
            "-- 1.560+0.440 11v 20a\n");
}

TEST_F(PackagerTest, AbsentAudioIsNotWaitedForEver) {
  start(true, true);
  for (int i = 0; i < 13 + 25; ++i) video(i);
  EXPECT_EQ(take(), "");
  video(38);  // one second behind the cut at 13
  EXPECT_EQ(take(), "SK 0.000+0.520 13v 0a\n");
  // It comes back, late: into the part that is open.
  for (int i = 20; i < 50; ++i) audio(i);
  EXPECT_EQ(take(), "-- 0.520+0.520 13v 29a\n");
  flush();
  EXPECT_EQ(take(), "-- 1.040+0.520 13v 1a\n");
}

TEST_F(PackagerTest, AStalledVideoDoesNotHoldTheAudio) {
  start(true, true);
  both(0, 1000);
  EXPECT_EQ(take(), "SK 0.000+0.520 13v 25a\n");
  int frame = 47;
  for (; frame * 1024 < 48 * 3500; ++frame) audio(frame);
  EXPECT_EQ(take(),
            "-- 0.520+0.480 12v 24a\n"  // what there was of video goes first, in time
            "-- 1.045+0.512 0v 24a\n"
            "-- 1.557+0.363 0v 17a\n"  // the segment's time is up
            "S- 1.920+0.512 0v 24a\n"
            "-- 2.432+0.512 0v 24a\n"
            "-- 2.944+0.512 0v 24a\n");
  // Back with a key frame: a segment of audio alone ends there.
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(push(Kind::video, 3500 * 90 + i * kFrame, i == 0));
  for (; frame * 1024 < 48 * 4200; ++frame) audio(frame);
  EXPECT_EQ(take(),
            "-- 3.456+0.064 0v 3a\n"
            "SK 3.500+0.520 13v 24a\n");
  expect_continuous(kAudioTrackId);
}

TEST_F(PackagerTest, AudioFirst) {
  start(true, true);
  for (int i = 0; i < 40; ++i) audio(i);  // 0.85 s
  EXPECT_EQ(take(), "");
  video(20, 20);
  for (int i = 21; i < 40; ++i) video(i, 1000);
  for (int i = 40; i < 70; ++i) audio(i);
  EXPECT_EQ(take(), "SK 0.800+0.520 13v 62a\n");
}

TEST_F(PackagerTest, VideoAlone) {
  start(true, false);
  for (int i = 0; i < 52; ++i) video(i, 25);
  flush();
  EXPECT_EQ(take(),
            "SK 0.000+0.520 13v 0a\n"
            "-- 0.520+0.520 13v 0a\n"
            "-- 1.040+0.520 13v 0a\n"
            "-- 1.560+0.440 11v 0a\n"  // the key frame at 1 s is no boundary
            "SK 2.000+0.080 2v 0a\n");
}

TEST_F(PackagerTest, AudioAlone) {
  start(false, true);
  for (int i = 0; i < 100; ++i) audio(i);
  flush();
  EXPECT_EQ(take(),
            "SK 0.000+0.512 0v 24a\n"
            "-K 0.512+0.512 0v 24a\n"
            "-K 1.024+0.512 0v 24a\n"
            "-K 1.536+0.384 0v 18a\n"
            "SK 1.920+0.213 0v 10a\n");
}

TEST_F(PackagerTest, ReorderedFrames) {
  start(true, false, {.part_ms = 110, .segment_ms = 500});
  // I0 P3 B1 B2 P6 B4 B5 …; the first DTS is two frames before its PTS.
  const std::array<int64_t, 3> composition{3, 0, 0};
  EXPECT_TRUE(push(Kind::video, 0, true, 2 * kFrame));
  for (int i = 1; i < 9; ++i)
    EXPECT_TRUE(
        push(Kind::video, i * kFrame, false, (1 + composition[static_cast<size_t>(i - 1) % 3]) * kFrame));
  flush();
  EXPECT_EQ(take(),
            "SK 0.080+0.120 3v 0a\n"
            "-- 0.160+0.120 3v 0a\n"
            "-- 0.280+0.120 3v 0a\n");
}

TEST_F(PackagerTest, NegativeCompositionOffsets) {
  start(true, false);
  EXPECT_TRUE(push(Kind::video, 2 * kFrame, true, 0));
  EXPECT_TRUE(push(Kind::video, 3 * kFrame, false, 2 * kFrame));
  EXPECT_TRUE(push(Kind::video, 4 * kFrame, false, -kFrame));
  flush();
  EXPECT_EQ(take(), "SK 0.080+0.120 3v 0a\n");
}

// Millisecond timestamps put a two-second GOP at 1.999 s now and then.
TEST_F(PackagerTest, RoundedTimestampsKeepTheBoundary) {
  start(true, false, {.part_ms = 10'000});
  for (int i = 0; i <= 100; ++i) EXPECT_TRUE(push(Kind::video, i * kFrame - (i == 50 ? 90 : 0), i % 50 == 0));
  flush();
  EXPECT_EQ(take(), "SK 0.000+1.999 50v 0a\nSK 1.999+2.001 50v 0a\nSK 4.000+0.040 1v 0a\n");
}

TEST_F(PackagerTest, WithoutKeyFramesASegmentEndsAllTheSame) {
  start(true, false, {.part_ms = 2000, .max_segment_ms = 5000});
  for (int i = 0; i < 140; ++i) EXPECT_TRUE(push(Kind::video, i * kFrame, i == 0 || i == 130));
  flush();
  EXPECT_EQ(take(),
            "SK 0.000+2.000 50v 0a\n"
            "-- 2.000+2.000 50v 0a\n"
            "-- 4.000+1.000 25v 0a\n"
            "S- 5.000+0.200 5v 0a\n"
            "SK 5.200+0.400 10v 0a\n");
}

TEST_F(PackagerTest, ALongGopIsCutAndTakenUpAtItsEnd) {
  start(true, false, {.part_ms = 4000});
  for (int i = 0; i < 430; ++i) video(i, 210);  // 8.4 s
  flush();
  EXPECT_EQ(take(),
            "SK 0.000+4.000 100v 0a\n"
            "S- 4.000+4.000 100v 0a\n"
            "S- 8.000+0.400 10v 0a\n"
            "SK 8.400+4.000 100v 0a\n"
            "S- 12.400+4.000 100v 0a\n"
            "-- 16.400+0.400 10v 0a\n"
            "SK 16.800+0.400 10v 0a\n");
}

TEST_F(PackagerTest, AKeyFrameIsNotPassedWhenTheNextComesTooLate) {
  start(true, false, {.part_ms = 5000, .segment_ms = 4000, .max_segment_ms = 4000});
  for (int i = 0; i < 240; ++i) video(i, 75);  // 3 s
  flush();
  EXPECT_EQ(take(),
            "SK 0.000+3.000 75v 0a\nSK 3.000+3.000 75v 0a\nSK 6.000+3.000 75v 0a\nSK 9.000+0.600 15v 0a\n");
}

TEST_F(PackagerTest, AKeyFrameThatIsALittleLateIsWaitedFor) {
  start(true, false, {.part_ms = 5000});
  for (int i = 0; i < 320; ++i) video(i, 105);  // 4.2 s: a GOP is known from the second one on
  flush();
  EXPECT_EQ(take(),
            "SK 0.000+4.000 100v 0a\nS- 4.000+0.200 5v 0a\n"
            "SK 4.200+4.200 105v 0a\nSK 8.400+4.200 105v 0a\nSK 12.600+0.200 5v 0a\n");
}

TEST_F(PackagerTest, APartIsNoLongerThanPromised) {
  start(true, false);
  EXPECT_EQ(longest_part_ms({}), 550);
  // Five pictures a second, then one in a second.
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(push(Kind::video, i * 18'000, i == 0));
  for (int i = 2; i < 4; ++i) EXPECT_TRUE(push(Kind::video, i * 90'000));
  flush();
  EXPECT_EQ(take(),
            "SK 0.000+0.400 2v 0a\n"
            "-- 0.400+0.400 2v 0a\n"
            "-- 0.800+0.200 1v 0a\n"
            "-- 1.000+1.000 1v 0a\n"  // a picture cannot be cut
            "-- 2.000+1.000 1v 0a\n"
            "-- 3.000+1.000 1v 0a\n");
}

TEST_F(PackagerTest, NoPartIsLongerThanPromisedProperty) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n + 1)); };
    const PackagerSettings settings{.part_ms = 300 + up_to(700), .segment_ms = 2000 + up_to(2000)};
    const int64_t longest = longest_part_ms(settings) * 90;
    // Of what players are owed, frames of up to 15 % leave room for all of it.
    const int most_frame = static_cast<int>(longest * 15 / 100);
    Packager packager({video_track(), std::nullopt}, settings);
    std::optional<int64_t> before;  // the last part, if it does not end its segment
    int64_t dts = 0;
    for (int i = 0; i < 3000; ++i) {
      AccessUnit unit;
      unit.dts = unit.pts = dts;
      unit.key = i % 61 == 0;
      unit.data = Bytes(payload_).first(10);
      ASSERT_TRUE(packager.push(std::move(unit)));
      while (const std::optional<Part> part = packager.next_part()) {
        EXPECT_LE(part->duration, longest) << "seed " << seed;
        if (before && !part->starts_segment) {
          EXPECT_GE(*before * 100, longest * 85) << "seed " << seed;
        }
        before = part->duration;
      }
      dts += seed % 2 == 0 ? 3003 : 900 + up_to(most_frame - 900);
    }
  }
}

TEST_F(PackagerTest, NoSegmentIsLongerThanPromisedProperty) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n + 1)); };
    const PackagerSettings settings{
        .part_ms = 100 + up_to(900), .segment_ms = 500 + up_to(5000), .max_segment_ms = 1000 + up_to(8000)};
    const int64_t most = longest_segment_ms(settings) + kSegmentSlackMs;
    const int fixed_gop_ms =
        seed % 2 == 0 ? 200 + up_to(static_cast<int>(longest_segment_ms(settings)) - 200) : 0;
    Packager packager({video_track(), std::nullopt}, settings);
    int64_t segment_ticks = 0, longest = 0, dts = 0, next_key = 0;
    int dependent = 0;
    const auto take_parts = [&] {
      while (const std::optional<Part> part = packager.next_part()) {
        if (part->starts_segment) segment_ticks = 0;
        if (part->starts_segment && !part->independent) ++dependent;
        segment_ticks += part->duration;
        longest = std::max(longest, segment_ticks);
      }
    };
    for (int i = 0; i < 4000; ++i) {
      AccessUnit unit;
      unit.dts = unit.pts = dts;
      unit.key = dts >= next_key;
      if (unit.key) next_key = dts + 90 * int64_t{fixed_gop_ms > 0 ? fixed_gop_ms : 40 + up_to(12'000)};
      unit.data = Bytes(payload_).first(10);
      ASSERT_TRUE(packager.push(std::move(unit)));
      take_parts();
      // Now and then a picture stands still.
      dts += fixed_gop_ms > 0 ? 3000 : 900 + up_to(3600) + (up_to(50) == 0 ? up_to(80'000) : 0);
    }
    packager.flush();
    take_parts();
    EXPECT_LE(longest, most * 90) << "seed " << seed;
    // Of GOPs that fit, only the first may be cut: nothing is known of it yet.
    if (fixed_gop_ms > 0) {
      EXPECT_LE(dependent, 1) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace headgate::fmp4
