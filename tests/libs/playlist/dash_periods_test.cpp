// SPDX-License-Identifier: LGPL-2.1-or-later
// Periods that players are told of again and again, while renditions come and go: nothing that was listed is
// taken back, and a Period keeps what it has.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include <playlist/dash.h>
#include <playlist/rendition_index.h>

#include "manifest_text.h"
#include "records.h"

namespace headgate::playlist {
namespace {

using test::attribute_of;
using test::init;
using test::kUtc;
using test::segment;
using test::timeline_of;
using test::TimelineEntry;

constexpr char kFirstRun[] = "20261121T050000Z-n01-0001", kSecondRun[] = "20261121T050100Z-n01-0001";

// A stream of segments of two seconds, in parts if `part_ms` is promised, and a rung. Each part is told
// alone, and every time the manifest is made.
class DashPeriodsTest : public testing::Test {
 protected:
  void begin(uint32_t part_ms = 0, const std::string& name = kFirstRun, uint64_t msn = 0, uint64_t dseq = 0) {
    part_ms_ = part_ms;
    source_.add(test::run(name, msn, dseq, kUtc, 4000, part_ms));
    source_.add(init("aa", "r1/0.mp4"));
    told();
  }
  void begin_rung(const std::string& name = "20261121T050000Z-n01-0101", uint64_t msn = 0,
                  uint64_t dseq = 0) {
    rung_.add(test::run(name, msn, dseq, kUtc, 4000, part_ms_), source_);
    rung_.add(init("bb", "d/0.mp4"), source_);
  }
  void say(RenditionState state) {
    rung_.add(RenditionRecord{.state = state, .codecs = "avc1.4d401f", .width = 640, .height = 360}, source_);
    told();
  }
  void source_part(uint64_t msn, uint32_t index, bool sound = true) {
    PartRecord one = test::part(msn, index);
    if (!sound) one.chunks.pop_back();
    source_.add(one);
    told();
  }
  void source(uint64_t msn, double length = 2) {
    source_.add(segment(msn, 2.0 * static_cast<double>(msn), length));
    rung_.follow(source_);
    told();
  }
  void rung_part(uint64_t msn, uint32_t index) {
    PartRecord one = test::part(msn, index);
    one.file = "d/0.mp4";
    rung_.add(one, source_);
    told();
  }
  void rung(uint64_t msn, double length = 2) {
    rung_.add(segment(msn, 2.0 * static_cast<double>(msn), length, "bb", "d/0.mp4"), source_);
    told();
  }
  // Both, the rung behind.
  void both(uint64_t msn) {
    source(msn);
    rung(msn);
  }
  // One in parts, of which the rung is one behind.
  void both_in_parts(uint64_t msn) {
    for (uint32_t i = 0; i < 4; ++i) {
      source_part(msn, i);
      if (i > 0) rung_part(msn, i - 1);
    }
    source(msn);
    rung_part(msn, 3);
    rung(msn);
  }
  void told() {
    if (const auto& said = rung_.told()) running_ = said->state == RenditionState::running;
    const DashSettings settings{
        .ended = ended_, .zero_utc_us = kUtc, .renditions = {{"360p", &rung_.index(), running_, &rung_}}};
    text_ = dash_manifest(source_, {}, settings, periods_);
    expect_kept();
    last_ = shape();
  }
  // "0: video 0-4, 360p 0-3; 0-5: …": each Period's id, and each Representation's numbers.
  std::string shape() const {
    std::string out;
    for (size_t at = text_.find("<Period id=\""); at != text_.npos;
         at = text_.find("<Period id=\"", at + 1)) {
      const std::string period = text_.substr(at, text_.find("</Period>", at) - at);
      out += (out.empty() ? "" : "; ") + attribute_of(period, 0, "id") + ":";
      for (size_t one = period.find("<Representation "); one != period.npos;
           one = period.find("<Representation ", one + 1)) {
        const uint64_t first = std::stoull(attribute_of(period, one, "startNumber"));
        const size_t end = period.find("</Representation>", one);
        uint64_t count = 0;
        for (const TimelineEntry& entry : timeline_of(period.substr(one, end - one))) count += entry.count;
        out += " " + attribute_of(period, one, "id") + " " + std::to_string(first) + "-" +
               std::to_string(first + count - 1);
      }
    }
    return out;
  }
  // Whatever was listed in a Period and Representation is still there, to its last number; none is new in a
  // Period that was there.
  void expect_kept() const {
    const auto parse = [](const std::string& shape) {
      std::map<std::string, std::map<std::string, uint64_t>> out;
      std::istringstream in(shape);
      for (std::string period; std::getline(in, period, ';');) {
        std::istringstream words(period);
        std::string id, name, range;
        words >> id;
        while (words >> name >> range) out[id][name] = std::stoull(range.substr(range.find('-') + 1));
      }
      return out;
    };
    const auto before = parse(last_), now = parse(shape());
    for (const auto& [id, members] : before) {
      if (!now.contains(id)) continue;
      EXPECT_EQ(members.size(), now.at(id).size()) << last_ << "\n" << shape();
      for (const auto& [name, end] : members) {
        ASSERT_TRUE(now.at(id).contains(name)) << last_ << "\n" << shape();
        EXPECT_GE(now.at(id).at(name), end) << last_ << "\n" << shape();
      }
    }
  }

  StreamIndex source_{{180'000, 60'000}};
  RenditionIndex rung_{{180'000, 60'000}};
  DashPeriods periods_;
  uint32_t part_ms_ = 0;
  bool running_ = false, ended_ = false;
  std::string text_, last_;
};

TEST_F(DashPeriodsTest, ARungIsThereFromTheFirstSegmentOn) {
  begin();
  say(RenditionState::running);
  begin_rung();
  source(0);
  EXPECT_EQ(shape(), "") << "held back for the rung";
  rung(0);
  EXPECT_EQ(shape(), "0: video 0-0 360p 0-0");
  source(1);
  EXPECT_EQ(shape(), "0: video 0-1 360p 0-0") << "later ones are not";
  rung(1);
  EXPECT_EQ(shape(), "0: video 0-1 360p 0-1");
}

TEST_F(DashPeriodsTest, OneThatDoesNotComeIsNotWaitedForForLong) {
  begin();
  say(RenditionState::running);
  source(0);
  source(1);
  EXPECT_EQ(shape(), "0: video 0-1");
  for (uint64_t i = 2; i < 5; ++i) source(i);
  EXPECT_EQ(shape(), "0: video 0-4");
  // When it is there after all, it is in the next Period.
  begin_rung();
  rung(4);
  EXPECT_EQ(shape(), "0: video 0-4");
  source(5);
  EXPECT_EQ(shape(), "0: video 0-4") << "held back for it, as it has the one before";
  rung(5);
  EXPECT_EQ(shape(), "0: video 0-4; 0-5: video 5-5 360p 5-5");
}

// Players that begin go by the clock: what is being written is not held back beyond their place.
TEST_F(DashPeriodsTest, APeriodOfWhatIsBeingWrittenIsNotHeldBackForLong) {
  begin(550);
  for (uint64_t i = 0; i < 3; ++i) {
    for (uint32_t part = 0; part < 4; ++part) source_part(i, part);
    source(i);
  }
  say(RenditionState::running);
  source_part(3, 0);
  EXPECT_EQ(shape(), "0: video 0-3") << "it has nothing yet";
  begin_rung("20261121T050000Z-n01-0101", 3);
  rung_part(3, 0);
  for (uint32_t part = 1; part < 4; ++part) source_part(3, part);
  source(3);
  source_part(4, 0);
  source_part(4, 1);
  EXPECT_EQ(shape(), "0: video 0-3");
  source_part(4, 2);
  EXPECT_EQ(shape(), "0: video 0-4") << "without it";
  for (uint32_t part = 1; part < 4; ++part) rung_part(3, part);
  rung(3);
  rung_part(4, 0);
  source_part(4, 3);
  source(4);
  source_part(5, 0);
  EXPECT_EQ(shape(), "0: video 0-4");
  rung_part(5, 0);
  EXPECT_EQ(shape(), "0: video 0-4; 0-5: video 5-5 360p 5-5");
}

// Segments of a publisher who comes and goes are not alike: for a while nothing is listed while it is
// written.
TEST_F(DashPeriodsTest, WhatWasListedWhileItWasWrittenStaysWhenThatIsOver) {
  begin(550);
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 4; ++i) both_in_parts(i);
  for (uint32_t part = 0; part < 4; ++part) source_part(4, part);
  rung_part(4, 0);
  source(4);
  rung_.add(EndRecord{"error"}, source_);
  say(RenditionState::paused);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-4");
  EXPECT_NE(text_.find("availabilityTimeOffset"), text_.npos);
  for (uint64_t i = 5; i < 9; ++i) source(i, 0.6 + 0.3 * static_cast<double>(i - 5));
  EXPECT_EQ(text_.find("availabilityTimeOffset"), text_.npos);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-4; 0-5: video 5-8");
}

TEST_F(DashPeriodsTest, APausedRungEndsItsPeriodAndBeginsAnotherOne) {
  begin(550);
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 4; ++i) both_in_parts(i);
  EXPECT_EQ(shape(), "0: video 0-3 360p 0-3");
  source_part(4, 0);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3") << "the segment that is being written";
  say(RenditionState::paused);
  rung_.add(EndRecord{"paused"}, source_);
  for (uint32_t i = 1; i < 4; ++i) source_part(4, i);
  source(4);
  source_part(5, 0);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3; 0-5: video 5-5");
  for (uint32_t i = 1; i < 4; ++i) source_part(5, i);
  source(5);
  source_part(6, 0);
  say(RenditionState::running);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3; 0-5: video 5-6");
  begin_rung("20261121T050000Z-n01-0102", 6);
  rung_part(6, 0);
  for (uint32_t i = 1; i < 4; ++i) source_part(6, i);
  for (uint32_t i = 1; i < 3; ++i) rung_part(6, i);
  source(6);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3; 0-5: video 5-6") << "6 was listed without it";
  source_part(7, 0);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3; 0-5: video 5-6") << "held back for the rung";
  rung_part(6, 3);
  rung(6);
  rung_part(7, 0);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3; 0-5: video 5-6; 0-7: video 7-7 360p 7-7");
}

// What was listed of the segment that its encoder left stays listed, as long as what there is of it.
TEST_F(DashPeriodsTest, AnEncoderThatFailsLeavesWhatItWasWriting) {
  begin(550);
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 4; ++i) both_in_parts(i);
  source_part(4, 0);
  rung_part(4, 0);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-4");
  for (uint32_t i = 1; i < 4; ++i) source_part(4, i);
  source(4);
  source_part(5, 0);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-4") << "nothing is known of it yet";
  for (uint32_t i = 1; i < 4; ++i) source_part(5, i);
  source(5);
  // It was started again.
  rung(4, 0.5);
  EXPECT_EQ(rung_.index().segments().back().record.length, 0u) << "a gap to players of HLS";
  rung_part(6, 0);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-4");
  source_part(6, 0);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-4; 0-6: video 6-6 360p 6-6");
  EXPECT_NE(text_.find("<S t=\"0\" d=\"180000\" r=\"3\"/>\n      <S d=\"45000\"/>\n"), std::string::npos)
      << text_;
}

// An encoder that was started again within a segment has no beginning of it: that is listed nowhere.
TEST_F(DashPeriodsTest, WhatHasNoBeginningIsNotThere) {
  begin(550);
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 4; ++i) both_in_parts(i);
  source_part(4, 0);
  source_part(4, 1);
  PartRecord middle = test::part(4, 0);
  middle.file = "d/0.mp4";
  middle.pts += middle.duration;
  middle.independent = false;
  rung_.add(middle, source_);
  told();
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3");
  source(4);
  rung_.add(segment(4, 8.5, 1.5, "bb", "d/0.mp4"), source_);
  told();
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3");
  EXPECT_TRUE(rung_.unlisted().empty());
  source_part(5, 0);
  rung_part(5, 0);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-3; 0-5: video 5-5") << "it was not on time for 5";
}

TEST_F(DashPeriodsTest, OneThatStandsStillIsLeftBehind) {
  begin(550);
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 4; ++i) both_in_parts(i);
  for (uint64_t i = 4; i < 7; ++i) {
    for (uint32_t part = 0; part < 4; ++part) source_part(i, part);
    source(i);
  }
  EXPECT_EQ(shape(), "0: video 0-6 360p 0-3");
  source_part(7, 0);
  EXPECT_EQ(shape(), "0: video 0-6 360p 0-3; 0-7: video 7-7");
  // Players that are there go on with what it writes after all, up to the Period's end.
  rung_part(4, 0);
  EXPECT_EQ(shape(), "0: video 0-6 360p 0-4; 0-7: video 7-7");
  rung(4), rung(5), rung(6);
  EXPECT_EQ(shape(), "0: video 0-6 360p 0-6; 0-7: video 7-7");
  source(7);
  source_part(8, 0);
  rung(7), rung_part(8, 0);
  EXPECT_EQ(shape(), "0: video 0-6 360p 0-6; 0-7: video 7-8") << "7 was listed without it";
  for (uint32_t part = 1; part < 4; ++part) source_part(8, part);
  source(8);
  rung(8), rung_part(9, 0);
  source_part(9, 0);
  EXPECT_EQ(shape(), "0: video 0-6 360p 0-6; 0-7: video 7-8; 0-9: video 9-9 360p 9-9");
}

// Parts of HLS have a time to come by; a Period's segments have none.
TEST_F(DashPeriodsTest, WhatIsAGapToPlayersOfHlsIsWaitedFor) {
  begin(550);
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 4; ++i) both_in_parts(i);
  const auto source_alone = [&](uint64_t msn, uint32_t from, uint32_t until) {
    for (uint32_t i = from; i < until; ++i) {
      source_part(msn, i);
      rung_.follow(source_);
    }
    if (until == 4) source(msn);
  };
  source_alone(4, 0, 1);
  rung_part(4, 0);
  source_alone(4, 1, 4);
  source_alone(5, 0, 3);
  ASSERT_NE(rung_.find_unlisted(4), nullptr);
  EXPECT_EQ(rung_.find_unlisted(4)->kind, Unlisted::Kind::growing);
  EXPECT_EQ(rung_.index().segments().back().record.length, 0u);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-4");
  const size_t of_rung = text_.find("media=\"360p/");
  EXPECT_LT(text_.find("<S t=\"0\" d=\"180000\" r=\"4\"/>", of_rung), text_.find("</Represent", of_rung))
      << "it is listed as long as it will be\n"
      << text_;
  rung_part(4, 1), rung(4);
  EXPECT_EQ(rung_.find_unlisted(4)->kind, Unlisted::Kind::whole);
  source_alone(5, 3, 4);
  rung(5);
  source_alone(6, 0, 1);
  rung_part(6, 0);
  EXPECT_EQ(shape(), "0: video 0-6 360p 0-6");
  // Whereas one that is never finished is cut off.
  source_alone(6, 1, 4);
  source_alone(7, 0, 3);
  EXPECT_EQ(rung_.find_unlisted(6)->kind, Unlisted::Kind::growing);
  rung_.add(EndRecord{"failed"}, source_);
  EXPECT_EQ(rung_.find_unlisted(6)->kind, Unlisted::Kind::cut);
}

// A frame that a run ends with, behind a segment that the rung has not to its end: a Period of it would be so
// short that players do not find what is in it.
TEST_F(DashPeriodsTest, AFrameAloneIsNoPeriod) {
  begin(550);
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 4; ++i) both_in_parts(i);
  for (uint32_t i = 0; i < 4; ++i) source_part(4, i);
  rung_part(4, 0);
  source(4);
  rung(4, 1);
  source(5, 0.04);
  rung(5, 0.04);
  source_.add(EndRecord{"timeout"});
  rung_.add(EndRecord{"timeout"}, source_);
  told();
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-4");
  begin(550, kSecondRun, 6, 1);
  begin_rung("20261121T050100Z-n01-0101", 6, 1);
  both_in_parts(6);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-4; 1: video 6-6 360p 6-6");
  // Of a run that goes on it is told when that has more.
  source_.add(EndRecord{"timeout"});
  rung_.add(EndRecord{"timeout"}, source_);
  begin(550, "20261121T050200Z-n01-0001", 7, 2);
  begin_rung("20261121T050200Z-n01-0101", 7, 2);
  source(7, 0.04);
  rung(7, 0.04);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-4; 1: video 6-6 360p 6-6");
  both(8);
  EXPECT_EQ(shape(), "0: video 0-4 360p 0-4; 1: video 6-6 360p 6-6; 2: video 7-8 360p 7-8");
  // The recording has not got it either.
  ended_ = true;
  periods_.forget();
  last_.clear();
  told();
  EXPECT_EQ(shape(), "0: video 0-3 360p 0-3; 0-4: video 4-4; 1: video 6-6 360p 6-6; 2: video 7-8 360p 7-8");
}

TEST_F(DashPeriodsTest, AReconnectsPeriodHasTheRungAsWell) {
  begin();
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 3; ++i) both(i);
  source_.add(EndRecord{"disconnect"});
  rung_.add(EndRecord{"disconnect"}, source_);
  begin(0, kSecondRun, 3, 1);
  begin_rung("20261121T050100Z-n01-0101", 3, 1);
  source_.add(segment(3, 10));
  told();
  EXPECT_EQ(shape(), "0: video 0-2 360p 0-2") << "held back for the rung";
  rung_.add(segment(3, 10, 2, "bb", "d/0.mp4"), source_);
  told();
  EXPECT_EQ(shape(), "0: video 0-2 360p 0-2; 1: video 3-3 360p 3-3");
}

// An encoder that hangs, or whose disk is full, and says nothing of it.
TEST_F(DashPeriodsTest, WhatGivesNothingIsNotWaitedForWithEachDiscontinuity) {
  const auto breaks = [&](uint64_t msn, uint64_t dseq) {
    source_.add(EndRecord{"disconnect"});
    begin(0, "20261121T05" + std::to_string(10 + dseq) + "00Z-n01-0001", msn, dseq);
  };
  const auto begins_again = [&](uint64_t msn, uint64_t dseq) {
    rung_.add(EndRecord{"error"}, source_);
    begin_rung("20261121T05" + std::to_string(10 + dseq) + "00Z-n01-0101", msn, dseq);
  };
  begin();
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 3; ++i) both(i);
  for (uint64_t i = 3; i < 8; ++i) source(i);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-2; 0-6: video 6-7");
  breaks(8, 1);
  source(8);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-2; 0-6: video 6-7; 1: video 8-8");
  // Nor when it is said anew that it is made,
  say(RenditionState::paused);
  breaks(9, 2);
  say(RenditionState::running);
  source(9);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-2; 0-6: video 6-7; 1: video 8-8; 2: video 9-9");
  // but when something has come of it.
  begins_again(10, 2);
  both(10);
  EXPECT_EQ(shape(), "0: video 0-5 360p 0-2; 0-6: video 6-7; 1: video 8-8; 2: video 9-10");
  both(11);
  breaks(12, 3);
  begins_again(12, 3);
  source(12);
  const std::string before = "0: video 0-5 360p 0-2; 0-6: video 6-7; 1: video 8-8; 2: video 9-10; ";
  EXPECT_EQ(shape(), before + "2-11: video 11-11 360p 11-11");
  rung(12);
  EXPECT_EQ(shape(), before + "2-11: video 11-11 360p 11-11; 3: video 12-12 360p 12-12");
}

// It was not wanted: nobody waited for it.
TEST_F(DashPeriodsTest, OneThatRestedIsWaitedForAtADiscontinuity) {
  begin();
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 0; i < 3; ++i) both(i);
  rung_.add(EndRecord{"paused"}, source_);
  say(RenditionState::paused);
  for (uint64_t i = 3; i < 12; ++i) source(i);
  source_.add(EndRecord{"disconnect"});
  begin(0, kSecondRun, 12, 1);
  say(RenditionState::running);
  begin_rung("20261121T050100Z-n01-0101", 12, 1);
  source(12);
  EXPECT_EQ(shape(), "0: video 0-2 360p 0-2; 0-3: video 3-11");
  rung(12);
  EXPECT_EQ(shape(), "0: video 0-2 360p 0-2; 0-3: video 3-11; 1: video 12-12 360p 12-12");
}

// Nobody asked for a while: what changed meanwhile is certain, and is divided where it was.
TEST_F(DashPeriodsTest, OfThePastEachPeriodHasWhatThereWas) {
  source_.add(test::run(kFirstRun, 0, 0, kUtc, 4000));
  source_.add(init("aa", "r1/0.mp4"));
  rung_.add(RenditionRecord{}, source_);
  rung_.add(test::run("20261121T050000Z-n01-0101", 0, 0, kUtc, 4000), source_);
  rung_.add(init("bb", "d/0.mp4"), source_);
  for (uint64_t i = 0; i < 12; ++i) {
    source_.add(segment(i, 2.0 * static_cast<double>(i)));
    if (i != 4 && i != 5 && i < 11)
      rung_.add(segment(i, 2.0 * static_cast<double>(i), 2, "bb", "d/0.mp4"), source_);
  }
  told();
  EXPECT_EQ(shape(), "0: video 0-3 360p 0-3; 0-4: video 4-5; 0-6: video 6-11 360p 6-10");
  ended_ = true;
  periods_.forget();
  last_.clear();
  told();
  EXPECT_EQ(shape(), "0: video 0-3 360p 0-3; 0-4: video 4-5; 0-6: video 6-10 360p 6-10; 0-11: video 11-11");
}

// What has left the window has left every Representation.
TEST_F(DashPeriodsTest, PeriodsSlide) {
  source_ = StreamIndex({20'000, 20'000});
  rung_ = RenditionIndex({20'000, 20'000});
  begin();
  say(RenditionState::running);
  begin_rung();
  for (uint64_t i = 5; i < 35; ++i) both(i);
  EXPECT_EQ(shape(), "0: video 25-34 360p 25-34");
  EXPECT_EQ(periods_.periods().size(), 1u);
  // What leaves its beginning moves neither the Period nor its media.
  EXPECT_EQ(attribute_of(text_, text_.find("<Period"), "start"), "PT10.000000S");
  size_t templates = 0;
  for (size_t at = text_.find("<SegmentTemplate"); at != text_.npos;
       at = text_.find("<SegmentTemplate", at + 1), ++templates)
    EXPECT_EQ(attribute_of(text_, at, "presentationTimeOffset"), "900000");
  EXPECT_EQ(templates, 2u);
}

TEST_F(DashPeriodsTest, AStreamThatStartsOverIsAnotherOne) {
  begin();
  for (uint64_t i = 5; i < 9; ++i) both(i);
  last_.clear();
  begin(0, kSecondRun, 0);
  source(0);
  EXPECT_EQ(shape(), "0: video 0-0");
}

}  // namespace
}  // namespace headgate::playlist
