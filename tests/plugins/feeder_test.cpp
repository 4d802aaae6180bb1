// SPDX-License-Identifier: LGPL-2.1-or-later
// How much media waits for the ladder's decoder.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

#include "ladder/feeder.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using gst::Ref;

constexpr int64_t kSecond = 1'000'000'000;

// A decoder that takes nothing before it is let.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waited_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_entered() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [this] { return waited_ > 0; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned waited_ = 0;
  bool open_ = false;
};

class FeederTest : public ::testing::Test {
 protected:
  ~FeederTest() override { gate_.open(); }
  bool put(int64_t dts_ns, bool key = true) {
    EncodedFrame frame;
    frame.buffer = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 16, nullptr));
    frame.dts_ns = frame.pts_ns = dts_ns;
    frame.key = key;
    return feeder_.put(std::move(frame), false);
  }
  // The first frame is with the decoder, and nothing waits.
  void begin() {
    ASSERT_TRUE(put(0));
    gate_.wait_entered();
  }
  Gate gate_;
  Feeder feeder_{"test", [this](Input) { gate_.wait(); }};
};

TEST_F(FeederTest, WhatWaitsIsCounted) {
  begin();
  for (int i = 0; i <= 50; ++i) ASSERT_TRUE(put(kSecond + i * kSecond / 25));
  EXPECT_EQ(feeder_.waiting_ns(), 2 * kSecond);
  gate_.open();
  EXPECT_TRUE(test::eventually([&] { return feeder_.waiting_ns() == 0; }));
}

TEST_F(FeederTest, TooMuchIsLeftOutUpToAKeyFrame) {
  begin();
  int64_t at = 0;
  while (put(at += kSecond / 4, false)) ASSERT_LT(at, 10 * kSecond);
  EXPECT_GT(feeder_.waiting_ns(), kMaxWaitingNs);
  gate_.open();
  ASSERT_TRUE(test::eventually([&] { return feeder_.waiting_ns() == 0; }));
  EXPECT_FALSE(put(at += kSecond / 4, false));
  EXPECT_TRUE(put(at += kSecond / 4, true));
  EXPECT_EQ(feeder_.dropped(), 2u);
}

TEST_F(FeederTest, AHoleIsNotWhatWaits) {
  begin();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(put(7 * kSecond + i * kSecond / 25));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(put(14 * kSecond + i * kSecond / 25));
  EXPECT_EQ(feeder_.waiting_ns(), 8 * kSecond / 25);
  EXPECT_EQ(feeder_.dropped(), 0u);
}

// One picture in two seconds, and each is taken in time.
TEST_F(FeederTest, FewFramesAreNotLate) {
  begin();
  ASSERT_TRUE(put(2 * kSecond));
  EXPECT_EQ(feeder_.waiting_ns(), 0);
}

// The element is stopped while nobody wants a rung any more: encoders are ended by whoever rests, and not
// beside the thread that uses them.
TEST_F(FeederTest, RestingBesideAStopWaitsForTheThread) {
  begin();
  auto stopped = std::async(std::launch::async, [this] { feeder_.stop(); });
  EXPECT_TRUE(test::eventually([this] { return !feeder_.put(InputDrain{}, false); }));
  auto rested = std::async(std::launch::async, [this] { feeder_.rest(); });
  EXPECT_EQ(rested.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  gate_.open();
  rested.get();
  stopped.get();
}

}  // namespace
}  // namespace headgate::abrhlssink
