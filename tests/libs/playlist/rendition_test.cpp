// SPDX-License-Identifier: LGPL-2.1-or-later
// A derived rendition beside its source: the same numbers, dates and discontinuities, gaps where it has
// nothing.
#include <gtest/gtest.h>
#include <playlist/directives.h>
#include <playlist/hls.h>
#include <playlist/rendition.h>
#include <playlist/rendition_index.h>

#include "records.h"

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

class RenditionIndexTest : public testing::Test {
 protected:
  void of_source(const Record& record) {
    source_.add(record);
    rung_.follow(source_);
  }
  void of_rung(const Record& record) { rung_.add(record, source_); }
  static SegmentRecord rung_segment(uint64_t msn, double from, double length = 2) {
    SegmentRecord out = segment(msn, from, length, "bb", "derived/720p/r/0.mp4");
    out.length /= 5;
    return out;
  }
  static PartRecord rung_part(uint64_t msn, uint32_t index) {
    PartRecord out = part(msn, index);
    out.file = "derived/720p/r/0.mp4";
    return out;
  }
  void begin() {
    of_source(run("20261121T050000Z-n01-0001", 0, 0));
    of_source(init("aa", "r1/0.mp4"));
  }
  void begin_rung(uint64_t first = 0) {
    of_rung(run("20261121T050000Z-n01-0101", first, 0));
    of_rung(init("bb", "derived/720p/r/0.mp4"));
  }
  std::string shape() const {
    std::string out;
    for (const Segment& one : rung_.index().segments())
      out += std::to_string(one.record.msn) + (one.record.length == 0 ? "- " : " ");
    return out;
  }
  std::string text() const { return media_playlist(rung_.index(), {}); }

  StreamIndex source_{{180'000, 60'000}};
  RenditionIndex rung_{{180'000, 60'000}};
};

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

// A live stream with parts of half a second, four to a segment; the rung is `behind` parts behind it.
class GapPartsTest : public RenditionIndexTest {
 protected:
  static constexpr uint32_t kParts = 4;

  GapPartsTest() {
    of_source(run("20261121T050000Z-n01-0001", 0, 0, test::kUtc, 2000, 550));
    of_source(init("aa", "r1/0.mp4"));
    of_rung(RenditionRecord{});
    begin_rung();
  }
  // The source's next part, and its segment where that ends.
  void source_goes_on(size_t parts = 1) {
    for (; parts > 0; --parts, ++source_at_) {
      of_source(part(source_at_ / kParts, source_at_ % kParts));
      if (source_at_ % kParts + 1 == kParts)
        of_source(segment(source_at_ / kParts, source_at_ / kParts * 2.0));
    }
  }
  void rung_goes_on(size_t parts = 1) {
    for (; parts > 0; --parts, ++rung_at_) {
      of_rung(rung_part(rung_at_ / kParts, rung_at_ % kParts));
      if (rung_at_ % kParts + 1 < kParts) continue;
      SegmentRecord whole = rung_segment(rung_at_ / kParts, rung_at_ / kParts * 2.0);
      whole.length = 4 * 125'000;
      of_rung(whole);
    }
  }
  void both_go_on(size_t parts) {
    for (; parts > 0; --parts) source_goes_on(), rung_goes_on();
  }
  void fails() {
    of_rung(RenditionRecord{RenditionState::paused, false, "", 0, 0, 0, 0, 0, 0});
    of_rung(EndRecord{"error"});
  }
  void starts_again(uint32_t segment) {
    rung_at_ = segment * kParts;
    of_rung(run("20261121T050000Z-n01-0102", segment, 0));
  }
  // "0: x x x x 1: x - - - | 2: -": of each segment its parts, those that are gaps as "-"; "gap" where it is
  // one.
  std::string parts() const {
    std::string out;
    const StreamIndex& index = rung_.index();
    const auto of = [&](uint64_t msn) {
      std::string line = std::to_string(msn) + ":";
      for (const PartRecord& one : index.parts_of(msn)) line += one.length > 0 ? " x" : " -";
      return line;
    };
    for (const Segment& one : index.segments())
      out += of(one.record.msn) + (one.record.length == 0 ? " gap; " : "; ");
    return out + "| " + of(index.next_msn().value_or(0));
  }
  std::string live() const {
    MediaPlaylistSettings settings;
    settings.directives = true;
    return media_playlist(rung_.index(), settings);
  }

  uint32_t source_at_ = 0, rung_at_ = 0;
};

// Players and caches are told each part target that there is nothing (RFC 8216bis, 6.2.1).
TEST_F(GapPartsTest, WhatAFailedEncoderDoesNotGiveAreGaps) {
  source_goes_on(2);  // it is two parts behind
  both_go_on(5);
  EXPECT_EQ(parts(), "0: x x x x; | 1: x");
  EXPECT_EQ(hinted_part(rung_.index()), (PartName{1, 1}));
  fails();
  source_goes_on(2);
  EXPECT_EQ(parts(), "0: x x x x; | 1: x");
  source_goes_on();  // the third since there was something
  EXPECT_EQ(parts(), "0: x x x x; | 1: x -");
  source_goes_on(2);
  EXPECT_EQ(parts(), "0: x x x x; | 1: x - - -");
  starts_again(3);
  source_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - - gap; | 2: -");
  source_goes_on();
  rung_goes_on();  // the first of another encoder: what is between is told with it
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - - gap; 2: - - - - gap; | 3: x");
  EXPECT_EQ(hinted_part(rung_.index()), (PartName{3, 1}));
  const std::string text = live();
  EXPECT_NE(text.find(R"(#EXT-X-PART:DURATION=0.500000,URI="1.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500000,URI="1.1.m4s",GAP=YES
#EXT-X-PART:DURATION=0.500000,URI="1.2.m4s",GAP=YES
#EXT-X-PART:DURATION=0.500000,URI="1.3.m4s",GAP=YES
#EXT-X-GAP
#EXTINF:2.000000,
1.m4s
)"),
            text.npos)
      << text;
  both_go_on(7);
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - - gap; 2: - - - - gap; 3: x x x x; 4: x x x x; | 5:");
}

// What was hinted comes, even if as a gap; and what will be one is not hinted.
TEST_F(GapPartsTest, NothingIsHintedThatWillBeAGap) {
  both_go_on(4);
  EXPECT_EQ(hinted_part(rung_.index()), (PartName{1, 0}));
  source_goes_on(3);
  EXPECT_EQ(parts(), "0: x x x x; | 1: -");
  EXPECT_FALSE(hinted_part(rung_.index()));
  EXPECT_EQ(live().find("PRELOAD-HINT"), std::string::npos);
  rung_at_ = 8;
  source_goes_on(2);
  rung_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; 1: - - - - gap; | 2: x");
}

// Late, but before the next segment's first part was due: whole segments can be played.
TEST_F(GapPartsTest, ASlowEncodersSegmentIsOne) {
  both_go_on(5);
  source_goes_on(3);
  EXPECT_EQ(parts(), "0: x x x x; | 1: x -");
  rung_goes_on(2);  // behind a gap
  EXPECT_EQ(parts(), "0: x x x x; | 1: x -");
  rung_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - -; | 2:");
  EXPECT_EQ(rung_.index().segments().back().record.length, 500'000u);
  EXPECT_EQ(live().find("#EXT-X-GAP"), std::string::npos);
  source_goes_on(2);
  rung_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - -; | 2: x");
}

// When a pause is over nothing leaps: what is told stays as far behind the source as encoders are.
TEST_F(GapPartsTest, OneThatWasPausedIsBackWithoutALeap) {
  source_goes_on(3);
  both_go_on(5);
  of_rung(RenditionRecord{RenditionState::paused, false, "", 0, 0, 0, 0, 0, 0});
  rung_goes_on(3);  // what the encoder still had
  of_rung(EndRecord{"paused"});
  EXPECT_EQ(parts(), "0: x x x x; 1: x x x x; | 2:");
  source_goes_on(20);
  EXPECT_EQ(parts().substr(parts().find('|')), "| 6: - -");
  of_rung(RenditionRecord{});
  source_goes_on(2);  // the first two of segment 7, with which the encoder starts
  ASSERT_EQ(source_at_, 30u);
  EXPECT_EQ(parts().substr(parts().find('|')), "| 6: - - - -");
  source_goes_on(2);  // for its first part it is waited
  EXPECT_EQ(parts().substr(parts().find('|')), "| 7:");
  starts_again(7);
  rung_goes_on();
  EXPECT_EQ(parts().substr(parts().find('|')), "| 7: x");
}

TEST_F(GapPartsTest, AnEncoderThatStartsIsWaitedForButNotForEver) {
  both_go_on(4);
  of_source(EndRecord{"disconnect"});
  of_rung(EndRecord{"disconnect"});
  rung_.forget_told();
  of_source(run("20261121T050100Z-n01-0001", 1, 1, test::kUtc + 60'000'000, 2000, 550));
  of_source(init("aa", "r2/0.mp4"));
  of_rung(RenditionRecord{});
  source_goes_on(7);
  EXPECT_EQ(parts(), "0: x x x x; | 1:");
  source_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; | 1: -");
  EXPECT_NE(live().find(R"(#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXT-X-PART:DURATION=0.500000,URI="1.0.m4s",GAP=YES
)"),
            std::string::npos)
      << live();
}

// A session that is over has nothing to wait for.
TEST_F(GapPartsTest, WhenNobodyEncodesAnyMoreItEndsWhereItsSourceDoes) {
  source_goes_on(2);
  both_go_on(5);
  of_source(segment(1, 2, 1.5));
  rung_.stop(source_);
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - gap; | 2:");
}

// A source that says nothing: encoders wait for more pictures, and keep the last ones.
TEST_F(GapPartsTest, WhatASilentSourceHasIsOwed) {
  source_goes_on(2);
  both_go_on(5);
  EXPECT_TRUE(rung_.behind(source_));
  rung_.miss_next(source_);
  EXPECT_EQ(parts(), "0: x x x x; | 1: x -");
  EXPECT_TRUE(rung_.behind(source_));
  rung_.miss_next(source_);
  EXPECT_EQ(parts(), "0: x x x x; | 1: x - -");
  EXPECT_FALSE(rung_.behind(source_));
  rung_.miss_next(source_);
  EXPECT_EQ(parts(), "0: x x x x; | 1: x - -");
  // It goes on: with each part of it there is a gap, as with any segment that has lost something.
  source_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; | 1: x - - -");
  rung_goes_on(3);
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - -; | 2:");
  EXPECT_FALSE(rung_.behind(source_));
  source_goes_on();
  rung_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; 1: x - - -; | 2: x");
}

TEST_F(GapPartsTest, WhatHasNoPartsHasNoGapParts) {
  RenditionIndex replay{{}};
  for (const bool pictures : {false, true}) {
    RenditionIndex& one = pictures ? rung_ : replay;
    InitRecord own = init("bb", "derived/720p/r/0.mp4");
    if (pictures) own.codecs = kPictureCodec, own.id = "cc";
    StreamIndex source{{180'000, 60'000}};
    source.add(run("20261121T050000Z-n01-0001", 0, 0, test::kUtc, 2000, 550));
    source.add(init("aa", "r1/0.mp4"));
    one.add(run("20261121T050000Z-n01-0101", 0, 0), source);
    one.add(own, source);
    for (uint32_t i = 0; i < 16; ++i) {
      source.add(part(i / 4, i % 4));
      if (i % 4 == 3) source.add(segment(i / 4, i / 4 * 2.0));
      SegmentRecord first = rung_segment(0, 0);
      first.init_id = own.id;
      if (i == 3) one.add(first, source);
      one.follow(source);
    }
    EXPECT_TRUE(one.index().parts_of(1).empty()) << pictures;
    EXPECT_EQ(one.index().next_msn(), 1u) << pictures;
  }
}

}  // namespace
}  // namespace headgate::playlist
