// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspector.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace headgate::healthprobe {
namespace {

constexpr int64_t kEarly = 8;  // a sample may come so much of its interval early
constexpr int kNice = 10;      // a look may come later, a frame may not

int64_t clock_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Inspector& Inspector::of_process() {
  static Inspector inspector;
  return inspector;
}

void Inspector::join(unsigned budget) {
  std::lock_guard lock(mutex_);
  budgets_.push_back(budget);
  if (thread_.joinable()) return;
  refilled_ns_ = clock_ns(CLOCK_MONOTONIC);
  saved_ns_ = static_cast<double>(kMostSavedNs) * budget / 1000;
  thread_ = std::thread([this, generation = generation_] { run(generation); });
}

void Inspector::leave(unsigned budget) {
  std::thread ended;
  {
    std::lock_guard lock(mutex_);
    budgets_.erase(std::find(budgets_.begin(), budgets_.end(), budget));
    if (!budgets_.empty()) return;
    ++generation_;
    ended = std::move(thread_);
    waiting_.clear();
  }
  wake_.notify_all();
  // The last reference to an element may be the thread's own.
  if (ended.get_id() == std::this_thread::get_id())
    ended.detach();
  else
    ended.join();
}

void Inspector::refill(int64_t now) {
  if (budgets_.empty()) return;
  const double share = *std::min_element(budgets_.begin(), budgets_.end()) / 1000.0;
  saved_ns_ = std::min(saved_ns_ + static_cast<double>(now - refilled_ns_) * share,
                       static_cast<double>(kMostSavedNs) * share);
  refilled_ns_ = now;
}

bool Inspector::due(const Cost& cost, int64_t last, int64_t now, int64_t interval) {
  std::lock_guard lock(mutex_);
  if (budgets_.empty() || waiting_.size() >= kMostWaiting) return false;
  refill(clock_ns(CLOCK_MONOTONIC));
  if (saved_ns_ < 0) return false;
  if (last == INT64_MIN) return true;
  const unsigned budget = *std::min_element(budgets_.begin(), budgets_.end());
  // All have the same share: whose samples cost more has fewer.
  const int64_t all_ns = cost * static_cast<int64_t>(budgets_.size());
  // Key frames come nearly as regularly as they were made.
  return now - last >= std::max(interval - interval / kEarly, all_ns * 1000 / budget);
}

void Inspector::submit(std::shared_ptr<Cost> cost, std::function<void()> sample) {
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(cost), std::move(sample)});
  }
  wake_.notify_one();
}

int64_t Inspector::used_ns() const {
  std::lock_guard lock(mutex_);
  return used_ns_;
}

uint64_t Inspector::samples() const {
  std::lock_guard lock(mutex_);
  return samples_;
}

void Inspector::run(uint64_t generation) {
  pthread_setname_np(pthread_self(), "content");
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return generation != generation_ || !waiting_.empty(); });
    if (generation != generation_) return;
    auto sample = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const int64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    sample.take();
    sample.take = nullptr;
    const int64_t cost = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    lock.lock();
    *sample.cost += (cost - *sample.cost) / 4;
    used_ns_ += cost;
    saved_ns_ -= static_cast<double>(cost);
    ++samples_;
  }
}

}  // namespace headgate::healthprobe
