// SPDX-License-Identifier: LGPL-2.1-or-later
// What a count has become since the window's beginning.
#include <guard/count_window.h>

#include <gtest/gtest.h>

namespace headgate::guard {
namespace {

TEST(CountWindow, NothingIsToldOfTooShortATime) {
  CountWindow<int64_t> window(10'000);
  EXPECT_FALSE(window.change(0));
  window.add(1000, 7);
  EXPECT_FALSE(window.change(0)) << "one count is no change";
  window.add(1000, 8);
  EXPECT_FALSE(window.change(0)) << "and no time has passed";
  window.add(5999, 9);
  EXPECT_FALSE(window.change(5000));
  window.add(6000, 17);
  ASSERT_TRUE(window.change(5000));
  EXPECT_EQ(window.change(5000)->ms, 5000);
  EXPECT_EQ(window.change(5000)->count, 10);
}

TEST(CountWindow, BeginsWithTheLastCountThatIsNotYounger) {
  CountWindow<int64_t> window(10'000);
  for (int64_t s = 0; s <= 100; ++s) window.add(s * 1000, s < 95 ? 0 : s - 94);
  EXPECT_EQ(window.change(10'000)->ms, 10'000);
  EXPECT_EQ(window.change(10'000)->count, 6);
  // Nobody counted for a while: what is known of the window goes further back.
  window.add(107'500, 6);
  EXPECT_EQ(window.change(10'000)->ms, 10'500);
  EXPECT_EQ(window.change(10'000)->count, 3) << "since the 97th second";
  window.add(300'000, 8);
  EXPECT_EQ(window.change(10'000)->ms, 192'500);
  EXPECT_EQ(window.change(10'000)->count, 2);
}

TEST(CountWindow, BeginsAnew) {
  CountWindow<uint64_t> window(10'000);
  window.add(0, 5);
  window.add(10'000, 9);
  ASSERT_TRUE(window.change(10'000));
  window.clear();
  EXPECT_FALSE(window.change(0));
  window.add(11'000, 100);
  window.add(21'000, 103);
  EXPECT_EQ(window.change(10'000)->count, 3u);
}

TEST(CountWindow, OfTwoCountsOfTheSameTime) {
  CountWindow<CountPair> window(10'000);
  window.add(0, {1, 10});
  window.add(10'000, {2.5, 40});
  EXPECT_DOUBLE_EQ(window.change(0)->count.first, 1.5);
  EXPECT_DOUBLE_EQ(window.change(0)->count.second, 30);
}

TEST(CountWindow, Processors) {
  CountWindow<int64_t> window(10'000);
  window.add(0, 1'000'000);
  window.add(4000, 7'000'000);
  EXPECT_DOUBLE_EQ(processors_of(*window.change(0)), 1.5);
}

}  // namespace
}  // namespace headgate::guard
