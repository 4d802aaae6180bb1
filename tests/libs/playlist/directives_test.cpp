// SPDX-License-Identifier: LGPL-2.1-or-later
// RFC 8216bis, 6.2.5.
#include <gtest/gtest.h>

#include <playlist/directives.h>

#include "records.h"

namespace headgate::playlist {
namespace {

using test::init;
using test::part;
using test::run;
using test::segment;

TEST(Directives, AreRead) {
  const Directives all = parse_directives("_HLS_msn=273&_HLS_part=2&_HLS_skip=YES").value();
  EXPECT_EQ(all.msn, 273u);
  EXPECT_EQ(all.part, 2u);
  EXPECT_TRUE(all.skip);
  EXPECT_TRUE(parse_directives("_HLS_skip=v2").value().skip);
  EXPECT_EQ(parse_directives("t=1&_HLS_msn=0&&x").value().msn, 0u);
  const Directives none = parse_directives("").value();
  EXPECT_FALSE(none.any() || none.part);
}

TEST(Directives, WhatCannotBeIsRefused) {
  for (const char* query : {"_HLS_part=1", "_HLS_msn=", "_HLS_msn", "_HLS_msn=x", "_HLS_msn=-1",
                            "_HLS_msn=+1", "_HLS_msn=1.5", "_HLS_msn=1 ", "_HLS_msn=18446744073709551616",
                            "_HLS_msn=18446744073709551615", "_HLS_msn=1&_HLS_msn=1",
                            "_HLS_msn=1&_HLS_part=4294967296", "_HLS_skip=NO", "_HLS_skip=YES&_HLS_skip=YES"})
    EXPECT_FALSE(parse_directives(query)) << query;
  EXPECT_FALSE(parse_directives(std::string(kMaxQueryBytes + 1, 'x')));
}

class Edge : public testing::Test {
 protected:
  Edge() {
    index_.add(run("r1", 5, 0, test::kUtc, 4000, 550));
    index_.add(init("aa", "r1/0.mp4"));
    for (uint64_t msn = 5; msn < 8; ++msn) finish(msn);
  }
  void parts(uint64_t msn, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; ++i) index_.add(part(msn, i));
  }
  void finish(uint64_t msn) {
    parts(msn, 0, 4);
    index_.add(segment(msn, static_cast<double>(msn) * 2));
  }
  StreamIndex index_;
};

TEST_F(Edge, ASegmentIsThereWhenItIsFinished) {
  EXPECT_TRUE(has(index_, 0, std::nullopt)) << "long gone: later ones are there";
  EXPECT_TRUE(has(index_, 7, std::nullopt));
  EXPECT_FALSE(has(index_, 8, std::nullopt));
  parts(8, 0, 2);
  EXPECT_FALSE(has(index_, 8, std::nullopt));
}

TEST_F(Edge, APartIsThereWhenItOrALaterOneIs) {
  EXPECT_TRUE(has(index_, 7, 3));
  EXPECT_TRUE(has(index_, 6, 99)) << "the next segment's first";
  EXPECT_FALSE(has(index_, 7, 4)) << "behind the last: the next segment's first";
  EXPECT_FALSE(has(index_, 8, 0));
  parts(8, 0, 2);
  EXPECT_TRUE(has(index_, 7, 4));
  EXPECT_TRUE(has(index_, 8, 1));
  EXPECT_FALSE(has(index_, 8, 2));
  EXPECT_FALSE(has(index_, 9, 0));
  parts(8, 2, 4);
  EXPECT_FALSE(has(index_, 8, 4));
  index_.add(segment(8, 16));
  EXPECT_FALSE(has(index_, 8, 4)) << "it has become the next segment's first";
  parts(9, 0, 1);
  EXPECT_TRUE(has(index_, 8, 4));
}

TEST_F(Edge, WhatIsTooFarAheadIsRefused) {
  EXPECT_FALSE(too_far_ahead(index_, 9, std::nullopt));  // the last one is 7
  EXPECT_TRUE(too_far_ahead(index_, 10, std::nullopt));
  parts(8, 0, 1);
  EXPECT_FALSE(too_far_ahead(index_, 10, std::nullopt));
  EXPECT_TRUE(too_far_ahead(index_, 11, std::nullopt));
  // A segment of four seconds has seven parts of 0.55 s; three seconds of parts are six.
  EXPECT_FALSE(too_far_ahead(index_, 8, 12));
  EXPECT_TRUE(too_far_ahead(index_, 8, 13));
  EXPECT_FALSE(too_far_ahead(index_, 9, 12));
  EXPECT_TRUE(too_far_ahead(index_, 9, 13));
  parts(8, 1, 10);
  EXPECT_FALSE(too_far_ahead(index_, 8, 15));
  EXPECT_TRUE(too_far_ahead(index_, 8, 16));
  EXPECT_FALSE(too_far_ahead(index_, 3, 1000)) << "another segment's first";
}

TEST_F(Edge, TheHintIsTheNextPart) {
  EXPECT_EQ(hinted_part(index_), (PartName{8, 0}));
  parts(8, 0, 2);
  EXPECT_EQ(hinted_part(index_), (PartName{8, 2}));
  index_.add(segment(8, 16));
  EXPECT_EQ(hinted_part(index_), (PartName{9, 0}));
  index_.add(EndRecord{"disconnect"});
  EXPECT_EQ(hinted_part(index_), std::nullopt);
}

TEST(Directives, OfAStreamThatPromisesNoParts) {
  StreamIndex index;
  EXPECT_FALSE(has(index, 0, std::nullopt));
  EXPECT_EQ(hinted_part(index), std::nullopt);
  index.add(run("r1", 0, 0));
  index.add(init("aa", "r1/0.mp4"));
  index.add(segment(0, 0));
  index.add(part(1, 0));
  EXPECT_FALSE(has(index, 1, 0)) << "its segments are waited for";
  EXPECT_TRUE(has(index, 0, 7));
  EXPECT_FALSE(too_far_ahead(index, 1, 1000));
  EXPECT_EQ(hinted_part(index), std::nullopt);
}

}  // namespace
}  // namespace headgate::playlist
