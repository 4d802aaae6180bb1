// SPDX-License-Identifier: LGPL-2.1-or-later
#include <content/judge.h>
#include <gtest/gtest.h>
#include <health/condition.h>
#include <health/conditions.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>

namespace headgate::health {
namespace {

TEST(Conditions, AreListedInTheOrderOfTheirKinds) {
  for (size_t i = 0; i < kConditions.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kConditions[i].kind), i);
    EXPECT_STREQ(name_of(kConditions[i].kind), kConditions[i].name);
  }
  EXPECT_EQ(kConditions.back().kind, Kind::clipped);
}

TEST(Conditions, OfContentAreInTheList) {
  for (size_t i = 0; i < content::kConditions; ++i) {
    const std::string_view name = content::name_of(static_cast<content::Condition>(i));
    bool found = false;
    for (const auto& one : kConditions) found |= name == one.name;
    EXPECT_TRUE(found) << name;
  }
}

// Programs of others go by these.
TEST(Conditions, AreInTheDocuments) {
  for (const auto& [file, before, after] :
       {std::tuple{"/openapi.yaml", " ", ","}, {"/health.md", "| `", "` |"}, {"/events.md", "`", "`"}}) {
    std::ifstream in(DOCS + std::string(file));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(text.empty()) << file;
    for (const auto& one : kConditions)
      EXPECT_TRUE(text.find(std::string(before) + one.name + after) != std::string::npos ||
                  text.find(std::string("[") + one.name + ",") != std::string::npos ||
                  text.find(std::string(" ") + one.name + "]") != std::string::npos)
          << file << ": " << one.name;
  }
}

TEST(Condition, BeginsAtTheThresholdAndEndsBelowTheMargin) {
  Condition most;
  EXPECT_FALSE(most.sample_most(99.9, 100, 1));
  EXPECT_TRUE(most.sample_most(100, 100, 2));
  EXPECT_EQ(most.since(), 2);
  EXPECT_FALSE(most.sample_most(75, 100, 3));
  EXPECT_TRUE(most.holds());
  EXPECT_TRUE(most.sample_most(74.9, 100, 4));
  EXPECT_FALSE(most.since());

  Condition least;
  EXPECT_FALSE(least.sample_least(100, 100, 1));
  EXPECT_TRUE(least.sample_least(99.9, 100, 2));
  EXPECT_FALSE(least.sample_least(124.9, 100, 3));
  EXPECT_TRUE(least.sample_least(125, 100, 4));
  EXPECT_FALSE(least.holds());
}

TEST(Condition, IsToldOnceWhileTheMeasureWavers) {
  Condition condition;
  int told = 0;
  for (int64_t now = 0; now < 100; ++now) told += condition.sample_most(now % 2 == 0 ? 101 : 99, 100, now, 0);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(condition.since(), 0);
}

TEST(Condition, HasToHoldForATimeBothWays) {
  Condition condition;
  EXPECT_FALSE(condition.sample_most(100, 100, 10, 30));
  EXPECT_FALSE(condition.sample_most(100, 100, 39, 30));
  EXPECT_FALSE(condition.sample_most(99, 100, 40, 30)) << "not without a break";
  EXPECT_FALSE(condition.sample_most(100, 100, 50, 30));
  EXPECT_TRUE(condition.sample_most(100, 100, 80, 30));
  EXPECT_EQ(condition.since(), 50) << "the first of those in a row";
  EXPECT_FALSE(condition.sample_most(0, 100, 90, 30));
  EXPECT_FALSE(condition.sample_most(80, 100, 100, 30)) << "within the margin";
  EXPECT_FALSE(condition.sample_most(0, 100, 125, 30));
  EXPECT_TRUE(condition.holds());
  EXPECT_TRUE(condition.sample_most(0, 100, 155, 30));
}

TEST(Condition, AThresholdOfZeroIsNever) {
  Condition condition;
  EXPECT_FALSE(condition.sample_most(1e9, 0, 1));
  EXPECT_FALSE(condition.sample_least(0, 0, 1));
  ASSERT_TRUE(condition.sample_most(5, 5, 2));
  EXPECT_TRUE(condition.sample_most(5, 0, 3)) << "it was changed to never";
}

TEST(Condition, AnInterruptionIsNotPartOfTheTime) {
  Condition condition;
  EXPECT_FALSE(condition.sample_most(100, 100, 10, 30));
  condition.interrupt();
  EXPECT_FALSE(condition.sample_most(100, 100, 60, 30));
  EXPECT_TRUE(condition.sample_most(100, 100, 90, 30));
  condition.interrupt();
  EXPECT_EQ(condition.since(), 60) << "what has begun goes on";
}

}  // namespace
}  // namespace headgate::health
