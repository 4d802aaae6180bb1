// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/histogram.h>
#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(Histogram, ABoundBelongsToItsStep) {
  Histogram one;
  one.add(0);
  one.add(500);
  one.add(501);
  one.add(10'000'000);
  one.add(10'000'001);
  EXPECT_EQ(one.counts[0], 2u);
  EXPECT_EQ(one.counts[1], 1u);
  EXPECT_EQ(one.counts[Histogram::kBoundsUs.size() - 1], 1u);
  EXPECT_EQ(one.counts[Histogram::kBoundsUs.size()], 1u);
  EXPECT_EQ(one.count(), 5u);
  EXPECT_EQ(one.sum_us, 20'001'002);
}

TEST(Histogram, BoundsGrow) {
  for (size_t step = 1; step < Histogram::kBoundsUs.size(); ++step)
    EXPECT_LT(Histogram::kBoundsUs[step - 1], Histogram::kBoundsUs[step]);
}

TEST(Histogram, AddsUp) {
  Histogram one, other;
  one.add(700);
  other.add(700);
  other.add(20'000);
  one.add(other);
  EXPECT_EQ(one.counts[1], 2u);
  EXPECT_EQ(one.count(), 3u);
  EXPECT_EQ(one.sum_us, 21'400);
}

TEST(Histogram, IsToldWithACountForEachStep) {
  Histogram one;
  one.add(1);
  one.add(600);
  EXPECT_EQ(histogram_json(one), R"({"counts":[1,1,0,0,0,0,0,0,0,0,0,0,0,0,0],"sum_us":601})");
}

}  // namespace
}  // namespace headgate
