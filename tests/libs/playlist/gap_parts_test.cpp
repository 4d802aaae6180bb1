// SPDX-License-Identifier: LGPL-2.1-or-later
// Parts that a rung has not: they are told as gaps when their time has come.
#include <playlist/directives.h>

#include "rendition_fixture.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::part;
using test::run;
using test::segment;

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

// An encoder that was started again within a segment: it has lost its beginning, and so is a gap from there
// on.
TEST_F(GapPartsTest, WhatHasLostItsBeginningIsAGapFromThereOn) {
  both_go_on(4);
  source_goes_on(2);
  PartRecord late = rung_part(1, 0);
  late.pts += kTimescale * 44 / 100;
  late.duration -= kTimescale * 44 / 100;
  of_rung(late);
  EXPECT_EQ(parts(), "0: x x x x; | 1: - -");
  source_goes_on(2);
  SegmentRecord cut = rung_segment(1, 2.44, 1.56);
  cut.length = 4 * 125'000;
  of_rung(cut);
  EXPECT_EQ(parts(), "0: x x x x; 1: - - - - gap; | 2:");
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
  EXPECT_EQ(parts(), "0: x x x x; | 1: - -");
  EXPECT_NE(live().find(R"(#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2025-11-21T05:00:02.000Z
#EXT-X-PART:DURATION=0.500000,URI="1.0.m4s",GAP=YES
)"),
            std::string::npos)
      << live();
  // Of the target duration's one and a half, 6 s (6.2.1), five are over when there is a segment.
  source_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; | 1: - - - -");
  source_goes_on();
  EXPECT_EQ(parts(), "0: x x x x; 1: - - - - gap; | 2:");
  source_goes_on(2);
  EXPECT_EQ(parts(), "0: x x x x; 1: - - - - gap; | 2: - -");
  source_goes_on(2);
  EXPECT_EQ(parts(), "0: x x x x; 1: - - - - gap; 2: - - - - gap; | 3:") << "7 s";
}

// An encoder that begins so late that live playlists do not reach back any more to what it gives first, and
// fails.
TEST_F(GapPartsTest, WhatBeginsWithAnOldPartHasGapsFromThereOn) {
  source_goes_on(4 * 50);
  of_rung(rung_part(10, 0));
  fails();
  source_goes_on(4);
  const auto& own = rung_.index().segments();
  ASSERT_FALSE(own.empty());
  EXPECT_EQ(own.front().record.msn, 10u);
  EXPECT_EQ(own.back().record.msn, 43u) << "of those that follow parts are known";
  EXPECT_EQ(parts().substr(parts().find('|')), "| 44: - - - -");
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
