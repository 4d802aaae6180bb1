// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <ladder/pacer.h>

namespace headgate::ladder {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(Pacer, LeavesRegularTimesAlone) {
  Pacer pacer(33'333'333);
  for (const int64_t ms : {0, 33, 67, 100, 133, 167, 200, 240, 267}) {
    const Pacer::Step step = pacer.next(ms * kMs, false);
    EXPECT_TRUE(step.use) << ms;
    EXPECT_TRUE(step.repeats.empty()) << ms;
  }
}

TEST(Pacer, RepeatsWhatIsMissing) {
  Pacer pacer(40 * kMs);
  pacer.next(0, true);
  const Pacer::Step step = pacer.next(160 * kMs, false);
  EXPECT_TRUE(step.use);
  EXPECT_EQ(step.repeats, (std::vector<int64_t>{40 * kMs, 80 * kMs, 120 * kMs}));
}

TEST(Pacer, LeavesOutWhatIsSurplus) {
  Pacer pacer(40 * kMs);
  size_t used = 0;
  for (int64_t i = 0; i < 100; ++i) used += pacer.next(i * 10 * kMs, false).use;
  EXPECT_GE(used, 24u);
  EXPECT_LE(used, 29u);
  // What must be shown is.
  EXPECT_TRUE(pacer.next(981 * kMs, true).use);
}

TEST(Pacer, AHoleStaysOne) {
  Pacer pacer(40 * kMs);
  pacer.next(0, true);
  EXPECT_TRUE(pacer.next(kLongestFillNs + kMs, false).repeats.empty());
}

RateFinder::Rate rate_of(uint32_t hint, const std::vector<int64_t>& ms) {
  RateFinder finder(hint);
  for (const int64_t time : ms) finder.note(time * kMs);
  return finder.rate();
}

std::vector<int64_t> steps(std::initializer_list<int64_t> pattern, int times) {
  std::vector<int64_t> out{0};
  for (int i = 0; i < times; ++i)
    for (const int64_t step : pattern) out.push_back(out.back() + step);
  return out;
}

TEST(RateFinder, KnowsTheUsualRatesInMilliseconds) {
  EXPECT_EQ(rate_of(0, steps({33, 33, 34}, 20)).over, 30u);
  EXPECT_EQ(rate_of(0, steps({40}, 40)).over, 25u);
  EXPECT_EQ(rate_of(0, steps({41, 42, 42}, 20)).over, 24u);
  EXPECT_EQ(rate_of(0, steps({16, 17, 17}, 20)).over, 60u);
}

TEST(RateFinder, BelievesAHintThatFits) {
  const auto rate = rate_of(29970, steps({33, 33, 34}, 20));
  EXPECT_EQ(rate.over, 30000u);
  EXPECT_EQ(rate.under, 1001u);
  EXPECT_EQ(rate_of(25000, steps({33, 33, 34}, 20)).over, 30u);
}

TEST(RateFinder, HolesSayNothing) {
  EXPECT_EQ(rate_of(0, steps({40, 40, 40, 400}, 8)).over, 25u);
}

TEST(RateFinder, AnUnusualRateIsKept) {
  const auto rate = rate_of(0, steps({143}, 20));
  EXPECT_NEAR(static_cast<double>(rate.over) / rate.under, 6.993, 0.01);
}

TEST(RateFinder, IsThereWhenEnoughHasCome) {
  RateFinder finder(0);
  for (int i = 0; i < 31; ++i) finder.note(i * 10 * kMs);
  EXPECT_FALSE(finder.enough());
  finder.note(310 * kMs);
  EXPECT_TRUE(finder.enough());
  RateFinder slow(0);
  slow.note(0);
  EXPECT_FALSE(slow.enough());
  EXPECT_EQ(slow.rate().over, 25u);
  slow.note(1000 * kMs);
  EXPECT_TRUE(slow.enough());
}

}  // namespace
}  // namespace headgate::ladder
