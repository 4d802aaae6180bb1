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
