// SPDX-License-Identifier: LGPL-2.1-or-later
// Where parts and segments are cut, told as one line per part.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

#include <fmp4/reader.h>

#include "tracks.h"

namespace headgate::fmp4 {
namespace {

using codec::Kind;
using test::audio_track;
using test::video_track;

constexpr int64_t kFrame = 3600;  // 25 per second at 90 kHz
constexpr int64_t kAudioFrame = 1024;
constexpr int64_t kRate = 48000;

class PackagerTest : public testing::Test {
 protected:
  void start(bool video, bool audio, PackagerSettings settings = {}) {
    presentation_ = {};
    if (video) presentation_.video = video_track();
    if (audio) presentation_.audio = audio_track();
    packager_.emplace(presentation_, settings);
    file_ = init_segment(presentation_).value();
  }

  Result<void> push(Kind kind, int64_t dts, bool key = false, int64_t composition = 0) {
    AccessUnit unit;
    unit.kind = kind;
    unit.dts = dts;
    unit.pts = dts + composition;
    unit.key = key;
    unit.data = Bytes(payload_).first(kind == Kind::video ? 1000 + static_cast<size_t>(dts % 7) : 200);
    unit.utc_us = 1'000'000 + dts;
    Result<void> pushed = packager_->push(std::move(unit));
    drain();
    return pushed;
  }
  void flush() {
    packager_->flush();
    drain();
  }
  void video(int frame, int gop = 50) { EXPECT_TRUE(push(Kind::video, frame * kFrame, frame % gop == 0)); }
  void audio(int frame) { EXPECT_TRUE(push(Kind::audio, frame * kAudioFrame)); }
  // As a sender interleaves them: `lag_ms` is how much later audio comes than video of the same time.
  void both(int from_ms, int to_ms, int lag_ms = 0) {
    for (int ms = from_ms; ms < to_ms + lag_ms; ++ms) {
      if (ms < to_ms && ms % 40 == 0) video(ms / 40);
      const int audio_ms = ms - lag_ms;
      if (audio_ms < from_ms) continue;
      const int64_t samples = int64_t{audio_ms} * 48;
      const int64_t frame = (samples + kAudioFrame - 1) / kAudioFrame;
      if (frame * kAudioFrame < samples + 48) audio(static_cast<int>(frame));
    }
  }

  // "S K v 0+0.52 25v 24a": starts a segment, key frame, pts and duration in seconds, frames of each kind.
  void drain() {
    while (const std::optional<Part> part = packager_->next_part()) {
      const auto count = [&](Kind kind) {
        return std::count_if(part->frames.begin(), part->frames.end(),
                             [kind](const Frame& frame) { return frame.kind == kind; });
      };
      char line[128];
      std::snprintf(line, sizeof line, "%s%s %.3f+%.3f %tdv %tda\n", part->starts_segment ? "S" : "-",
                    part->independent ? "K" : "-", static_cast<double>(part->pts) / kPartTimescale,
                    static_cast<double>(part->duration) / kPartTimescale, count(Kind::video),
                    count(Kind::audio));
      told_ += line;
      check(*part);
      const ByteVector bytes = test::joined(*part);
      file_.insert(file_.end(), bytes.begin(), bytes.end());
    }
  }

  // What holds for every part.
  void check(const Part& part) {
    const ByteVector bytes = test::joined(part);
    ASSERT_EQ(bytes.size(), part.length);
    ASSERT_EQ(part.frames.size(), part.units.size());
    EXPECT_TRUE(!ended_ || part.starts_segment);
    ended_ = part.ends_segment;
    const Source source = source_of(bytes);
    ChunkWalker walker(source, 0);
    size_t frames = 0;
    for (const Chunk& chunk : part.chunks) {
      const std::optional<ChunkInfo> info = walker.next();
      ASSERT_TRUE(info) << walker.reason();
      EXPECT_EQ(info->offset, chunk.offset);
      EXPECT_EQ(info->length, chunk.length);
      EXPECT_EQ(info->track_id, chunk.track_id);
      EXPECT_EQ(info->sequence, next_sequence_++);
      const std::span<const AccessUnit> units = std::span(part.units).subspan(frames, info->samples);
      EXPECT_EQ(info->decode_time, static_cast<uint64_t>(units[0].dts));
      EXPECT_EQ(info->first_is_sync, units[0].key || units[0].kind == Kind::audio);
      int64_t pts = units[0].pts;
      for (const AccessUnit& unit : units) pts = std::min(pts, unit.pts);
      EXPECT_EQ(info->earliest_pts, pts);
      frames += info->samples;
    }
    EXPECT_EQ(frames, part.units.size());
    EXPECT_FALSE(walker.next());
    EXPECT_EQ(walker.end(), WalkEnd::complete) << walker.reason();
    // Payload stands in the file in the order of frames.
    size_t at = 0, frame = 0;
    for (const Chunk& chunk : part.chunks) {
      const size_t end = chunk.offset + chunk.length;
      size_t payload = 0, last = frame;
      while (last < part.frames.size() &&
             (part.frames[last].kind == Kind::video ? kVideoTrackId : kAudioTrackId) == chunk.track_id)
        payload += part.frames[last++].data.size();
      at = end - payload;
      for (; frame < last; ++frame) {
        const Bytes data = part.frames[frame].data;
        ASSERT_TRUE(std::equal(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)));
        at += data.size();
      }
      EXPECT_EQ(at, end);
    }
  }

  // All chunks of a track: each begins where the last ended, or later.
  void expect_continuous(uint32_t track_id) {
    const Source source = source_of(file_);
    ChunkWalker walker(source, read_init(source)->length);
    std::optional<uint64_t> end;
    while (const std::optional<ChunkInfo> info = walker.next()) {
      if (info->track_id != track_id) continue;
      if (end) {
        EXPECT_EQ(info->decode_time, *end);
      }
      end = info->decode_time + info->duration;
    }
    EXPECT_EQ(walker.end(), WalkEnd::complete) << walker.reason();
    EXPECT_TRUE(end);
  }

  std::string take() { return std::exchange(told_, {}); }

  Presentation presentation_;
  std::optional<Packager> packager_;
  ByteVector payload_ = ByteVector(4096, std::byte{0x5a});
  ByteVector file_;
  uint32_t next_sequence_ = 1;
  std::string told_;
  bool ended_ = false;  // the last part said that it ends its segment
};

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
  start(true, false, {.part_ms = 100, .segment_ms = 500});
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

TEST_F(PackagerTest, FlushEndsTheSegment) {
  start(true, true);
  both(0, 1000);
  flush();
  EXPECT_EQ(take(), "SK 0.000+0.520 13v 25a\n-- 0.520+0.480 12v 22a\n");
  flush();
  EXPECT_EQ(take(), "");
  // An hour later, in the middle of a GOP.
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(push(Kind::video, 3600 * 90000 + i * kFrame));
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(push(Kind::audio, 3600 * kRate + i * kAudioFrame));
  flush();
  EXPECT_EQ(take(), "S- 3600.000+0.520 13v 25a\n-- 3600.520+0.520 13v 5a\n-- 3601.040+0.160 4v 0a\n");
}

TEST_F(PackagerTest, AHoleBeginsANewChunk) {
  start(true, true);
  both(0, 1000);
  EXPECT_EQ(take(), "SK 0.000+0.520 13v 25a\n");
  // 30 s later, and nobody said so.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(push(Kind::video, 31 * 90000 + i * kFrame));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(push(Kind::audio, 31 * kRate + i * kAudioFrame));
  flush();
  EXPECT_EQ(take(),
            "-- 0.520+0.480 12v 22a\n"
            "S- 31.000+0.120 3v 3a\n");
}

TEST_F(PackagerTest, AHoleInAudioAlone) {
  start(true, true, {.part_ms = 500, .interleave_ms = 0});
  for (int i = 0; i < 10; ++i) audio(i);
  for (int i = 0; i < 300; ++i) video(i);
  EXPECT_TRUE(push(Kind::audio, 11 * kRate));
  for (int i = 300; i < 320; ++i) video(i);
  flush();
  const Source source = source_of(file_);
  ChunkWalker walker(source, read_init(source)->length);
  std::vector<std::pair<uint64_t, uint64_t>> audio;
  while (const std::optional<ChunkInfo> info = walker.next())
    if (info->track_id == kAudioTrackId) audio.emplace_back(info->decode_time, info->duration);
  EXPECT_EQ(audio, (std::vector<std::pair<uint64_t, uint64_t>>{{0, 10 * 1024}, {11 * kRate, 1024}}));
}

TEST_F(PackagerTest, TimesThatDoNotAdvanceStayBounded) {
  start(true, true);
  for (int i = 0; i < 20000; ++i) EXPECT_TRUE(push(Kind::audio, i));
  EXPECT_GE(std::count(told_.begin(), told_.end(), '\n'), 4);
  take();
  for (int i = 0; i < 20000; ++i) EXPECT_TRUE(push(Kind::video, i, i == 0));
  EXPECT_GE(std::count(told_.begin(), told_.end(), '\n'), 4);
  flush();
}

TEST_F(PackagerTest, RefusesWhatCannotBeWritten) {
  start(true, false);
  EXPECT_EQ(push(Kind::audio, 0).error().message, "audio: the presentation has no such track");
  EXPECT_EQ(push(Kind::video, -1).error().message, "video: decode time -1 cannot be written");
  EXPECT_TRUE(push(Kind::video, 100, true));
  EXPECT_EQ(push(Kind::video, 100).error().message, "video: decode time 100 after 100");
  EXPECT_EQ(push(Kind::video, 50).error().message, "video: decode time 50 after 100");
  EXPECT_FALSE(push(Kind::video, 200, false, int64_t{1} << 32));
  EXPECT_FALSE(push(Kind::video, 200, false, -(int64_t{1} << 32)));
  AccessUnit empty;
  empty.dts = empty.pts = 300;
  EXPECT_EQ(packager_->push(std::move(empty)).error().message, "video: an access unit without data");
  const ByteVector huge(kMaxUnitBytes + 1);
  AccessUnit large;
  large.dts = large.pts = 300;
  large.data = huge;
  EXPECT_EQ(packager_->push(std::move(large)).error().message,
            "video: an access unit of 16777217 bytes, more than 16777216");
  EXPECT_TRUE(push(Kind::video, 3700));
  flush();
  EXPECT_EQ(take(), "SK 0.001+0.080 2v 0a\n") << "what was refused leaves no trace";
}

TEST_F(PackagerTest, FramesThatLieTogetherAreOneSpan) {
  start(true, false);
  for (int i = 0; i < 4; ++i) {
    AccessUnit unit;
    unit.dts = unit.pts = i * kFrame;
    unit.key = i == 0;
    unit.data = Bytes(payload_).subspan(static_cast<size_t>(i < 3 ? i * 100 : 1000), 100);
    EXPECT_TRUE(packager_->push(std::move(unit)));
  }
  packager_->flush();
  const std::optional<Part> part = packager_->next_part();
  ASSERT_TRUE(part);
  ASSERT_EQ(part->spans.size(), 3u);
  EXPECT_EQ(part->spans[1].iov_base, payload_.data());
  EXPECT_EQ(part->spans[1].iov_len, 300u);
  check(*part);
}

TEST_F(PackagerTest, ReceiptTimeIsTheLeadersFirst) {
  start(true, true);
  audio(0);
  video(1);
  packager_->flush();
  EXPECT_EQ(packager_->next_part()->utc_us, 1'000'000 + kFrame);
}

// Holders are given back when the part dies, not before.
TEST_F(PackagerTest, HoldersLiveAsLongAsTheirPart) {
  start(true, false);
  int held = 3;
  for (int i = 0; i < 3; ++i) {
    AccessUnit unit;
    unit.dts = unit.pts = i * kFrame;
    unit.key = i == 0;
    unit.data = Bytes(payload_).first(10);
    unit.holder = Holder(&held, [](void* count) { --*static_cast<int*>(count); });
    EXPECT_TRUE(packager_->push(std::move(unit)));
  }
  packager_->flush();
  std::optional<Part> part = packager_->next_part();
  ASSERT_TRUE(part);
  EXPECT_EQ(held, 3);
  std::optional<Part> moved(std::move(*part));
  part.reset();
  EXPECT_EQ(held, 3);
  moved.reset();
  EXPECT_EQ(held, 0);
}

}  // namespace
}  // namespace headgate::fmp4
