// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <pipeline/backoff.h>

namespace headgate::pipeline {
namespace {

RestartPolicy restart() {
  RestartPolicy out;
  out.pause_ms = 100;
  out.max_pause_ms = 350;
  out.steady_ms = 5000;
  out.alarm_after = 3;
  return out;
}

TEST(Backoff, PausesGrowInARowAndTheAlarmIsGivenOnce) {
  Backoff backoff(restart());
  std::vector<int64_t> pauses;
  std::vector<bool> alarms;
  for (int64_t lasted : {0, 4999, 10, 10, 5000, 10}) {
    const Backoff::Next next = backoff.failed(lasted);
    pauses.push_back(next.pause_ms);
    alarms.push_back(next.alarm);
    EXPECT_FALSE(next.give_up);
  }
  EXPECT_EQ(pauses, (std::vector<int64_t>{100, 200, 350, 350, 100, 200}));
  EXPECT_EQ(alarms, (std::vector<bool>{false, false, true, false, false, false}));
  EXPECT_EQ(backoff.in_a_row(), 2);
}

// Each is found out after more than `steady`, and is one of a row all the same.
TEST(Backoff, WaitingForAPeerThatIsSilentEndsNoRow) {
  Backoff backoff(restart());
  EXPECT_EQ(backoff.failed(6010, 6000).pause_ms, 100);
  EXPECT_EQ(backoff.failed(6010, 6000).pause_ms, 200);
  EXPECT_TRUE(backoff.failed(6010, 6000).alarm);
  EXPECT_EQ(backoff.failed(11'000, 6000).pause_ms, 100);
}

TEST(Backoff, GivesUp) {
  RestartPolicy two = restart();
  two.give_up_after = 2;
  Backoff backoff(two);
  EXPECT_FALSE(backoff.failed(0).give_up);
  EXPECT_FALSE(backoff.failed(6000).give_up);
  EXPECT_TRUE(backoff.failed(0).give_up);
}

}  // namespace
}  // namespace headgate::pipeline
