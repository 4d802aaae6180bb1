// SPDX-License-Identifier: LGPL-2.1-or-later
// What a check says, and why it is not good.
#include "serve/check.h"

#include <optional>

#include "tasks_fixture.h"

namespace headgate::serve {
namespace {

constexpr int64_t kEnoughMs = 60'000;

class CheckTest : public TasksFixture {
 protected:
  CheckEnd end_of(const std::string& script, int64_t limit_ms = kEnoughMs) {
    std::optional<CheckEnd> out;
    run_check(tasks_, shell(script), limit_ms, [&out](const CheckEnd& end) { out = end; });
    EXPECT_FALSE(out) << "not from within the call";
    EXPECT_TRUE(wait_for([&out] { return out.has_value(); }));
    return out.value_or(CheckEnd{-100, 0, "did not end"});
  }
};

TEST_F(CheckTest, WhatItSaysIsTheReason) {
  const CheckEnd end = end_of("echo no camera; echo; echo really; exit 1");
  EXPECT_FALSE(end.good());
  EXPECT_EQ(end.said, "no camera\n\nreally");
  EXPECT_EQ(end.reason("the check"), end.said);
  EXPECT_EQ(end.how(), "ended with 1");
}

TEST_F(CheckTest, HowItEndedIsToldOfOneThatSaysNothingOrIsKilled) {
  EXPECT_EQ(end_of("exit 3").reason("the check"), "the check ended with 3");
  const CheckEnd late = end_of("exec sleep 1000", 200);
  EXPECT_EQ(late.code, kTookTooLong);
  EXPECT_EQ(late.reason("the check"), "the check took longer than 0 s and was killed");
  EXPECT_EQ((CheckEnd{kTookTooLong, kEnoughMs, "opening the card"}.reason("the check")),
            "opening the card\nthe check took longer than 60 s and was killed");
}

TEST_F(CheckTest, GoodIsGoodWhateverItSays) {
  const CheckEnd end = end_of("echo fine");
  EXPECT_TRUE(end.good());
  EXPECT_EQ(end.said, "fine");
}

TEST_F(CheckTest, WhoeverGoesOnBehindTheEndOfAllIsToldThatItWasEnded) {
  std::optional<CheckEnd> end;
  run_check(tasks_, shell("sleep 1000"), kEnoughMs, [&end](const CheckEnd& one) { end = one; });
  for (const auto& done : tasks_.end_all()) done(kWasEnded);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason("the check"), "the check was ended, as an upgrade began");
}

TEST(SaidLines, HaveABoundAndTellThatThereWasMore) {
  SaidLines lines(20);
  lines.add("0123456789");
  EXPECT_EQ(lines.text(), "0123456789");
  lines.add("abcdefgh");
  EXPECT_EQ(lines.text(), "0123456789\nabcde...");
  lines.add("");
  lines.add("x");
  EXPECT_EQ(lines.text(), "0123456789\nabcde...") << "nothing comes behind what is left out";
  SaidLines exact(20);
  exact.add("0123456789abcdef");
  EXPECT_EQ(exact.text(), "0123456789abcdef");
  SaidLines empty(20);
  for (int i = 0; i < 100; ++i) empty.add("");
  EXPECT_LE(empty.text().size(), 20u);
  SaidLines foreign(10);
  foreign.add("12345\u00e4\u00e4\u00e4");  // the sixth byte and the seventh are one letter
  EXPECT_EQ(foreign.text(), "12345...");
}

}  // namespace
}  // namespace headgate::serve
