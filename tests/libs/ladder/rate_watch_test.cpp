// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <ladder/rate_watch.h>

namespace headgate::ladder {
namespace {

constexpr int64_t kMs = 1'000'000;

class Source {
 public:
  explicit Source(RateFinder::Rate rate) : watch(rate) {}
  // So many pictures that follow one another so fast.
  void pictures(int count, int64_t step_ms) {
    for (int i = 0; i < count; ++i, time_ms_ += step_ms) watch.note(time_ms_ * kMs);
  }
  // 0: none.
  uint32_t other() const {
    const auto rate = watch.other();
    return rate ? rate->over / rate->under : 0;
  }
  // Time until there is another one, of a steady source; 0: none within two minutes.
  int64_t until_other(int64_t step_ms) {
    const int64_t from_ms = time_ms_;
    while (other() == 0 && time_ms_ < from_ms + 120'000) pictures(1, step_ms);
    return other() != 0 ? time_ms_ - from_ms : 0;
  }
  RateWatch watch;

 private:
  int64_t time_ms_ = 1000;
};

TEST(RateWatch, ALastingChangeIsSeen) {
  Source light({15, 1});
  light.pictures(150, 67);
  EXPECT_EQ(light.other(), 0u);
  light.pictures(150, 33);  // 5 s
  EXPECT_EQ(light.other(), 0u);
  light.pictures(180, 33);
  EXPECT_EQ(light.other(), 30u);
  light.watch.follow({30, 1});
  EXPECT_EQ(light.other(), 0u);
  light.pictures(900, 33);
  EXPECT_EQ(light.other(), 0u);
  Source dark({30, 1});
  dark.pictures(300, 67);
  EXPECT_EQ(dark.other(), 15u);
}

TEST(RateWatch, BurstsAreNone) {
  Source source({25, 1});
  for (int i = 0; i < 100; ++i) {
    source.pictures(20, 2);  // what waited comes at once, and then nothing for as long as it lasted
    source.pictures(1, 760);
    ASSERT_EQ(source.other(), 0u) << i;
  }
  // Twice as many for some seconds, now and then.
  for (int i = 0; i < 10; ++i) {
    source.pictures(250, 20);
    source.pictures(75, 40);
    ASSERT_EQ(source.other(), 0u) << i;
  }
}

TEST(RateWatch, HolesAreNone) {
  Source source({30, 1});
  for (int i = 0; i < 20; ++i) {
    source.pictures(45, 33);
    source.pictures(1, 1500);
    ASSERT_EQ(source.other(), 0u) << i;
  }
}

TEST(RateWatch, WhatSwingsAboutTheRateOrIsNearIsNone) {
  Source source({24, 1});
  source.pictures(1000, 40);  // 25
  EXPECT_EQ(source.other(), 0u);
  for (int i = 0; i < 20; ++i) {
    source.pictures(60, 33);
    source.pictures(40, 55);
    ASSERT_EQ(source.other(), 0u) << i;
  }
}

TEST(RateWatch, AnUnsteadySourceThatIsFasterIsFollowed) {
  Source source({15, 1});
  for (int i = 0; i < 12; ++i) {
    source.pictures(20, 33);
    source.pictures(20, 50);
  }
  EXPECT_GE(source.other(), 23u);
  EXPECT_LE(source.other(), 26u);
}

TEST(RateWatch, WhatGoesToAndFroIsFollowedMoreSlowly) {
  Source source({15, 1});
  std::vector<int64_t> took_ms;
  for (const int64_t step_ms : {33, 67, 33, 67, 33, 67}) {
    took_ms.push_back(source.until_other(step_ms));
    ASSERT_GT(took_ms.back(), 0);
    source.watch.follow(*source.watch.other());
  }
  for (const size_t i : {2, 3, 4}) EXPECT_GT(took_ms[i], took_ms[i - 1] * 3 / 2) << i;
  EXPECT_GT(took_ms[5], 60'000);  // but no longer
  EXPECT_LT(took_ms[5], 70'000);
}

TEST(RateWatch, TimesThatGoBackBeginAnew) {
  RateWatch watch({15, 1});
  for (int session = 0; session < 5; ++session)
    for (int i = 0; i < 150; ++i) watch.note(i * 33 * kMs);
  EXPECT_FALSE(watch.other());
}

}  // namespace
}  // namespace headgate::ladder
