// SPDX-License-Identifier: LGPL-2.1-or-later
// What a part holds, and what none can.
#include "packager_fixture.h"

namespace headgate::fmp4 {
namespace {

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

TEST_F(PackagerTest, WhatASilenceLeavesIsAPartIfItIsLongEnough) {
  start(true, true);
  both(0, 1000);
  take();
  settle();
  EXPECT_EQ(take(), "-- 0.520+0.480 12v 22a\n");
  settle();
  EXPECT_EQ(take(), "");
  // It goes on as if nothing had been, and the next rest is too short for a part that is not the last.
  both(1000, 1440);
  settle();
  EXPECT_EQ(take(), "");
  both(1440, 2100);
  EXPECT_EQ(take(), "-- 1.000+0.520 13v 25a\n-- 1.520+0.480 12v 22a\n");
  flush();
  EXPECT_EQ(take(), "SK 2.000+0.120 3v 5a\n");
  expect_continuous(kVideoTrackId);
  expect_continuous(kAudioTrackId);
}

TEST_F(PackagerTest, WhatBothTracksHaveIsAPartInASilence) {
  start(true, true);
  both(0, 520);
  for (int i = 13; i < 20; ++i) video(i);
  EXPECT_EQ(take(), "") << "audio of the next frame is still to come";
  settle();
  EXPECT_EQ(take(), "SK 0.000+0.520 13v 25a\n");
  flush();
  EXPECT_EQ(take(), "-- 0.520+0.280 7v 0a\n");
  // Audio that is ahead would be a part's that has not got it.
  start(true, true);
  both(0, 480);
  for (int i = 23; i < 30; ++i) audio(i);
  settle();
  EXPECT_EQ(take(), "");
}

TEST_F(PackagerTest, ASilenceCutsNoFrameOfUnknownDuration) {
  start(true, false);
  // A screen that changes now and then: the last picture may stand for long.
  for (const int at : {0, 3, 5, 12}) EXPECT_TRUE(push(Kind::video, at * kFrame, at == 0));
  settle();
  EXPECT_EQ(take(), "");
  EXPECT_TRUE(push(Kind::video, 37 * kFrame));
  flush();
  EXPECT_EQ(take(), "SK 0.000+0.480 3v 0a\n-- 0.480+1.000 1v 0a\n-- 1.480+1.000 1v 0a\n");
  expect_continuous(kVideoTrackId);
}

// Of 30 frames a second, in milliseconds: the last frame may be one of the longer ones, and no time goes
// back.
TEST_F(PackagerTest, ASilenceOfARoundedClockSetsNoTimeBack) {
  for (const int frames : {14, 15}) {
    start(true, false);
    int64_t end = 0;
    for (int i = 0; i < frames; ++i) EXPECT_TRUE(push(Kind::video, (i * 1000 / 30) * 90, i == 0));
    packager_->settle();
    const std::optional<Part> part = packager_->next_part();
    if (frames * 1000 / 30 < 467) {
      EXPECT_FALSE(part);
      continue;
    }
    ASSERT_TRUE(part) << frames;
    end = part->pts + part->duration;
    EXPECT_LE(end, frames * 1000 / 30 * 90);
    EXPECT_GE(end, frames * 1000 / 30 * 90 - 90);
  }
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

// Samples have no temporal delimiter (AV1-ISOBMFF, 2.4), and the archive hashes what is written.
TEST(PackagerOfCodecs, Av1IsWrittenWithoutItsTemporalDelimiter) {
  const auto av1 = codec::track_from_av1c(from_hex("81000c000a0b000000043cf6ccdaf90040").value());
  const ByteVector with = from_hex("120032021000").value(), without = from_hex("32021000").value();
  const ByteVector extended = from_hex("16080032021000").value();  // the delimiter has an extension byte
  const ByteVector nothing_else = from_hex("1200").value();
  Packager packager({av1.value(), {}}, {});
  int64_t dts = 0;
  for (const ByteVector* data : {&with, &without, &extended, &nothing_else}) {
    AccessUnit unit;
    unit.dts = unit.pts = dts++ * kFrame;
    unit.key = dts == 1;
    unit.data = *data;
    EXPECT_EQ(packager.push(std::move(unit)).has_value(), data != &nothing_else);
  }
  packager.flush();
  const Part part = packager.next_part().value();
  ASSERT_EQ(part.frames.size(), 3u);
  for (const Frame& frame : part.frames) EXPECT_EQ(to_hex(frame.data), to_hex(without));
}

// Packets of 60 ms, then one of 2.5 ms: only it can say how long it lasts.
TEST(PackagerOfCodecs, TheLastOpusPacketLastsAsLongAsItSays) {
  const auto opus = codec::track_from_dops(from_hex("000201380000bb80000000").value());
  const ByteVector long_packet = from_hex("1800").value(), short_packet = from_hex("8000").value();
  Packager packager({{}, opus.value()}, {});
  for (const int64_t dts : {0, 2880, 5760}) {
    AccessUnit unit;
    unit.kind = Kind::audio;
    unit.dts = unit.pts = dts;
    unit.data = dts < 5760 ? long_packet : short_packet;
    EXPECT_TRUE(packager.push(std::move(unit)));
  }
  packager.flush();
  EXPECT_EQ(packager.next_part().value().duration, to_part_ticks(5760 + 120, 48000));
}

}  // namespace
}  // namespace headgate::fmp4
