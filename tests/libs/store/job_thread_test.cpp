// SPDX-License-Identifier: LGPL-2.1-or-later
// The thread behind a volume's openings and recoveries, alone.
#include "job_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace headgate::store {
namespace {

constexpr std::chrono::milliseconds kSoon{20}, kPatience{60'000};

TEST(JobThread, AStreamOfJobsDoesNotHoldUpWhatFellDue) {
  std::promise<void> done;
  bool stop = false;  // of the thread
  std::function<void()> again;
  JobThread thread;
  // There is always another one waiting.
  again = [&] {
    if (!stop) thread.post(again);
  };
  thread.post(again);
  thread.post_at(std::chrono::steady_clock::now() + kSoon, [&] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
  // Not behind those that come meanwhile.
  thread.post_at(JobThread::Time::min(), [&] { stop = true; });
}

TEST(JobThread, DoesWhatItIsGivenInItsOrder) {
  std::vector<int> order;
  {
    JobThread thread;
    std::promise<void> go;
    thread.post([held = go.get_future().share()] { held.wait(); });
    thread.post([&] { order.push_back(1); });
    thread.post_at(std::chrono::steady_clock::now(), [&] { order.push_back(2); });
    thread.post([&] { order.push_back(3); });
    thread.post_at(std::chrono::steady_clock::now() + std::chrono::hours(1), [&] { order.push_back(4); });
    go.set_value();
  }
  // What was posted was done before it went, the last one without its hour.
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

}  // namespace
}  // namespace headgate::store
