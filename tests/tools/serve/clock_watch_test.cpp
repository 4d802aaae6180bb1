// SPDX-License-Identifier: LGPL-2.1-or-later
#include "serve/clock_watch.h"

#include <gtest/gtest.h>

namespace headgate::serve {
namespace {

constexpr int64_t kSecond = 1'000'000;

class ClockWatchTest : public testing::Test {
 protected:
  std::optional<int64_t> step_after(int64_t step_us, int64_t passed_us = kSecond) {
    clock_.advance_us(passed_us);
    clock_.step_utc_us(step_us);
    return watch_.look().step_us;
  }

  ManualClock clock_{1'700'000'000 * kSecond, 5000 * kSecond};
  KernelClock state_{true, true, 1000, 10};
  ClockWatch watch_{clock_, [this] { return state_; }};
};

TEST_F(ClockWatchTest, StepsAreSeenBothWays) {
  EXPECT_FALSE(watch_.look().step_us) << "there was nothing before";
  EXPECT_FALSE(step_after(0));
  EXPECT_EQ(step_after(3600 * kSecond), 3600 * kSecond);
  EXPECT_FALSE(step_after(0)) << "told once";
  EXPECT_EQ(step_after(-300'000), -300'000);
  EXPECT_NE(watch_.json().find("\"steps\":2,\"last_step_ms\":-300,\"last_step_utc\":\"2023-"),
            std::string::npos)
      << watch_.json();
}

TEST_F(ClockWatchTest, AClockThatIsSlewedOrSmallDoesNotStep) {
  watch_.look();
  EXPECT_FALSE(step_after(90'000));
  EXPECT_FALSE(step_after(500 * 60, 60 * kSecond)) << "500 ppm for a minute";
  // This process stood still for an hour while the clock was slewed.
  EXPECT_FALSE(step_after(1'800'000, 3600 * kSecond));
  EXPECT_TRUE(step_after(1'800'000));
}

TEST_F(ClockWatchTest, WhetherItIsKeptRightIsToldOnceEachWay) {
  EXPECT_EQ(watch_.look().synchronised, true);
  EXPECT_FALSE(watch_.look().synchronised);
  state_ = {true, false, 16 * kSecond, 16 * kSecond};
  EXPECT_EQ(watch_.look().synchronised, false);
  EXPECT_FALSE(watch_.look().synchronised);
  EXPECT_EQ(watch_.json(),
            R"({"synchronised":false,"max_error_us":16000000,"estimated_error_us":16000000,"steps":0})");
  state_ = {};
  EXPECT_FALSE(watch_.look().synchronised) << "nobody knows";
  EXPECT_EQ(watch_.json(), R"({"steps":0})");
}

TEST(KernelClock, IsAsked) {
  const KernelClock state = kernel_clock();
  EXPECT_TRUE(state.known);
  EXPECT_GE(state.max_error_us, 0);
}

// Two reads with something between them are no step.
class Interrupted : public Clock {
 public:
  int64_t utc_us() const override { return 1'000'000 + now_; }
  int64_t mono_us() const override { return now_ += (++reads_ % 6 == 2 ? 400'000 : 10); }

 private:
  mutable int64_t now_ = 0;
  mutable int reads_ = 0;
};

TEST(ClockWatch, BeingPreemptedBetweenTheClocksIsNoStep) {
  const Interrupted clock;
  ClockWatch watch(clock, [] { return KernelClock(); });
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(watch.look().step_us) << i;
}

}  // namespace
}  // namespace headgate::serve
