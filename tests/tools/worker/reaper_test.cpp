// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of a worker whose pipelines do not end: what is left of it touches nothing that is gone.
#include <worker/inbox.h>
#include <worker/reaper.h>

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace headgate::worker {
namespace {

TEST(ReaperTest, ItsEndWaitsForTheJobsThatAreThere) {
  std::atomic<int> done = 0;
  std::promise<void> begin;
  {
    Reaper reaper;
    reaper.run([&] {
      begin.get_future().wait();
      ++done;
    });
    reaper.run([&] { ++done; });
    begin.set_value();
  }
  EXPECT_EQ(done, 2);
}

TEST(ReaperTest, AStuckThreadIsLeftAndBeginsNothingMore) {
  // Outlives the test: the thread that is left has it.
  struct Shared {
    std::promise<void> begun, go, gone;
    std::atomic<bool> second = false;
  };
  auto shared = std::make_shared<Shared>();
  struct OnDrop {
    std::shared_ptr<Shared> shared;
    explicit OnDrop(std::shared_ptr<Shared> its_shared) : shared(std::move(its_shared)) {}
    ~OnDrop() { shared->gone.set_value(); }
  };
  auto queued = std::make_shared<OnDrop>(shared);
  {
    Reaper reaper;
    reaper.run([shared] {
      shared->begun.set_value();
      shared->go.get_future().wait();
    });
    reaper.run([shared, queued] { shared->second = true; });
    queued.reset();
    shared->begun.get_future().wait();
    EXPECT_GE(reaper.busy_ms(), 0);
  }
  shared->go.set_value();
  shared->gone.get_future().wait();  // the queue went with the thread
  EXPECT_FALSE(shared->second);
}

TEST(InboxTest, WhatComesAfterItsEndDoesNotReachTheLoop) {
  auto loop = std::make_unique<Loop>();
  int delivered = 0;
  auto inbox = std::make_shared<Inbox>(*loop, [&](const std::vector<BusEvent>&) { ++delivered; });
  inbox->post({1, EosEvent{}}, Inbox::When::now);
  loop->run_once(0);
  EXPECT_EQ(delivered, 1);
  inbox->stop();
  loop.reset();
  inbox->post({1, ClosedEvent{"late"}}, Inbox::When::now);
  inbox->post({1, EosEvent{}});
  EXPECT_EQ(delivered, 1);
}

}  // namespace
}  // namespace headgate::worker
