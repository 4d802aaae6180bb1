// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include <ladder/patience.h>

namespace headgate::ladder {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kPicture = 40 * kMs;

// An encoder that needs `each_ns` for a picture, before which two can wait, and pictures that come as soon as
// the one before was taken or left out, but not before they are due.
class SimulatedEncoder {
 public:
  explicit SimulatedEncoder(int64_t each_ns) : each_ns_(each_ns) {}
  void pictures(int count, int64_t due_after_ns = kPicture) {
    for (int i = 0; i < count; ++i) {
      now_ns_ = std::max(now_ns_, due_ns_);
      due_ns_ += due_after_ns;
      picture();
      latest_ns = std::max(latest_ns, now_ns_ - (due_ns_ - due_after_ns));
    }
  }
  Patience patience;
  int taken = 0, left_out = 0;
  int64_t latest_ns = 0;  // by which others were behind

 private:
  void picture() {
    while (!begins_.empty() && begins_.front() <= now_ns_) begins_.pop_front();
    const bool waited = begins_.size() >= 2;
    const int64_t wait_ns = waited ? begins_.front() - now_ns_ : 0;
    if (wait_ns > patience.allowance_ns()) {
      now_ns_ += patience.allowance_ns();
      patience.left_out(kPicture);
      ++left_out;
      return;
    }
    now_ns_ += wait_ns;
    patience.took(kPicture, now_ns_ - took_ns_, waited);
    took_ns_ = now_ns_;
    begins_.push_back(std::max(now_ns_, free_ns_));
    free_ns_ = begins_.back() + each_ns_;
    ++taken;
  }

  const int64_t each_ns_;
  std::deque<int64_t> begins_;  // of what waits
  int64_t now_ns_ = 0, due_ns_ = 0, free_ns_ = 0, took_ns_ = 0;
};

TEST(Patience, AnEncoderThatKeepsUpIsAlwaysWaitedFor) {
  SimulatedEncoder run(38 * kMs);
  run.pictures(250);
  run.pictures(500, 0);  // all at once
  EXPECT_EQ(run.left_out, 0);
  EXPECT_FALSE(run.patience.strained());
}

TEST(Patience, OneThatIsSlowPutsTheOthersBehindByNoMoreThanItMay) {
  for (const int64_t each_ms : {45, 60, 80, 200, 2000}) {
    SimulatedEncoder run(each_ms * kMs);
    run.pictures(2500);
    EXPECT_LE(run.latest_ns, kMostWaitNs + kPicture) << each_ms;
    EXPECT_GT(run.taken, 2500 * 40 / each_ms * 9 / 10) << each_ms;
    EXPECT_TRUE(run.patience.slow()) << each_ms;
  }
}

TEST(Patience, OneThatGivesNothingIsPassedOver) {
  SimulatedEncoder run(INT64_MAX / 2);
  run.pictures(10);
  EXPECT_EQ(run.taken, 3);
  EXPECT_EQ(run.patience.allowance_ns(), 0);
  EXPECT_TRUE(run.patience.strained());
  EXPECT_FALSE(run.patience.slow());
  run.pictures(30);
  EXPECT_TRUE(run.patience.slow());
}

TEST(Patience, OneThatComesBackIsWaitedForAgain) {
  Patience patience;
  for (int i = 0; i < 15; ++i) patience.left_out(kPicture);
  ASSERT_EQ(patience.allowance_ns(), 0);
  int pictures = 0;
  for (; patience.allowance_ns() == 0 && pictures < 100; ++pictures) patience.took(kPicture, 0, false);
  EXPECT_EQ(pictures, 13);  // half a second
  EXPECT_EQ(patience.allowance_ns(), kMostWaitNs - 480 * kMs);
  for (; patience.strained() && pictures < 100; ++pictures) patience.took(kPicture, 0, false);
  EXPECT_LT(pictures, 100);
}

TEST(Patience, WhatIsLostNowAndThenIsForgiven) {
  Patience patience;
  for (int i = 0; i < 2000; ++i) {
    if (i % 20 == 0)
      patience.left_out(kPicture);
    else
      patience.took(kPicture, kPicture, false);
    ASSERT_FALSE(patience.slow()) << i;
  }
}

}  // namespace
}  // namespace headgate::ladder
