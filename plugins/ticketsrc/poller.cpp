// SPDX-License-Identifier: LGPL-2.1-or-later
#include "poller.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <thread>
#include <utility>

namespace headgate::ticketsrc {
namespace {

constexpr int64_t kNsPerMs = 1'000'000, kNsPerSecond = 1'000'000'000;

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

std::chrono::steady_clock::time_point time_point(int64_t ns) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ns));
}

}  // namespace

Poller& Poller::of_tick(unsigned tick_ms) {
  static std::mutex mutex;
  static auto* pollers = new std::map<unsigned, Poller*>;  // never destroyed: their threads never end
  std::lock_guard lock(mutex);
  Poller*& poller = (*pollers)[tick_ms];
  if (!poller) {
    poller = new Poller(tick_ms);
    std::thread([poller] { poller->run(); }).detach();
  }
  return *poller;
}

void Poller::add(PollClient* client) {
  auto entry = std::make_shared<Entry>();
  entry->client = client;
  std::lock_guard lock(mutex_);
  entries_.push_back(entry);
  fresh_.push_back(std::move(entry));
  ++version_;
  some_.notify_one();
}

void Poller::remove(PollClient* client) {
  std::shared_ptr<Entry> entry;
  {
    std::lock_guard lock(mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [client](const auto& other) { return other->client == client; });
    if (found == entries_.end()) return;
    entry = *found;
    entries_.erase(found);
    ++version_;
  }
  std::lock_guard serving(entry->serving);  // waits for on_tick()
  entry->client = nullptr;
}

void Poller::run() {
  pthread_setname_np(pthread_self(), "headgate-poll");
  const auto scratch = std::make_unique<std::byte[]>(kScratchBytes);
  std::vector<std::shared_ptr<Entry>> all, fresh;
  const auto serve = [&scratch](const std::vector<std::shared_ptr<Entry>>& entries) {
    for (const auto& entry : entries) {
      std::lock_guard serving(entry->serving);
      if (entry->client) entry->client->on_tick({scratch.get(), kScratchBytes});
    }
  };
  const int64_t tick_ns = tick_ms_ * kNsPerMs;
  unsigned version = 0;
  int64_t next = now_ns();
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (entries_.empty()) {
        all.clear();
        some_.wait(lock, [this] { return !entries_.empty(); });
      }
      some_.wait_until(lock, time_point(next), [this] { return !fresh_.empty(); });
      fresh = std::exchange(fresh_, {});
      if (version != version_) {
        all = entries_;
        version = version_;
      }
    }
    const int64_t now = now_ns();
    if (now < next) {
      serve(fresh);
      continue;
    }
    serve(all);
    // A tick that was missed is not made up for; those that come stay where they were.
    next += tick_ns;
    if (const int64_t after = now_ns(); next < after)
      next += (after - next + tick_ns - 1) / tick_ns * tick_ns;
  }
}

}  // namespace headgate::ticketsrc
