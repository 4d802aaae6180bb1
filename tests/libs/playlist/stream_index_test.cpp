// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <playlist/hls.h>

#include "records.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::part;
using test::run;
using test::segment;

StreamIndex fed(const std::vector<Record>& records, IndexSettings settings = {}) {
  StreamIndex index(settings);
  for (const Record& record : records) index.add(record);
  return index;
}

std::vector<uint64_t> numbers(const StreamIndex& index) {
  std::vector<uint64_t> found;
  for (const Segment& segment : index.segments()) found.push_back(segment.record.msn);
  return found;
}

std::vector<uint64_t> discontinuities(const StreamIndex& index) {
  std::vector<uint64_t> found;
  for (const Segment& segment : index.segments()) found.push_back(segment.discontinuity_sequence);
  return found;
}

using Numbers = std::vector<uint64_t>;

std::string shown(const StreamIndex& index) {
  return media_playlist(index, {}) + media_playlist(index, {.type = PlaylistType::vod}) +
         multivariant_playlist(index) + std::to_string(index.run_open());
}

TEST(StreamIndex, Empty) {
  const StreamIndex index;
  EXPECT_TRUE(index.segments().empty());
  EXPECT_EQ(index.next_msn(), std::nullopt);
  EXPECT_EQ(index.newest_init(), nullptr);
  EXPECT_EQ(index.find_segment(0), nullptr);
  EXPECT_EQ(index.find_part(0, 0), nullptr);
  EXPECT_FALSE(index.run_open());
  EXPECT_EQ(index.bandwidth(), 0u);
  EXPECT_EQ(index.average_bandwidth(), 0u);
  EXPECT_EQ(index.target_seconds(), 4u);
}

TEST(StreamIndex, ARunBeginsAndEnds) {
  StreamIndex index;
  index.add(run("r1", 5, 2));
  EXPECT_TRUE(index.run_open());
  EXPECT_EQ(index.next_msn(), 5u);
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(5, 0));
  index.add(segment(6, 2));
  EXPECT_EQ(numbers(index), (Numbers{5, 6}));
  EXPECT_EQ(discontinuities(index), (Numbers{2, 2}));
  EXPECT_EQ(index.next_msn(), 7u);
  EXPECT_EQ(index.find_segment(6)->record.pts, 2 * test::kSecond);
  EXPECT_EQ(index.find_segment(7), nullptr);
  index.add(EndRecord{"eos"});
  EXPECT_FALSE(index.run_open());
}

TEST(StreamIndex, EachRunAndEachGapIsADiscontinuity) {
  SegmentRecord after_gap = segment(2, 10);
  after_gap.discontinuity = true;
  SegmentRecord flagged = segment(4, 22, 2, "bb", "r2/0.mp4");
  flagged.discontinuity = true;  // the first of its run: counted once
  const StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), segment(0, 0), segment(1, 2),
                                 GapRecord{"stall", 4, 10, 0, 0}, after_gap, segment(3, 12), EndRecord{"eos"},
                                 run("r2", 4, 2, test::kUtc + 1), init("bb", "r2/0.mp4"), flagged,
                                 segment(5, 24, 2, "bb", "r2/0.mp4")});
  EXPECT_EQ(discontinuities(index), (Numbers{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(index.live_begin(), 0u);
}

TEST(StreamIndex, WhateverNumberARunBringsItIsADiscontinuity) {
  const StreamIndex index =
      fed({run("r1", 0, 7), init("aa", "r1/0.mp4"), segment(0, 0), run("r2", 1, 3, test::kUtc + 1),
           segment(1, 9), run("r3", 2, 11, test::kUtc + 2), segment(2, 12)});
  EXPECT_EQ(discontinuities(index), (Numbers{7, 8, 11}));
  EXPECT_TRUE(index.segments()[2].continues) << "runs without segments in between: told by as many tags";
}

TEST(StreamIndex, ToldTwiceChangesNothing) {
  SegmentRecord after_gap = segment(2, 10);
  after_gap.discontinuity = true;
  const std::vector<Record> first{run("r1", 0, 0), init("aa", "r1/0.mp4"), part(0, 0), part(0, 1),
                                  segment(0, 0),   segment(1, 2),          after_gap,  EndRecord{"eos"}};
  const std::vector<Record> second{run("r2", 3, 2, test::kUtc + 20'000'000), init("bb", "r2/0.mp4"),
                                   part(3, 0), segment(3, 20, 2, "bb", "r2/0.mp4"), part(4, 0)};
  StreamIndex index = fed(first);
  for (const Record& record : second) index.add(record);
  const std::string before = shown(index);
  const uint64_t version = index.version();
  for (int round = 0; round < 2; ++round) {
    for (const Record& record : first) index.add(record);
    for (const Record& record : second) index.add(record);
  }
  EXPECT_EQ(shown(index), before);
  EXPECT_EQ(index.version(), version);
  // Parts are not among the segments.
  const uint64_t segments_version = index.segments_version();
  index.add(part(4, 1));
  EXPECT_GT(index.version(), version);
  EXPECT_EQ(index.segments_version(), segments_version);
  // And what is new after the repeats still counts.
  index.add(segment(4, 22, 2, "bb", "r2/0.mp4"));
  EXPECT_EQ(numbers(index), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_GT(index.segments_version(), segments_version);
  index.add(EndRecord{"eos"});
  EXPECT_FALSE(index.run_open());
}

TEST(StreamIndex, AJumpInTheNumbersEndsWhatALivePlaylistReaches) {
  const StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), segment(0, 0), segment(1, 2),
                                 run("r2", 10, 1, test::kUtc + 1), segment(10, 40), segment(11, 42)});
  EXPECT_EQ(numbers(index), (Numbers{0, 1, 10, 11}));
  EXPECT_EQ(index.live_begin(), 2u);
  EXPECT_EQ(index.find_segment(1)->record.msn, 1u);
  EXPECT_EQ(index.find_segment(5), nullptr);
  EXPECT_EQ(index.find_segment(10)->record.msn, 10u);
}

TEST(StreamIndex, AJumpInTheDiscontinuitiesToo) {
  const StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), segment(0, 0),
                                 run("r2", 1, 1000, test::kUtc + 1), segment(1, 9)});
  EXPECT_EQ(discontinuities(index), (Numbers{0, 1000}));
  EXPECT_EQ(index.live_begin(), 1u);
}

TEST(StreamIndex, ANewerRunBelowTheNumbersStartsOver) {
  StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), segment(0, 0), segment(1, 2), part(2, 0),
                           run("r2", 0, 0, test::kUtc + 60'000'000)});
  EXPECT_TRUE(index.segments().empty());
  EXPECT_EQ(index.find_part(2, 0), nullptr);
  index.add(segment(0, 60, 2, "aa", "r2/0.mp4"));
  EXPECT_TRUE(index.segments().empty()) << "its init segment is not known any more";
  index.add(init("aa", "r2/0.mp4"));
  index.add(segment(0, 60, 2, "aa", "r2/0.mp4"));
  EXPECT_EQ(numbers(index), (Numbers{0}));
  EXPECT_EQ(index.find_segment(0)->record.file, "r2/0.mp4");
}

TEST(StreamIndex, ARunBelowSegmentsThatBelongToNoneToo) {
  const StreamIndex index = fed({init("aa", "r1/0.mp4"), segment(5, 0), segment(6, 2), run("r1", 3, 0),
                                 init("aa", "r1/0.mp4"), segment(3, 4), segment(4, 6), segment(5, 8)});
  EXPECT_EQ(numbers(index), (Numbers{3, 4, 5}));
}

TEST(StreamIndex, SegmentsOfUnknownInitsArePassedOver) {
  const StreamIndex index =
      fed({run("r1", 0, 0), segment(0, 0, 2, "zz"), init("aa", "r1/0.mp4"), segment(1, 2)});
  EXPECT_EQ(numbers(index), (Numbers{1}));
}

TEST(StreamIndex, NumbersThatCannotBeArePassedOver) {
  SegmentRecord wrong = segment(1, 2);
  wrong.duration = -5;
  const StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), segment(0, 0), wrong});
  EXPECT_EQ(numbers(index), (Numbers{0}));
}

TEST(StreamIndex, WindowsCountMediaTime) {
  StreamIndex index({.window_ms = 40'000, .live_ms = 20'000});
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 100; ++i) {
    // An hour's hole in the middle: what is listed does not leave because of it.
    index.add(segment(i, static_cast<double>(i) * 2 + (i >= 50 ? 3600 : 0)));
    EXPECT_EQ(index.segments().size(), std::min<size_t>(i + 1, 20));
    EXPECT_EQ(index.segments().size() - index.live_begin(), std::min<size_t>(i + 1, 10));
    EXPECT_EQ(index.segments().back().record.msn, i);
  }
}

TEST(StreamIndex, ThreeTargetDurationsStay) {
  StreamIndex index({.window_ms = 1, .live_ms = 1});
  index.add(run("r1", 0, 0, test::kUtc, 3500));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 20; ++i) index.add(segment(i, static_cast<double>(i) * 2));
  EXPECT_EQ(index.target_seconds(), 4u);
  EXPECT_EQ(index.segments().size(), 6u);
  EXPECT_EQ(index.live_begin(), 0u);
}

TEST(StreamIndex, ThePromiseIsTheTargetAndStays) {
  StreamIndex index;
  index.add(run("r1", 0, 0, test::kUtc, 5200));
  index.add(init("aa", "r1/0.mp4"));
  EXPECT_EQ(index.target_seconds(), 6u);
  double at = 0;
  for (const double length : {2.0, 5.2, 6.4, 0.5}) {
    index.add(segment(*index.next_msn(), at, length));
    EXPECT_EQ(index.target_seconds(), 6u);
    at += length;
  }
  index.add(run("r2", 4, 1, test::kUtc + 1, 2000));
  EXPECT_EQ(index.target_seconds(), 6u) << "what is listed is as long as it was";
  StreamIndex shorter;
  shorter.add(run("r1", 0, 0, test::kUtc, 2000));
  EXPECT_EQ(shorter.target_seconds(), 2u);
}

TEST(StreamIndex, WithoutAPromiseTheTargetIsTheLongestSeen) {
  StreamIndex index;
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(0, 0, 2.4));
  EXPECT_EQ(index.target_seconds(), kDefaultTargetSeconds);
  index.add(segment(1, 2.4, 6.5));
  EXPECT_EQ(index.target_seconds(), 7u);
  index.add(segment(2, 8.9, 2));
  EXPECT_EQ(index.target_seconds(), 7u);
}

TEST(StreamIndex, AnEmptyRunAndAClockThatStepsBackAreFollowed) {
  StreamIndex index;
  index.add(run("20260914T060010Z-n01-0000", 0, 0, test::kUtc + 10'000'000));
  // Its name was made to come after, though the clock went back; it has the same number to begin with.
  index.add(run("20260914T060010Z-n01-0001", 0, 0, test::kUtc));
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(0, 0));
  EXPECT_EQ(numbers(index), Numbers{0});
  EXPECT_TRUE(is_later_run("20260914T060010Z-n01-0001", "20260914T060010Z-n02-0000"));
  EXPECT_FALSE(is_later_run("20260914T060010Z-n01-0001", "20260914T060010Z-n01-0001"));
  EXPECT_FALSE(is_later_run("20260914T060009Z-n01-ffff", "20260914T060010Z-n01-0000"));
}

TEST(StreamIndex, DatesDoNotDriftFromTheMedia) {
  StreamIndex index;
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 5000; ++i) {
    SegmentRecord one = segment(i, 0);
    one.pts = static_cast<int64_t>(i) * 180'004;  // no whole number of microseconds
    one.duration = 180'004;
    index.add(one);
  }
  const Segment& last = index.segments().back();
  EXPECT_EQ(last.program_utc_us, test::kUtc + last.record.pts * 100 / 9);
}

TEST(StreamIndex, LiveBeginNeverGoesBackWhenTheTargetGrows) {
  StreamIndex index({.live_ms = 1000});
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 10; ++i) index.add(segment(i, static_cast<double>(i) * 2));
  EXPECT_EQ(index.segments()[index.live_begin()].record.msn, 4u);
  index.add(segment(10, 20, 12));
  EXPECT_EQ(index.segments()[index.live_begin()].record.msn, 4u);
}

TEST(StreamIndex, Bandwidth) {
  StreamIndex index;
  index.add(run("r1", 0, 0, test::kUtc, 2000));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 4; ++i) index.add(segment(i, static_cast<double>(i) * 2));
  EXPECT_EQ(index.bandwidth(), 2'000'000u);
  EXPECT_EQ(index.average_bandwidth(), 2'000'000u);
  SegmentRecord heavy = segment(4, 8);
  heavy.length *= 3;
  index.add(heavy);
  EXPECT_EQ(index.bandwidth(), 6'000'000u);
  EXPECT_EQ(index.average_bandwidth(), 2'800'000u);
  // 0.1 s at 40 Mbit/s is no bandwidth: it counts together with its neighbour.
  SegmentRecord shard = segment(5, 10, 0.1);
  shard.length = 500'000;
  index.add(shard);
  index.add(segment(6, 10.1, 2));
  EXPECT_EQ(index.bandwidth(), static_cast<uint32_t>(8 * (1'500'000 + 500'000) / 2.1));
}

TEST(StreamIndex, OneShortSegmentHasItsOwnRate) {
  const StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), segment(0, 0, 0.5)});
  EXPECT_EQ(index.bandwidth(), 2'000'000u);
}

TEST(StreamIndex, PartsOfTheLiveEdge) {
  StreamIndex index;
  index.add(run("r1", 0, 0, test::kUtc, 2000, 550));  // three target durations: 6 s
  index.add(init("aa", "r1/0.mp4"));
  EXPECT_EQ(index.part_target_ms(), 550u);
  for (uint64_t msn = 0; msn < 10; ++msn) {
    for (uint32_t i = 0; i < 4; ++i) {
      index.add(part(msn, i));
      EXPECT_EQ(*index.find_part(msn, i), part(msn, i));
      EXPECT_EQ(index.parts_of(msn).size(), i + 1);
    }
    index.add(segment(msn, static_cast<double>(msn) * 2));
  }
  EXPECT_EQ(index.listed_parts_begin(), 7u);
  EXPECT_EQ(index.find_part(3, 3), nullptr);
  EXPECT_EQ(*index.find_part(4, 0), part(4, 0)) << "listed until a moment ago: still to be had";
  EXPECT_EQ(index.find_part(4, 4), nullptr);
  index.add(part(10, 0));
  EXPECT_EQ(index.listed_parts_begin(), 8u);
  // A segment that was never finished: its number is used again by the next run.
  index.add(part(10, 1));
  index.add(run("r2", 10, 1, test::kUtc + 1));
  EXPECT_EQ(index.find_part(10, 1), nullptr);
  PartRecord again = part(10, 0);
  again.file = "r2/0.mp4";
  index.add(again);
  EXPECT_EQ(*index.find_part(10, 0), again);
  EXPECT_EQ(index.part_target_ms(), 550u) << "a run that promises nothing takes nothing back";
}

// Players know parts by their place: those of a segment are all known, or none.
TEST(StreamIndex, PartsWithoutHoles) {
  StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), part(0, 0), part(0, 2)});
  EXPECT_EQ(index.parts_of(0).size(), 1u);
  index.add(segment(0, 0));
  EXPECT_EQ(index.find_part(0, 0), nullptr) << "not all of the segment";
  index.add(part(1, 1));
  EXPECT_TRUE(index.parts_of(1).empty());
  EXPECT_FALSE(index.open_segment());
  index.add(segment(1, 2));
  index.add(part(2, 0));
  EXPECT_EQ(index.parts_of(2).size(), 1u);
}

TEST(StreamIndex, TheOpenSegmentStandsWhereItWillStand) {
  StreamIndex index = fed({run("r1", 0, 4), init("aa", "r1/0.mp4"), part(0, 0)});
  const auto compare = [&](uint64_t msn, const SegmentRecord& record) {
    const auto open = index.open_segment();
    ASSERT_TRUE(open);
    index.add(record);
    const Segment& finished = index.segments().back();
    EXPECT_EQ(open->record.msn, msn);
    EXPECT_EQ(open->record.init_id, finished.record.init_id);
    EXPECT_EQ(open->program_utc_us, finished.program_utc_us);
    EXPECT_EQ(open->discontinuity_sequence, finished.discontinuity_sequence);
    EXPECT_EQ(open->continues, finished.continues);
    EXPECT_FALSE(index.open_segment());
  };
  compare(0, segment(0, 0));
  PartRecord jumped = part(1, 0);
  jumped.discontinuity = true;
  jumped.pts = 10 * test::kSecond;
  jumped.utc_us = test::kUtc + 10'000'000;
  SegmentRecord after = segment(1, 10);
  after.discontinuity = true;
  index.add(jumped);
  compare(1, after);
  PartRecord next = part(2, 0);
  next.pts = 12 * test::kSecond;
  next.utc_us += 77'000;  // the clock of receipt; the date goes by media time
  SegmentRecord last = segment(2, 12);
  last.utc_us = next.utc_us;
  index.add(next);
  compare(2, last);
  index.add(EndRecord{"disconnect"});
  index.add(run("r2", 3, 6, test::kUtc + 60'000'000));
  index.add(init("bb", "r2/0.mp4"));
  PartRecord first = part(3, 0);
  first.pts = 60 * test::kSecond;
  first.utc_us = test::kUtc + 60'000'000;
  index.add(first);
  compare(3, segment(3, 60, 2, "bb", "r2/0.mp4"));
}

// As the archive's recovery has it: the next run goes on behind that number.
TEST(StreamIndex, ASegmentInWhichItsWriterDiedIsWhatWasToldOfIt) {
  StreamIndex index;
  index.add(run("r1", 0, 0, test::kUtc, 2000, 550));
  index.add(init("aa", "r1/0.mp4"));
  for (uint32_t i = 0; i < 4; ++i) index.add(part(0, i));
  index.add(segment(0, 0));
  for (uint32_t i = 0; i < 3; ++i) index.add(part(1, i));
  index.add(run("r2", 2, 1, test::kUtc + 9'000'000, 2000, 550));
  ASSERT_EQ(index.segments().size(), 2u);
  const Segment& made = index.segments().back();
  EXPECT_EQ(made.record.msn, 1u);
  EXPECT_EQ(made.record.duration, 3 * test::kSecond / 2);
  EXPECT_EQ(made.record.length, 375'000u);
  EXPECT_EQ(made.discontinuity_sequence, 0u);
  EXPECT_TRUE(made.continues);
  EXPECT_EQ(index.parts_of(1).size(), 3u);
  index.add(init("bb", "r2/0.mp4"));
  index.add(segment(2, 9, 2, "bb", "r2/0.mp4"));
  EXPECT_TRUE(index.segments().back().continues);
  EXPECT_EQ(index.segments().back().discontinuity_sequence, 1u);
  EXPECT_EQ(index.live_begin(), 0u);
}

TEST(StreamIndex, PartsAreBounded) {
  StreamIndex index;
  for (uint32_t i = 0; i < kMaxParts + 10; ++i) index.add(part(0, i));
  EXPECT_EQ(index.find_part(0, 9), nullptr);
  EXPECT_NE(index.find_part(0, 10), nullptr);
}

TEST(StreamIndex, InitsFollowTheFilesThatAreStillListed) {
  StreamIndex index({.window_ms = 12'000});
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  for (uint64_t i = 0; i < 6; ++i) index.add(segment(i, static_cast<double>(i) * 2, 2, "aa", "r1/0.mp4"));
  index.add(init("aa", "r1/1.mp4"));  // rotation: same bytes
  for (uint64_t i = 6; i < 12; ++i) index.add(segment(i, static_cast<double>(i) * 2, 2, "aa", "r1/1.mp4"));
  EXPECT_EQ(index.inits().at("aa").file, "r1/1.mp4");
  index.add(init("bb", "r1/2.mp4"));
  EXPECT_EQ(index.newest_init()->id, "aa") << "nothing of it is listed yet";
  for (uint64_t i = 12; i < 18; ++i) index.add(segment(i, static_cast<double>(i) * 2, 2, "bb", "r1/2.mp4"));
  EXPECT_EQ(index.newest_init()->id, "bb");
  EXPECT_FALSE(index.inits().contains("aa"));
}

TEST(StreamIndex, DatesFollowMediaTimeWithinARun) {
  SegmentRecord late = segment(1, 2);
  late.utc_us += 700'000;  // a slow network
  SegmentRecord after_gap = segment(2, 10);
  after_gap.discontinuity = true;
  after_gap.utc_us = test::kUtc + 11'000'000;
  const StreamIndex index = fed({run("r1", 0, 0), init("aa", "r1/0.mp4"), segment(0, 0), late, after_gap});
  EXPECT_EQ(index.segments()[0].program_utc_us, test::kUtc);
  EXPECT_EQ(index.segments()[1].program_utc_us, test::kUtc + 2'000'000);
  EXPECT_EQ(index.segments()[2].program_utc_us, test::kUtc + 11'000'000);
}

}  // namespace
}  // namespace headgate::playlist
