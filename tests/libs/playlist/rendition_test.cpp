// SPDX-License-Identifier: LGPL-2.1-or-later
// A derived rendition beside its source: the same numbers, dates and discontinuities, gaps where it has
// nothing.
#include <playlist/directives.h>
#include <playlist/rendition.h>

#include "rendition_fixture.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::kSecond;
using test::part;
using test::run;
using test::segment;

TEST(Renditions, Names) {
  for (const char* good : {"720p", "audio-64k", "a", "x_1", "0123456789abcdef0123456789abcdef"})
    EXPECT_TRUE(valid_rendition(good)) << good;
  for (const char* bad : {"", "720P", "a/b", "..", ".", "a b", "é", "0123456789abcdef0123456789abcdef0"})
    EXPECT_FALSE(valid_rendition(bad)) << bad;
}

TEST(Renditions, RecordComesBack) {
  RenditionRecord record{
      RenditionState::paused, true, "avc1.64001f", 1280, 720, 25000, 0, 2'600'000, 2'500'000};
  ByteVector bytes;
  encode(record, bytes);
  const auto back = decode(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::get<RenditionRecord>(*back), record);
  bytes[2] = std::byte{3};  // a state that there is not
  EXPECT_FALSE(decode(bytes));
  bytes[2] = std::byte{0};
  EXPECT_TRUE(decode(bytes));
  bytes.pop_back();
  EXPECT_FALSE(decode(bytes));
}

TEST_F(RenditionIndexTest, HasItsSourcesDatesAndDiscontinuities) {
  begin();
  begin_rung();
  of_source(segment(0, 0));
  of_rung(rung_segment(0, 0));
  of_source(segment(1, 2));
  of_rung(rung_segment(1, 2));
  of_source(EndRecord{"disconnect"});
  of_rung(EndRecord{"disconnect"});
  of_source(run("20261121T050100Z-n01-0001", 2, 1, test::kUtc + 60'000'000));
  of_source(init("aa", "r2/0.mp4"));
  of_rung(run("20261121T050100Z-n01-0101", 2, 1));
  of_source(segment(2, 60));
  of_rung(rung_segment(2, 60));
  ASSERT_EQ(rung_.index().segments().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const Segment &own = rung_.index().segments()[i], &of_source = source_.segments()[i];
    EXPECT_EQ(own.discontinuity_sequence, of_source.discontinuity_sequence) << i;
    EXPECT_EQ(own.program_utc_us, of_source.program_utc_us) << i;
    EXPECT_EQ(own.record.init_id, "bb");
  }
  EXPECT_EQ(rung_.index().target_seconds(), source_.target_seconds());
  EXPECT_TRUE(rung_.has_media());
}

// Its playlist is held until there is something to play; other playlists report on it before (RFC 8216bis,
// B.1), and nothing that it has not when it is there.
TEST_F(RenditionIndexTest, WhatIsReportedOfOneThatNobodyHasAskedForItHasWhenItBegins) {
  RenditionRecord offered;
  offered.state = RenditionState::idle;
  offered.on_demand = true;
  begin();
  of_rung(offered);
  EXPECT_EQ(rung_.will_reach(), std::nullopt) << "its source has nothing";
  std::vector<uint64_t> said;
  for (uint64_t msn = 0; msn < 5; ++msn) {
    of_source(segment(msn, static_cast<double>(2 * msn)));
    const auto reached = rung_.will_reach();
    ASSERT_TRUE(reached);
    EXPECT_EQ(reached->index, 0u);
    said.push_back(reached->msn);
  }
  EXPECT_EQ(said, (std::vector<uint64_t>{0, 0, 1, 2, 3}));
  // It begins with segment 4; the source is further by the time that something of it is there.
  offered.state = RenditionState::running;
  of_rung(offered);
  of_source(segment(5, 10));
  of_source(segment(6, 12));
  EXPECT_EQ(rung_.will_reach(), (PartName{3, 0}));
  begin_rung(4);
  of_rung(rung_segment(4, 8));
  EXPECT_EQ(shape(), "0- 1- 2- 3- 4 ");
  EXPECT_EQ(rung_.will_reach(), std::nullopt);
}

// Of one that is encoded from the stream's beginning on nobody knows with what it begins.
TEST_F(RenditionIndexTest, OneThatIsBeingMadeBeginsNoEarlierThanItsSource) {
  begin();
  of_source(segment(0, 0));
  of_source(segment(1, 2));
  of_source(segment(2, 4));
  RenditionIndex late{{180'000, 60'000}};
  late.add(RenditionRecord{}, source_);
  late.follow(source_);
  EXPECT_EQ(late.will_reach(), (PartName{0, 0}));
}

// It comes after its source: nothing is a gap before it is known to be one.
TEST_F(RenditionIndexTest, WaitsForWhatIsBeingEncoded) {
  begin();
  of_rung(RenditionRecord{});
  of_source(segment(0, 0));
  of_source(segment(1, 2));
  EXPECT_EQ(shape(), "");
  begin_rung();
  of_rung(rung_segment(0, 0));
  EXPECT_EQ(shape(), "0 ");
  of_source(segment(2, 4));
  EXPECT_EQ(shape(), "0 ");
  of_rung(rung_segment(1, 2));
  of_rung(rung_segment(2, 4));
  EXPECT_EQ(shape(), "0 1 2 ");
}

TEST_F(RenditionIndexTest, WhatItPassesOverIsAGap) {
  begin();
  begin_rung();
  for (int i = 0; i < 4; ++i) of_source(segment(static_cast<uint64_t>(i), 2.0 * i));
  of_rung(rung_segment(0, 0));
  of_rung(rung_segment(3, 6));
  EXPECT_EQ(shape(), "0 1- 2- 3 ");
  EXPECT_EQ(text(), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-bb.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:00.000Z
#EXTINF:2.000000,
0.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXT-X-GAP
#EXTINF:2.000000,
1.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:04.000Z
#EXT-X-GAP
#EXTINF:2.000000,
2.m4s
#EXT-X-MAP:URI="init-bb.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:06.000Z
#EXTINF:2.000000,
3.m4s
)");
  // What comes too late does not change what was told.
  of_rung(rung_segment(2, 4));
  EXPECT_EQ(shape(), "0 1- 2- 3 ");
  // Gaps have no bytes: they are not counted.
  EXPECT_EQ(rung_.index().average_bandwidth(), 400'000u);
  EXPECT_EQ(rung_.index().bandwidth(), 400'000u);
}

TEST_F(RenditionIndexTest, APausedOneIsAGapAtOnce) {
  begin();
  begin_rung();
  of_rung(RenditionRecord{});
  of_source(segment(0, 0));
  of_rung(rung_segment(0, 0));
  of_rung(RenditionRecord{RenditionState::paused, false, "", 0, 0, 0, 0, 0, 0});
  of_rung(EndRecord{"paused"});
  of_source(segment(1, 2));
  EXPECT_EQ(shape(), "0 1- ");
  of_source(segment(2, 4));
  EXPECT_EQ(shape(), "0 1- 2- ");
  of_rung(RenditionRecord{});
  of_source(segment(3, 6));
  EXPECT_EQ(shape(), "0 1- 2- ");
  of_rung(run("20261121T050006Z-n01-0101", 3, 0));
  of_rung(rung_segment(3, 6));
  EXPECT_EQ(shape(), "0 1- 2- 3 ");
  // That it went on is no discontinuity: its source has none.
  EXPECT_EQ(text().find("DISCONTINUITY"), std::string::npos);
}

// It comes after its source, and goes on behind the end of that: what was hinted is sent.
TEST_F(RenditionIndexTest, IsOpenUntilItsOwnEnd) {
  of_source(run("20261121T050000Z-n01-0001", 0, 0, test::kUtc, 2000, 550));
  of_source(init("aa", "r1/0.mp4"));
  for (uint32_t i = 0; i < 4; ++i) of_source(part(0, i));
  begin_rung();
  EXPECT_FALSE(hinted_part(rung_.index()));
  of_rung(rung_part(0, 0));
  EXPECT_EQ(hinted_part(rung_.index()), (PartName{0, 1}));
  of_source(segment(0, 0));
  of_source(part(1, 0));
  of_source(segment(1, 2, 0.5));
  of_source(EndRecord{"disconnect"});
  EXPECT_EQ(hinted_part(rung_.index()), (PartName{0, 1}));
  for (uint32_t i = 1; i < 4; ++i) of_rung(rung_part(0, i));
  of_rung(rung_segment(0, 0));
  EXPECT_EQ(hinted_part(rung_.index()), (PartName{1, 0}));
  of_rung(rung_part(1, 0));
  of_rung(rung_segment(1, 2, 0.5));
  of_rung(EndRecord{"disconnect"});
  EXPECT_FALSE(hinted_part(rung_.index()));
  EXPECT_EQ(next_part(rung_.index()), (PartName{2, 0}));
  EXPECT_EQ(shape(), "0 1 ");
  // Its source is open again, it is not yet.
  of_source(run("20261121T050100Z-n01-0001", 2, 1, test::kUtc + 60'000'000, 2000, 550));
  of_source(part(2, 0));
  EXPECT_FALSE(hinted_part(rung_.index()));
}

// An encoder that stops in the middle of a segment: what is listed lasts until the next one begins.
TEST_F(RenditionIndexTest, WhatWasNotFinishedIsAGap) {
  begin();
  begin_rung();
  of_source(segment(0, 0));
  of_rung(rung_segment(0, 0));
  of_source(segment(1, 2));
  of_rung(rung_part(1, 0));
  of_rung(rung_segment(1, 2, 0.5));
  EXPECT_EQ(shape(), "0 1- ");
  EXPECT_EQ(rung_.index().segments().back().record.duration, 2 * kSecond);
  EXPECT_FALSE(rung_.index().open_segment());
  // But not where its source breaks off, too: sound may end before the pictures.
  of_source(segment(2, 4));
  of_source(EndRecord{"disconnect"});
  of_rung(rung_segment(2, 4, 1.5));
  EXPECT_EQ(shape(), "0 1- 2 ");
}

// Sound of which some was left out, so that the rest comes in time.
TEST_F(RenditionIndexTest, WhatHasAHoleIsAGap) {
  begin();
  begin_rung();
  of_source(segment(0, 0));
  PartRecord first = rung_part(0, 0), last = rung_part(0, 1);
  last.pts = 3 * kSecond / 2;  // a second is missing
  SegmentRecord whole = rung_segment(0, 0);
  whole.length = first.length + last.length;
  of_rung(first);
  of_rung(last);
  of_rung(whole);
  EXPECT_EQ(shape(), "0- ");
  of_source(segment(1, 2));
  for (uint32_t i = 0; i < 4; ++i) of_rung(rung_part(1, i));
  whole = rung_segment(1, 2);
  whole.length = 4 * first.length;
  of_rung(whole);
  EXPECT_EQ(shape(), "0- 1 ");
}

// As it is read from the disk: first all of its source, then one run of it after the other.
TEST_F(RenditionIndexTest, HasAllItsRunsBesideASourceThatIsComplete) {
  begin();
  of_source(segment(0, 0));
  of_source(segment(1, 2));
  of_source(EndRecord{"disconnect"});
  of_source(run("20261121T050100Z-n01-0001", 2, 1, test::kUtc + 60'000'000));
  of_source(init("aa", "r2/0.mp4"));
  of_source(segment(2, 60));
  of_source(segment(3, 62));
  of_source(EndRecord{"disconnect"});
  begin_rung();
  of_rung(rung_segment(0, 0));
  of_rung(rung_segment(1, 2));
  of_rung(EndRecord{"disconnect"});
  of_rung(run("20261121T050100Z-n01-0101", 2, 1));
  of_rung(rung_segment(2, 60));
  of_rung(EndRecord{"error"});
  EXPECT_EQ(shape(), "0 1 2 ");
  rung_.stop(source_);
  EXPECT_EQ(shape(), "0 1 2 3- ");
}

// Players that change to it find where they are.
TEST_F(RenditionIndexTest, ALateOneBeginsWithGaps) {
  begin();
  for (int i = 0; i < 100; ++i) of_source(segment(static_cast<uint64_t>(i), 2.0 * i));
  begin_rung(98);
  of_rung(rung_part(98, 0));
  EXPECT_EQ(rung_.index().segments().size(), 98 - source_.segments()[source_.live_begin()].record.msn);
  of_rung(rung_segment(98, 196));
  of_rung(rung_segment(99, 198));
  EXPECT_EQ(rung_.index().segments().back().record.msn, 99u);
  EXPECT_TRUE(rung_.has_media());
}

TEST_F(RenditionIndexTest, TheSameNumberOfAnotherStreamIsNotItsOwn) {
  begin();
  begin_rung();
  of_source(segment(0, 0));
  of_source(segment(1, 2));
  of_rung(rung_segment(0, 100));  // an archive that was lost, and numbers that began again
  EXPECT_EQ(shape(), "");
  of_rung(rung_segment(1, 2));
  EXPECT_EQ(shape(), "0- 1 ");
}

TEST_F(RenditionIndexTest, StartsOverWithItsSource) {
  begin();
  begin_rung();
  for (int i = 0; i < 3; ++i) {
    of_source(segment(static_cast<uint64_t>(i), 2.0 * i));
    of_rung(rung_segment(static_cast<uint64_t>(i), 2.0 * i));
  }
  of_source(run("20261121T060000Z-n01-0001", 0, 0));
  of_source(init("aa", "r2/0.mp4"));
  of_source(segment(0, 0));
  of_rung(run("20261121T060000Z-n01-0101", 0, 0));
  of_rung(init("bb", "derived/720p/r/0.mp4"));
  of_rung(rung_segment(0, 0));
  EXPECT_EQ(shape(), "0 ");
}

// It says that it runs, and hangs for longer than its source's window: what a playlist lists then is as much
// as before (RFC 8216bis, 6.2.2).
TEST_F(RenditionIndexTest, OneThatHasFallenOutOfItsSourcesWindowHasGaps) {
  begin();
  begin_rung();
  for (int i = 0; i < 400; ++i) {
    of_source(segment(static_cast<uint64_t>(i), 2.0 * i));
    if (i < 100 || i >= 390) of_rung(rung_segment(static_cast<uint64_t>(i), 2.0 * i));
    if (i == 300) of_rung(rung_segment(211, 422));
    const auto& index = rung_.index();
    int64_t listed = 0;
    for (size_t k = index.live_begin(); k < index.segments().size(); ++k)
      listed += index.segments()[k].record.duration;
    ASSERT_TRUE(i < 30 || listed >= 3 * int64_t{index.target_seconds()} * kSecond) << i;
  }
  EXPECT_TRUE(shape().ends_with(" 389- 390 391 392 393 394 395 396 397 398 399 ")) << shape();
}

// Any records in any order leave an index whose numbers have no hole and which a playlist can be made of.
TEST_F(RenditionIndexTest, SlidesWithItsSource) {
  begin();
  begin_rung();
  for (int i = 0; i < 400; ++i) {
    of_source(segment(static_cast<uint64_t>(i), 2.0 * i));
    if (i % 7 != 3) of_rung(rung_segment(static_cast<uint64_t>(i), 2.0 * i));
    const auto& segments = rung_.index().segments();
    for (size_t k = 1; k < segments.size(); ++k)
      ASSERT_EQ(segments[k].record.msn, segments[k - 1].record.msn + 1);
    if (!segments.empty()) {
      ASSERT_NE(text().find("#EXTM3U"), std::string::npos);
    }
  }
  EXPECT_LT(rung_.index().segments().size(), 100u);
}

}  // namespace
}  // namespace headgate::playlist
