// SPDX-License-Identifier: LGPL-2.1-or-later
// A rung of pictures beside its source: the same numbers and times, whatever the encoder does.
#include <base/io.h>
#include <fcntl.h>
#include <fmp4/reader.h>

#include "derived_fixture.h"

namespace headgate::store {
namespace {

TEST_F(DerivedTest, HasTheSourcesNumbersAndTimes) {
  open_source();
  start_rung();
  play(24);
  encode_until(400);
  settle();
  session_->writer->end("unpublish");
  tell_source();
  ASSERT_TRUE(rung_->drain());
  ASSERT_EQ(of_rung().size(), of_source().size());
  expect_aligned();
  const auto parts = only<playlist::PartRecord>(rung_told_);
  const auto source_parts = only<playlist::PartRecord>(session_->told);
  ASSERT_EQ(parts.size(), source_parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].msn, source_parts[i].msn);
    EXPECT_EQ(parts[i].index, source_parts[i].index);
    EXPECT_EQ(parts[i].pts, source_parts[i].pts);
    EXPECT_EQ(parts[i].independent, source_parts[i].independent);
    EXPECT_EQ(parts[i].file.rfind("derived/720p/lta/7/st/", 0), 0u) << parts[i].file;
  }
  EXPECT_EQ(only<playlist::EndRecord>(rung_told_).at(0).reason, "unpublish");
  EXPECT_EQ(rung_->behind_ms(), 0);
}

// What the records name is there: an init segment and chunks whose times are the source's.
TEST_F(DerivedTest, WritesWhatItTells) {
  open_source();
  start_rung();
  play(16);
  encode_until(400);
  settle();
  disk_->commit();
  const auto init = only<playlist::InitRecord>(rung_told_).at(0);
  EXPECT_EQ(init.codecs.rfind("avc1.", 0), 0u) << init.codecs;
  EXPECT_EQ(init.width, 640u);
  EXPECT_EQ(init.channels, 0u);
  auto file = open_file(directory_.path() + "/" + init.file + ".part", O_RDONLY);
  ASSERT_TRUE(file) << file.error().message;
  auto source = fmp4::source_of_file(file->get());
  ASSERT_TRUE(source);
  auto read = fmp4::read_init(*source);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->presentation.audio);
  for (const auto& part : only<playlist::PartRecord>(rung_told_)) {
    fmp4::ChunkWalker walker(*source, part.chunks.at(0).offset);
    auto chunk = walker.next();
    ASSERT_TRUE(chunk) << walker.reason();
    EXPECT_EQ(static_cast<int64_t>(chunk->decode_time), part.pts);
    EXPECT_EQ(static_cast<int64_t>(chunk->duration), part.duration);
    EXPECT_EQ(chunk->first_is_sync, part.independent);
  }
  // And can be read back from what was committed, as a run of its own volume.
  const auto runs = list_runs(disk_root(), kEvent, kStation);
  ASSERT_EQ(runs.size(), 1u);
  auto records = read_run(disk_root(), kEvent, kStation, runs[0]);
  ASSERT_TRUE(records);
  EXPECT_TRUE(records->writing);
  EXPECT_EQ(only<playlist::SegmentRecord>(records->records).size(), of_rung().size());
}

// Its first segment is the first that it has from the source's first picture on.
TEST_F(DerivedTest, StartsWithTheNextSegment) {
  open_source();
  play(10);
  start_rung();
  play(14);
  encode_until(400);
  settle();
  EXPECT_EQ(numbers().at(0), 3u);
  EXPECT_EQ(only<playlist::RunRecord>(rung_told_).at(0).first_msn, 3u);
  expect_aligned();
  // An encoder that is given what came since the last key frame has the segment that is being written.
  rung_.reset();
  rung_told_.clear();
  frame_ = 250;
  start_rung();
  encode_until(290);
  play(6);
  settle();
  EXPECT_EQ(numbers().at(0), 5u);
  expect_aligned();
}

// Encoders that reorder pictures give times of decoding before the picture that they begin with.
TEST_F(DerivedTest, AlignsReorderedPictures) {
  delay_ns_ = 2 * kFrameNs;
  open_source();
  start_rung();
  play(16);
  encode_until(400);
  settle();
  ASSERT_GE(of_rung().size(), 3u);
  EXPECT_EQ(numbers().at(0), 0u);
  expect_aligned();
}

// A frame rate that was made constant moves pictures by less than half of one.
TEST_F(DerivedTest, FindsPicturesThatAreAtNearlyTheSameTime) {
  for (const int64_t off_ns : {-19'000'000, 19'000'000}) {
    off_ns_ = off_ns;
    open_source();
    start_rung();
    const int64_t first = frame_;
    play(16);
    encode_until(first + 400);
    settle();
    session_->writer->end("unpublish");
    tell_source();
    ASSERT_TRUE(rung_->drain());
    ASSERT_EQ(of_rung().size(), of_source().size());
    const auto source = of_source();
    for (size_t i = 0; i < source.size(); ++i) {
      EXPECT_EQ(of_rung()[i].msn, source[i].msn);
      EXPECT_NEAR(of_rung()[i].pts, source[i].pts, 90 * kBoundarySlackMs);
    }
    rung_.reset();
    session_.reset();
    rung_told_.clear();
    derived_ = std::make_shared<DerivedSource>();
    told_ = 0;
    frame_ = 0;
  }
}

TEST_F(DerivedTest, LeavesOutSegmentsThatItHasNotFromTheirFirstPictureOn) {
  open_source();
  start_rung();
  // Nothing from 4.2 s to 6.6 s: segments 2 and 3 are not whole.
  drop_ = [](int64_t frame) { return frame >= 105 && frame < 165; };
  play(30);
  encode_until(400);
  settle();
  const auto written = numbers();
  ASSERT_GE(written.size(), 6u);
  // What there is of segment 2 was told as parts before the rest was missing.
  EXPECT_EQ(written, (std::vector<uint64_t>{0, 1, 2, 4, 5, 6}));
  EXPECT_LT(of_rung()[2].duration, of_source()[2].duration);
  EXPECT_GT(rung_->stats().dropped_units, 0u);
  rung_told_.erase(std::find_if(rung_told_.begin(), rung_told_.end(), [](const Record& record) {
    const auto* segment = std::get_if<playlist::SegmentRecord>(&record);
    return segment != nullptr && segment->msn == 2;
  }));
  expect_aligned();
}

// Where the rung has no key frame it goes on, and says so; it does not begin there.
TEST_F(DerivedTest, GoesOnWithoutAKeyFrame) {
  open_source();
  start_rung();
  no_key_ = [](int64_t frame) { return frame == 0 || frame == 100; };
  play(26);
  encode_until(400);
  settle();
  const auto segments = of_rung();
  ASSERT_GE(segments.size(), 4u);
  EXPECT_EQ(segments[0].msn, 1u);
  EXPECT_TRUE(segments[0].independent);
  EXPECT_EQ(segments[1].msn, 2u);
  EXPECT_FALSE(segments[1].independent);
  EXPECT_TRUE(segments[2].independent);
  expect_aligned();
}

TEST_F(DerivedTest, StopsAndStartsAgain) {
  open_source();
  start_rung();
  play(9);
  encode_until(100);
  settle();
  rung_->end("paused");
  EXPECT_EQ(only<playlist::EndRecord>(rung_told_).at(0).reason, "paused");
  rung_.reset();
  play(10);
  start_rung();
  play(12);
  encode_until(400);
  settle();
  const auto written = numbers();
  ASSERT_GE(written.size(), 4u);
  EXPECT_EQ(written[1], 1u);
  EXPECT_EQ(written[2], 5u);
  expect_aligned();
  EXPECT_EQ(only<playlist::RunRecord>(rung_told_).size(), 2u);
}

// The source's next session: another run, behind the first, which the rung follows by itself.
TEST_F(DerivedTest, FollowsTheSourcesNextRun) {
  open_source();
  start_rung();
  play(9);
  encode_until(112);
  settle();
  session_->writer->end("disconnect");
  tell_source();
  const auto first = of_source();
  clock_.advance_us(30'000'000);
  running_ns_ = 40'000'000'000;
  told_ = 0;
  frame_ = 0;
  open_source();
  play(9);
  encode_until(112);
  settle();
  const auto runs = only<playlist::RunRecord>(rung_told_);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(only<playlist::EndRecord>(rung_told_).at(0).reason, "disconnect");
  const auto source_runs = only<playlist::RunRecord>(session_->told);
  EXPECT_EQ(runs[1].first_msn, source_runs.at(0).first_msn);
  EXPECT_EQ(runs[1].discontinuity_sequence, source_runs.at(0).discontinuity_sequence);
  const auto second = of_source();
  const auto segments = of_rung();
  ASSERT_GT(segments.size(), first.size());
  for (size_t i = 0; i + first.size() < segments.size(); ++i)
    EXPECT_EQ(segments[first.size() + i].pts, second.at(i).pts);
}

// Units that nothing is told about are not kept for ever.
TEST_F(DerivedTest, HoldsNoMoreThanItMay) {
  open_source();
  start_rung();
  for (int64_t frame = 0; frame < 100; ++frame) {
    DerivedUnit large = unit(frame);
    auto* bytes = new ByteVector(1 << 20, std::byte{0x41});
    large.data = *bytes;
    large.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
    rung_->push(std::move(large));
  }
  EXPECT_GT(rung_->stats().dropped_units, 50u);
}

}  // namespace
}  // namespace headgate::store
