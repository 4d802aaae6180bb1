// SPDX-License-Identifier: LGPL-2.1-or-later
// Segments and parts against what the playlist says: right ones pass, each wrong one breaks its rule.
#include <gtest/gtest.h>

#include <conformance/segment_checker.h>

#include "files.h"
#include "made_media.h"

namespace headgate {
namespace {

using conformance::Findings;
using conformance::kSecond;
using conformance::Part;
using conformance::Segment;
using conformance::SegmentChecker;
using test::MadeChunk;
using test::MadeInit;

using Ids = std::set<std::string>;

class Segments : public testing::Test {
 protected:
  static Segment listed(uint64_t msn, conformance::Micros duration = 2 * kSecond) {
    Segment segment;
    segment.msn = msn;
    segment.duration = duration;
    segment.resource.uri = std::to_string(msn) + ".m4s";
    segment.map = conformance::Resource{"init.mp4", std::nullopt};
    return segment;
  }
  Ids init(const MadeInit& what = {}, const char* uri = "init.mp4") {
    return test::ids(checker_.take_init({uri, std::nullopt}, as_bytes(test::made_init(what))));
  }
  Ids take(const Segment& segment, const std::string& bytes) {
    const Findings findings = checker_.take_segment(segment, context_, as_bytes(bytes));
    told_ = test::text_of(findings);
    return test::ids(findings);
  }
  Ids video(uint64_t msn, MadeChunk chunk) { return take(listed(msn), test::made_chunk(chunk)); }

  SegmentChecker checker_;
  SegmentChecker::Context context_;
  std::string told_;
};

TEST_F(Segments, RightOnesPass) {
  context_.independent = true;
  EXPECT_EQ(init(), Ids{});
  for (uint64_t i = 0; i < 5; ++i)
    EXPECT_EQ(take(listed(10 + i), test::made_segment(i, true)), Ids{}) << told_;
  EXPECT_EQ(checker_.codecs(), (std::set<std::string>{"avc1.64001e", "mp4a.40.2"}));
  EXPECT_NEAR(checker_.frame_rate(), 25, 0.001);
  ASSERT_TRUE(checker_.has_video());
  EXPECT_EQ(checker_.video()->width, 640u);
  EXPECT_EQ(*checker_.measured().at(1).start, 2 * kSecond);
}

TEST_F(Segments, OtherBoxesMayStandBefore) {
  init();
  EXPECT_EQ(take(listed(1), std::string("\0\0\0\x0Cuuidabcd", 12) + test::made_segment(0)), Ids{}) << told_;
}

TEST_F(Segments, InitFormat) {
  MadeInit wrong;
  wrong.mvex = false;
  EXPECT_EQ(init(wrong), Ids{"init-format"});
  wrong = {};
  wrong.duration = 5;
  EXPECT_EQ(init(wrong), Ids{"init-format"});
  wrong = {};
  wrong.samples = 1;
  EXPECT_EQ(init(wrong), Ids{"init-format"});
  wrong = {};
  wrong.tracks = {test::kVideo, test::kVideo};
  EXPECT_EQ(init(wrong), Ids{"init-format"});
  wrong.tracks = {};
  EXPECT_EQ(init(wrong), Ids{"init-format"});
  EXPECT_EQ(test::ids(checker_.take_init({"a", std::nullopt}, as_bytes(test::made_chunk({})))),
            Ids{"init-format"});
  EXPECT_EQ(test::ids(checker_.take_init({"a", std::nullopt}, as_bytes("#EXTM3U\n"))), Ids{"not-checked"});
}

TEST_F(Segments, SegmentFormat) {
  init();
  MadeChunk wrong;
  wrong.tfdt = false;
  EXPECT_EQ(video(1, wrong), Ids{"segment-format"});
  wrong = {};
  wrong.base_offset = true;
  EXPECT_EQ(video(3, wrong), Ids{"segment-format"});
  wrong = {};
  wrong.shift = 1;
  EXPECT_EQ(video(5, wrong), Ids{"segment-format"}) << told_;
  const std::string right = test::made_chunk({});
  EXPECT_EQ(take(listed(7), right.substr(0, right.size() - 1)), Ids{"segment-format"});
  EXPECT_EQ(take(listed(9), right.substr(0, 60)), Ids{"segment-format"});
  EXPECT_EQ(take(listed(11), test::made_init()), Ids{"segment-format"});
}

TEST_F(Segments, SegmentTracks) {
  init();
  MadeChunk wrong;
  wrong.track = 7;
  EXPECT_EQ(take(listed(1), test::made_chunk(wrong)), Ids{"segment-format"}) << told_;
  EXPECT_EQ(take(listed(2), test::made_chunk({}) + test::made_chunk(wrong)), Ids{"segment-tracks"}) << told_;
}

TEST_F(Segments, MapMissing) {
  Segment segment = listed(1);
  segment.map.reset();
  EXPECT_EQ(take(segment, test::made_chunk({})), Ids{"map-missing"});
}

TEST_F(Segments, NotChecked) {
  init();
  EXPECT_EQ(take(listed(1), std::string(188, '\x47')), Ids{"not-checked"});
  Segment segment = listed(2);
  segment.encrypted = true;
  EXPECT_EQ(take(segment, test::made_chunk({})), Ids{"not-checked"});
}

TEST_F(Segments, TracksChanged) {
  init();
  MadeInit other;
  other.tracks = {test::kVideo};
  init(other, "other.mp4");
  EXPECT_EQ(take(listed(1), test::made_segment(0)), Ids{});
  Segment segment = listed(2);
  segment.map->uri = "other.mp4";
  EXPECT_EQ(take(segment, test::made_segment(1)), Ids{"tracks-changed"});
  segment = listed(3);
  segment.discontinuous = true;
  EXPECT_EQ(take(segment, test::made_segment(2)), Ids{});
}

TEST_F(Segments, TimeBackAndHole) {
  init();
  EXPECT_EQ(video(1, {1, 0}), Ids{});
  EXPECT_EQ(video(2, {1, 180000 - 1800}), Ids{"time-back"});
  EXPECT_EQ(video(3, {1, 360000 - 1800 + 9000}), Ids{"time-hole"});
  Segment segment = listed(4);
  segment.discontinuous = true;
  EXPECT_EQ(take(segment, test::made_chunk({1, 0})), Ids{});
  // Nothing is known across one that was left out.
  EXPECT_EQ(video(6, {1, 9000000}), Ids{});
  EXPECT_EQ(take(listed(7),
                 test::made_chunk({1, 9180000, 25}) + test::made_chunk({1, 9180000, 25, 3600, false, 1})),
            Ids{"time-back"});
}

TEST_F(Segments, DurationWrong) {
  init();
  EXPECT_EQ(take(listed(1, kSecond * 209 / 100), test::made_segment(0)), Ids{});
  EXPECT_EQ(take(listed(2, kSecond * 211 / 100), test::made_segment(1)), Ids{"duration-wrong"});
}

// The stream was cut off between a picture and three that are shown before it and come after it.
TEST_F(Segments, DurationWithPicturesThatNeverCame) {
  init();
  MadeChunk chunk;
  chunk.samples = 27;
  chunk.later = 3 * 3600;
  EXPECT_EQ(take(listed(1, kSecond * 120 / 100), test::made_chunk(chunk)), Ids{}) << told_;
  chunk.time = 27 * 3600;
  EXPECT_EQ(take(listed(2, kSecond * 131 / 100), test::made_chunk(chunk)), Ids{"duration-wrong"});
  chunk.time *= 2;
  chunk.later = 0;
  EXPECT_EQ(take(listed(3, kSecond * 120 / 100), test::made_chunk(chunk)), Ids{"duration-wrong"});
}

TEST_F(Segments, DurationOfSoundAlone) {
  MadeInit sound;
  sound.tracks = {test::kAudio};
  init(sound);
  const auto frames = [](uint32_t count) { return test::made_chunk({2, 0, count, 1024, true, 0}); };
  EXPECT_EQ(take(listed(1), frames(83)), Ids{}) << told_;
  EXPECT_EQ(take(listed(3), frames(81)), Ids{"duration-wrong"});
}

TEST_F(Segments, KeyFrames) {
  init();
  MadeChunk wrong;
  wrong.key = false;
  wrong.nal_type = 1;
  EXPECT_EQ(video(1, wrong), Ids{"no-key-frame"});
  context_.independent = true;
  wrong.time = 180000;
  EXPECT_EQ(video(2, wrong), Ids{"not-independent"});
  wrong.key = true;
  wrong.time = 360000;
  EXPECT_EQ(video(3, wrong), (Ids{"not-independent", "sync-untrue"}));
}

TEST_F(Segments, ASyncSampleInTheMiddleIsLookedAtToo) {
  init();
  MadeChunk chunk;
  chunk.flagged = 25;
  chunk.flagged_type = 5;
  EXPECT_EQ(video(1, chunk), Ids{});
  chunk.time = 180000;
  chunk.flagged_type = 1;
  EXPECT_EQ(video(2, chunk), Ids{"sync-untrue"});
}

TEST_F(Segments, IframeSingle) {
  init();
  context_.iframes_only = true;
  // The picture alone, without what follows it in its moof.
  const std::string chunk = test::made_chunk({});
  const size_t data = chunk.find("mdat") + 4;
  EXPECT_EQ(take(listed(1), chunk.substr(0, data + 20)), Ids{}) << told_;
  EXPECT_EQ(take(listed(2), chunk.substr(0, data + 10)), Ids{"iframe-single"});
  EXPECT_EQ(take(listed(3), chunk + chunk), Ids{"iframe-single"});
  EXPECT_EQ(video(4, {1, 0, 50, 3600, false, 1}), Ids{"iframe-single"});
  // What players pass over may stand before.
  const std::string box(
      "\0\0\0\x08"
      "free",
      8);
  EXPECT_EQ(take(listed(5), box + chunk), Ids{}) << told_;
  // A resource of its own may begin with its initialisation section, a range must not have it.
  EXPECT_EQ(take(listed(6), test::made_init() + chunk), Ids{}) << told_;
  Segment ranged = listed(7);
  ranged.resource.range = {0, 1000};
  EXPECT_EQ(take(ranged, chunk), Ids{}) << told_;
  EXPECT_EQ(take(ranged, test::made_init() + chunk), Ids{"iframe-single"});
}

TEST_F(Segments, BitrateTag) {
  init();
  Segment segment = listed(1);
  MadeChunk large;
  large.sample_bytes = 2000;
  const std::string bytes = test::made_chunk(large);
  segment.bitrate = bytes.size() * 8 / 2000;
  EXPECT_EQ(take(segment, bytes), Ids{});
  segment.msn = 2;
  *segment.bitrate = *segment.bitrate * 112 / 100;
  large.time = 180000;
  EXPECT_EQ(take(segment, test::made_chunk(large)), Ids{"bitrate-tag"});
}

TEST_F(Segments, Rates) {
  init();
  for (uint64_t i = 0; i < 4; ++i) {
    MadeChunk chunk{1, i * 180000};
    chunk.sample_bytes = i == 2 ? 500 : 100;
    video(i, chunk);
  }
  const conformance::Rates rates = checker_.rates(2);
  // Around 50 samples and a moof in 2 s; sets of up to 3 s.
  EXPECT_NEAR(rates.peak, 50 * 500 * 8 / 2.0, 1000);
  EXPECT_NEAR(rates.average, 50 * 800 * 8 / 8.0, 1000);
  EXPECT_EQ(checker_.rates(1).peak, 0) << "no set lasts 1.5 target durations at most";
}

class Parts : public Segments {
 protected:
  Parts() {
    init();
    for (int i = 0; i < 2; ++i) {
      Part part;
      part.duration = kSecond;
      part.independent = i == 0;
      parent_.parts.push_back(part);
    }
  }
  static MadeChunk half(int i) {
    return {1, 90000u * static_cast<uint32_t>(i), 25, 3600, i == 0, uint8_t(i == 0 ? 5 : 1)};
  }
  Ids part(size_t index, const MadeChunk& chunk) {
    return test::ids(checker_.take_part(parent_, index, as_bytes(test::made_chunk(chunk))));
  }
  Segment parent_ = listed(1);
};

TEST_F(Parts, RightOnesPass) {
  EXPECT_EQ(part(0, half(0)), Ids{});
  EXPECT_EQ(part(1, half(1)), Ids{});
  EXPECT_EQ(take(parent_, test::made_chunk(half(0)) + test::made_chunk(half(1))), Ids{}) << told_;
}

TEST_F(Parts, PartIndependent) {
  EXPECT_EQ(part(0, half(1)), Ids{"part-independent"});
}

TEST_F(Parts, PartIndependentByItsBytes) {
  // It is flagged as a key frame, and is none.
  MadeChunk wrong = half(0);
  wrong.nal_type = 1;
  EXPECT_EQ(part(0, wrong), Ids{"part-independent"});
  EXPECT_EQ(part(1, wrong), Ids{}) << "it needs no mark";
  // One in its middle will do, if it is one.
  wrong.key = false;
  wrong.flagged = 12;
  EXPECT_EQ(part(0, wrong), Ids{"part-independent"});
  wrong.flagged_type = 5;
  EXPECT_EQ(part(0, wrong), Ids{});
}

TEST_F(Parts, PartUnmarked) {
  EXPECT_EQ(part(1, half(0)), Ids{"part-unmarked"});
}

TEST_F(Parts, PartMedia) {
  part(0, half(0));
  MadeChunk other = half(1);
  other.samples = 24;
  part(1, other);
  EXPECT_EQ(take(parent_, test::made_chunk(half(0)) + test::made_chunk(half(1))), Ids{"part-media"});
}

TEST_F(Parts, OfWhichSomeWereMissedAreNotCompared) {
  part(1, half(1));
  EXPECT_EQ(take(parent_, test::made_chunk(half(0)) + test::made_chunk(half(1))), Ids{});
}

TEST_F(Parts, AreReadStrictly) {
  const std::string bytes = test::made_chunk(half(0));
  EXPECT_EQ(test::ids(checker_.take_part(parent_, 0, as_bytes(std::string_view(bytes).substr(0, 90)))),
            Ids{"segment-format"});
}

}  // namespace
}  // namespace headgate
