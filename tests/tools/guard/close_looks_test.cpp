// SPDX-License-Identifier: LGPL-2.1-or-later
// Who wants to know something that takes long never waits, and shares what others have asked for.
#include <gtest/gtest.h>
#include <guard/close_looks.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace headgate::guard {
namespace {

// Looks that take as long as the test wants.
class Eye {
 public:
  CloseLooks::Look look() {
    return [this](int pid) {
      std::unique_lock lock(mutex_);
      ++looks_[pid];
      changed_.notify_all();
      changed_.wait(lock, [&] { return open_; });
      return CloseLook{bytes_, 1, 2};
    };
  }
  void open(bool open, uint64_t bytes = 0) {
    std::lock_guard lock(mutex_);
    open_ = open;
    bytes_ = bytes;
    changed_.notify_all();
  }
  int looks(int pid) {
    std::lock_guard lock(mutex_);
    return looks_[pid];
  }
  void await(int pid, int looks) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return looks_[pid] >= looks; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  uint64_t bytes_ = 0;
  std::map<int, int> looks_;
};

CloseLooks::Seen seen(CloseLooks& looks, int pid, int64_t now_ms, uint64_t bytes) {
  for (;; std::this_thread::yield())
    if (const auto one = looks.of(pid, now_ms); one && one->look.proportional_bytes == bytes) return *one;
}

TEST(CloseLooks, NobodyWaitsAndWhatWasSeenGrowsOld) {
  Eye eye;
  CloseLooks looks(eye.look());
  EXPECT_FALSE(looks.of(7, 1000));  // and does not stand still here
  eye.await(7, 1);
  EXPECT_FALSE(looks.of(7, 5000));
  eye.open(true, 4096);
  EXPECT_EQ(seen(looks, 7, 5000, 4096).age_ms, 4000) << "since it was asked for";
  EXPECT_EQ(looks.of(7, 1000 + kCloseLookMs - 1)->age_ms, kCloseLookMs - 1);
  EXPECT_EQ(eye.looks(7), 1);
  // The next one hangs: what was seen stays, and says how old it is.
  eye.open(false);
  EXPECT_EQ(looks.of(7, 1000 + kCloseLookMs)->age_ms, kCloseLookMs);
  eye.await(7, 2);
  EXPECT_EQ(looks.of(7, 1000 + 10 * kCloseLookMs)->age_ms, 10 * kCloseLookMs);
  EXPECT_EQ(looks.of(7, 1000 + 10 * kCloseLookMs)->look.proportional_bytes, 4096u);
  EXPECT_EQ(eye.looks(7), 2) << "one question at a time";
  eye.open(true, 8192);
  EXPECT_EQ(seen(looks, 7, 1000 + 10 * kCloseLookMs, 8192).age_ms, 9 * kCloseLookMs);
}

TEST(CloseLooks, WhoeverAsksSharesThem) {
  Eye eye;
  eye.open(true, 1);
  CloseLooks looks(eye.look());
  for (int64_t now_ms = 0; now_ms < 3 * kCloseLookMs; now_ms += 1000) {
    seen(looks, 7, now_ms, 1);
    seen(looks, 7, now_ms, 1);
    seen(looks, 8, now_ms, 1);
  }
  while (looks.of(7, 3 * kCloseLookMs - 1)->age_ms >= kCloseLookMs) std::this_thread::yield();
  EXPECT_EQ(eye.looks(7), 3);
  EXPECT_LE(eye.looks(8), 3);
}

TEST(CloseLooks, AreForgottenWhenNobodyAsks) {
  Eye eye;
  eye.open(true, 1);
  CloseLooks looks(eye.look());
  seen(looks, 7, kForgetLookMs, 1);
  while (looks.of(7, 2 * kForgetLookMs - 1)->age_ms > 0) std::this_thread::yield();
  seen(looks, 8, 3 * kForgetLookMs, 1);
  EXPECT_FALSE(looks.of(7, 3 * kForgetLookMs)) << "another process may have the number by now";
}

TEST(CloseLooks, HaveABound) {
  Eye eye;  // the first look hangs
  CloseLooks looks(eye.look());
  for (int pid = 1; pid <= static_cast<int>(kMaxLookedAt) + 10; ++pid) EXPECT_FALSE(looks.of(pid, 1));
  eye.open(true, 1);
  seen(looks, static_cast<int>(kMaxLookedAt), 1, 1);
  EXPECT_FALSE(looks.of(static_cast<int>(kMaxLookedAt) + 1, 1));
  EXPECT_EQ(eye.looks(static_cast<int>(kMaxLookedAt) + 1), 0);
}

TEST(CloseLooks, OneThatHangsHoldsUpNoOther) {
  static Eye& eye = *new Eye;  // as below
  const auto hanging = eye.look();
  CloseLooks looks([hanging](int pid) { return pid < 100 ? hanging(pid) : CloseLook{1, 1, 2}; });
  int64_t now_ms = 0;
  for (int pid = 1; pid <= static_cast<int>(kMaxHungThreads); ++pid) {
    looks.of(pid, now_ms);
    eye.await(pid, 1);
    looks.of(100 + pid, now_ms);
    EXPECT_FALSE(looks.of(100 + pid, now_ms + kCloseLookMs - 1)) << "it may only be slow";
    now_ms += kCloseLookMs;
    seen(looks, 100 + pid, now_ms, 1);
  }
  looks.of(99, now_ms);
  eye.await(99, 1);
  looks.of(200, now_ms);
  EXPECT_FALSE(looks.of(200, now_ms + 2 * kCloseLookMs)) << "threads have a bound";
  // Those that hung are there again, and tell what they have seen.
  eye.open(true, 7);
  now_ms += 2 * kCloseLookMs;
  for (const int pid : {1, 2, 99}) seen(looks, pid, now_ms, 7);
  seen(looks, 200, now_ms, 1);
}

TEST(CloseLooks, EndWithoutALookThatHangs) {
  static Eye& eye = *new Eye;  // the thread outlives the test, and what it waits for is not destroyed
  CloseLooks looks(eye.look());
  looks.of(7, 1);
  eye.await(7, 1);
}

TEST(CloseLooks, OfThisProcess) {
  const CloseLook look = look_closely(::getpid());
  EXPECT_GT(look.proportional_bytes, 100'000u);
  EXPECT_GT(look.open_fds, 2);
  EXPECT_GT(look.max_fds, look.open_fds);
  EXPECT_EQ(look_closely(INT32_MAX), CloseLook{});
}

}  // namespace
}  // namespace headgate::guard
