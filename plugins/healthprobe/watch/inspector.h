// SPDX-License-Identifier: LGPL-2.1-or-later
// The one thread of a process that looks at pictures and listens to sound, for all its streams together, and
// what of the processor it may take. Where all that streams ask for would be more, each is looked at less
// often, all of them equally.
//
// Any thread. Nothing here waits for the thread but the last leave(), unless the thread itself calls it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace headgate::healthprobe {

class Inspector {
 public:
  static constexpr size_t kMostWaiting = 32;            // samples
  static constexpr int64_t kFirstGuessNs = 10'000'000;  // a sample's cost, before one was taken
  static constexpr int64_t kMostSavedNs =
      1'000'000'000;  // of time not used: what its share of that comes to may be spent at once

  static Inspector& of_process();

  // A stream comes, and goes. `budget` in thousandths of a core; the smallest of all that are here counts.
  void join(unsigned budget);
  void leave(unsigned budget);

  // What a sample of a stream costs, smoothed.
  using Cost = std::atomic<int64_t>;

  // May a stream whose last sample was at `last` (none: INT64_MIN) be looked at again at `now`, when it is to
  // be every `interval`? ns of one clock. False as well while too many samples wait, or the budget is used
  // up.
  bool due(const Cost& cost, int64_t last, int64_t now, int64_t interval);
  // `cost` is changed when the sample was taken.
  void submit(std::shared_ptr<Cost> cost, std::function<void()> sample);

  int64_t used_ns() const;  // of processor time, by all samples so far
  uint64_t samples() const;

 private:
  void run(uint64_t generation);
  void refill(int64_t now);

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  struct Sample {
    std::shared_ptr<Cost> cost;
    std::function<void()> take;
  };
  std::deque<Sample> waiting_;
  std::deque<unsigned> budgets_;  // of the streams that are here
  std::thread thread_;
  uint64_t generation_ = 0;  // of the thread: one of an earlier one ends
  int64_t used_ns_ = 0;
  uint64_t samples_ = 0;
  double saved_ns_ = 0;      // processor time that may be used
  int64_t refilled_ns_ = 0;  // monotonic
};

}  // namespace headgate::healthprobe
