// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <pipeline/due.h>

namespace headgate::pipeline {
namespace {

constexpr int64_t kHour = 3'600'000'000, kDay = 24 * kHour;
constexpr int64_t kMidnight = 20'000 * kDay;  // of some day

class DueTest : public testing::Test {
 protected:
  void daily(const char* from, const char* until) {
    ASSERT_TRUE(schedule_.add(from, until, "", "UTC").has_value());
  }
  // Hours since kMidnight.
  bool due(double hour) {
    due_.look(at(hour));
    return due_.is_due();
  }
  void ended(double hour) { due_.ended(at(hour)); }
  double next() const { return static_cast<double>(due_.next_us() - kMidnight) / kHour; }
  static int64_t at(double hour) { return kMidnight + static_cast<int64_t>(hour * kHour); }

  Schedule schedule_;
  Due due_{schedule_};
};

TEST_F(DueTest, FromTheBeginToTheEnd) {
  daily("09:00", "12:00");
  EXPECT_FALSE(due(8.9));
  EXPECT_EQ(next(), 9);
  EXPECT_TRUE(due(9));
  EXPECT_TRUE(due(11.9));
  EXPECT_FALSE(due(12));
  EXPECT_FALSE(due_.inside());
  EXPECT_EQ(next(), 33);
}

TEST_F(DueTest, WhatHasEndedByItselfWaitsForTheNextTime) {
  daily("09:00", "12:00");
  EXPECT_TRUE(due(9));
  ended(10);
  EXPECT_FALSE(due(10));
  EXPECT_TRUE(due_.inside());
  EXPECT_EQ(next(), 33);
  EXPECT_FALSE(due(11.9));
  EXPECT_FALSE(due(12.1));
  EXPECT_TRUE(due(33));
  EXPECT_EQ(next(), 33);
}

TEST_F(DueTest, TimesThatTouchAreOneAlsoWhenTheFirstIsOver) {
  daily("09:00", "12:00");
  daily("12:00", "18:00");
  EXPECT_TRUE(due(9));
  ended(10);
  EXPECT_FALSE(due(11.9));
  EXPECT_EQ(next(), 33);
  EXPECT_FALSE(due(12)) << "it is the same time yet";
  EXPECT_FALSE(due(17.9));
  EXPECT_EQ(next(), 33);
  EXPECT_FALSE(due(18));
  EXPECT_TRUE(due(33));
}

TEST_F(DueTest, ATimeThatNeverEndsHasNoNext) {
  daily("00:00", "00:00");
  EXPECT_TRUE(due(1));
  ended(1);
  for (int hour = 2; hour < 24 * 30; ++hour) {
    EXPECT_FALSE(due(hour)) << hour;
    EXPECT_EQ(due_.next_us(), 0) << hour;
  }
}

TEST_F(DueTest, AClockThatIsSetCountsAsItIsSet) {
  daily("09:00", "12:00");
  EXPECT_TRUE(due(33));
  ended(34);
  EXPECT_FALSE(due(34));
  EXPECT_TRUE(due(10)) << "of another day";
  EXPECT_FALSE(due(34));
}

TEST_F(DueTest, AfterTheLastMomentItIsOver) {
  ASSERT_TRUE(schedule_.add("2026-09-14T06:00:00Z", "2026-09-14T07:00:00Z", "", "").has_value());
  ASSERT_TRUE(schedule_.add("2026-09-14T07:00:00Z", "2026-09-14T08:00:00Z", "", "").has_value());
  constexpr int64_t kSix = 1'789'365'600'000'000;
  due_.look(kSix);
  EXPECT_TRUE(due_.is_due());
  due_.ended(kSix + kHour / 2);
  EXPECT_EQ(due_.next_us(), 0);
  due_.look(kSix + kHour);
  EXPECT_FALSE(due_.is_due());
  EXPECT_FALSE(due_.is_over());
  due_.look(kSix + 2 * kHour);
  EXPECT_TRUE(due_.is_over());
}

}  // namespace
}  // namespace headgate::pipeline
