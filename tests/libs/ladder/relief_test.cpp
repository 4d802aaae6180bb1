// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include <ladder/relief.h>

namespace headgate::ladder {
namespace {

using Action = Relief::Action;
constexpr int64_t kSecond = 1'000'000'000;

TEST(Relief, PausesOneAfterTheOtherButTheLowest) {
  Relief relief;
  EXPECT_EQ(relief.update(0, kSecond, 3, 0), Action::none);
  EXPECT_EQ(relief.update(1 * kSecond, 2 * kSecond, 3, 0), Action::pause);
  EXPECT_EQ(relief.update(2 * kSecond, 3 * kSecond, 2, 1), Action::none);  // give it time
  EXPECT_EQ(relief.update(4 * kSecond, 3 * kSecond, 2, 1), Action::pause);
  EXPECT_EQ(relief.update(9 * kSecond, 3 * kSecond, 1, 2), Action::none);
}

TEST(Relief, TheOnlyOneGivesWayWhereNoneHasToGoOn) {
  Relief relief({.least_running = 0});
  EXPECT_EQ(relief.update(1 * kSecond, 2 * kSecond, 1, 0), Action::pause);
  EXPECT_EQ(relief.update(4 * kSecond, 2 * kSecond, 0, 1), Action::none);
  EXPECT_EQ(relief.update(5 * kSecond, 0, 0, 1), Action::none);
  EXPECT_EQ(relief.update(20 * kSecond, 0, 0, 1), Action::resume);
}

TEST(Relief, ResumesWhenItHasKeptUpForLong) {
  Relief relief;
  ASSERT_EQ(relief.update(0, 2 * kSecond, 2, 0), Action::pause);
  EXPECT_EQ(relief.update(1 * kSecond, 0, 1, 1), Action::none);
  EXPECT_EQ(relief.update(10 * kSecond, kSecond, 1, 1), Action::none);  // not level: from the beginning
  EXPECT_EQ(relief.update(11 * kSecond, 0, 1, 1), Action::none);
  EXPECT_EQ(relief.update(25 * kSecond, 0, 1, 1), Action::none);
  EXPECT_EQ(relief.update(26 * kSecond, 0, 1, 1), Action::resume);
  EXPECT_EQ(relief.update(60 * kSecond, 0, 2, 0), Action::none);
}

TEST(Relief, WhileTheSourceComesLateTheLowestIsLeft) {
  Relief relief;
  relief.starve(true);
  EXPECT_EQ(relief.update(0, 0, 3, 0), Action::pause);
  EXPECT_EQ(relief.update(1, 0, 2, 1), Action::pause);  // at once: nothing is too much for the machine
  EXPECT_EQ(relief.update(2, 0, 1, 2), Action::none);
  EXPECT_EQ(relief.update(100 * kSecond, 0, 1, 2), Action::none);
  relief.starve(false);
  EXPECT_EQ(relief.update(101 * kSecond, 0, 1, 2), Action::none);
  EXPECT_EQ(relief.update(117 * kSecond, 0, 1, 2), Action::resume);
  EXPECT_EQ(relief.update(140 * kSecond, 0, 2, 1), Action::resume);
}

TEST(Relief, OneThatIsSlowByItselfGivesWayThoughNothingWaits) {
  Relief relief;
  EXPECT_EQ(relief.update(0, 0, 3, 0, true), Action::pause);
  EXPECT_EQ(relief.update(1 * kSecond, 0, 2, 1, true), Action::none);  // give it time
  EXPECT_EQ(relief.update(2 * kSecond, 0, 2, 1, true), Action::pause);
  EXPECT_EQ(relief.update(9 * kSecond, 0, 1, 2, true), Action::none);   // the only one goes on,
  EXPECT_EQ(relief.update(60 * kSecond, 0, 1, 2, true), Action::none);  // and no other is company for it
  EXPECT_EQ(relief.update(61 * kSecond, 0, 1, 2), Action::none);
  EXPECT_EQ(relief.update(76 * kSecond, 0, 1, 2), Action::resume);
}

TEST(Relief, WhatDoesNotHaveToBeWaitsForItsTurn) {
  bool is_turn = false;
  std::vector<Action> asked;
  Relief relief({.turn = [&](Action action) {
    asked.push_back(action);
    return is_turn;
  }});
  EXPECT_EQ(relief.update(0, 2 * kSecond, 3, 0), Action::none);
  EXPECT_EQ(relief.update(kAskTurnNs - 1, 2 * kSecond, 3, 0), Action::none);
  EXPECT_EQ(asked, std::vector<Action>{Action::pause});
  EXPECT_EQ(relief.update(kAskTurnNs, 5 * kSecond, 3, 0), Action::pause);  // too late for that
  EXPECT_EQ(relief.update(5 * kSecond, 0, 2, 1, true), Action::none);
  is_turn = true;
  EXPECT_EQ(relief.update(6 * kSecond, 0, 2, 1, true), Action::pause);
  is_turn = false;
  EXPECT_EQ(relief.update(7 * kSecond, 0, 1, 2), Action::none);
  EXPECT_EQ(relief.update(30 * kSecond, 0, 1, 2), Action::none);
  EXPECT_EQ(asked.back(), Action::resume);
  is_turn = true;
  EXPECT_EQ(relief.update(31 * kSecond, 0, 1, 2), Action::resume);
  is_turn = false;
  relief.starve(true);
  EXPECT_EQ(relief.update(32 * kSecond, 0, 2, 1), Action::pause);
}

TEST(Relief, StreamsTakeTheirsBackAtDifferentTimes) {
  std::set<int64_t> times;
  for (uint64_t station = 1; station <= 20; ++station) {
    Relief relief;
    relief.spread(station);
    ASSERT_EQ(relief.update(0, 2 * kSecond, 2, 0), Action::pause);
    int64_t now = kSecond / 10;
    while (relief.update(now, 0, 1, 1) == Action::none && now < 60 * kSecond) now += kSecond / 10;
    EXPECT_GE(now, 15 * kSecond) << station;
    EXPECT_LE(now, 23 * kSecond) << station;
    times.insert(now);
  }
  EXPECT_GT(times.size(), 15u);
}

// Parts of half a second, each given in a moment to who needs another to take it.
TEST(Relief, ABurstIsNotWhatWaits) {
  constexpr int64_t kFrame = kSecond / 25, kMoment = 50'000;
  Relief relief({.least_running = 0});
  ASSERT_EQ(relief.update(0, 2 * kSecond, 1, 0), Action::pause);
  int64_t resumed = 0;
  for (int64_t part = kSecond; part < 60 * kSecond && resumed == 0; part += kSecond / 2)
    for (int64_t frame = 0; frame < 13; ++frame)
      if (relief.update(part + frame * kMoment, frame * kFrame, 0, 1) == Action::resume) resumed = part;
  EXPECT_EQ(resumed, 16 * kSecond);
}

TEST(Relief, WhatWasLeftOfTheBurstBeforeIs) {
  Relief relief;
  for (int64_t part = 1; part < 4; ++part) {
    const int64_t left = (part - 1) * kSecond;
    EXPECT_EQ(relief.update(part * kSecond, left, 2, 0), left < 2 * kSecond ? Action::none : Action::pause);
  }
}

TEST(Relief, ARelapseWaitsLonger) {
  Relief relief;
  ASSERT_EQ(relief.update(0, 2 * kSecond, 2, 0), Action::pause);
  ASSERT_EQ(relief.update(1 * kSecond, 0, 1, 1), Action::none);
  ASSERT_EQ(relief.update(16 * kSecond, 0, 1, 1), Action::resume);
  ASSERT_EQ(relief.update(20 * kSecond, 2 * kSecond, 2, 0), Action::pause);
  ASSERT_EQ(relief.update(21 * kSecond, 0, 1, 1), Action::none);
  EXPECT_EQ(relief.update(37 * kSecond, 0, 1, 1), Action::none);
  EXPECT_EQ(relief.update(51 * kSecond, 0, 1, 1), Action::resume);
}

}  // namespace
}  // namespace headgate::ladder
