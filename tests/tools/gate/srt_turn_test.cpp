// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gate/srt_turn.h>
#include <gtest/gtest.h>

#include <string>

#include "loop_test.h"

namespace headgate::gate {
namespace {

class SrtTurnTest : public headgate::test::LoopTest {
 protected:
  bool comes(const bool& what) {
    return wait_for([&] { return what; });
  }
  // Several looks of those that wait.
  void some_time_passes() {
    bool over = false;
    loop_.after_ms(4 * kSrtTurnMs, [&] { over = true; });
    comes(over);
  }
};

TEST_F(SrtTurnTest, TheFirstHasItAtOnce) {
  SrtTurn turn(loop_, folder_);
  bool ours = false;
  ASSERT_TRUE(turn.take([&] { ours = true; }));
  EXPECT_TRUE(ours);
  EXPECT_FALSE(turn.waiting());
}

TEST_F(SrtTurnTest, TheNextHasItWhenTheFirstGivesItUp) {
  SrtTurn first(loop_, folder_), second(loop_, folder_);
  bool ours = false;
  ASSERT_TRUE(first.take([] {}));
  ASSERT_TRUE(second.take([&] { ours = true; }));
  some_time_passes();
  EXPECT_FALSE(ours);
  EXPECT_TRUE(second.waiting());
  first.give_up();
  EXPECT_TRUE(comes(ours));
  EXPECT_FALSE(second.waiting());
}

TEST_F(SrtTurnTest, WhoNoLongerWaitsLetsAnotherHaveIt) {
  SrtTurn first(loop_, folder_), second(loop_, folder_), third(loop_, folder_);
  bool seconds = false, thirds = false;
  ASSERT_TRUE(first.take([] {}));
  ASSERT_TRUE(second.take([&] { seconds = true; }));
  ASSERT_TRUE(third.take([&] { thirds = true; }));
  second.give_up();
  first.give_up();
  EXPECT_TRUE(comes(thirds));
  EXPECT_FALSE(seconds);
}

TEST_F(SrtTurnTest, WithoutItsFolderItIsNobodys) {
  SrtTurn turn(loop_, folder_ + "/nowhere");
  EXPECT_FALSE(turn.take([] { ADD_FAILURE() << "it was given"; }));
}

}  // namespace
}  // namespace headgate::gate
