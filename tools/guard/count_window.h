// SPDX-License-Identifier: LGPL-2.1-or-later
// How a count that goes on has gone on over the last while. No clock: times are told, and never go back.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace headgate::guard {

// Two counts of the same time, in units of their own.
struct CountPair {
  double first = 0, second = 0;
  CountPair operator-(const CountPair& other) const { return {first - other.first, second - other.second}; }
};

// `Count`: a number, or what can be subtracted like one.
template <typename Count>
class CountWindow {
 public:
  struct Change {
    int64_t ms;  // how long it took: more than 0
    Count count;
  };
  explicit CountWindow(int64_t ms) : ms_(ms) {}

  void add(int64_t now_ms, const Count& count) {
    samples_.push_back({now_ms, count});
    // The oldest is the last one that is not younger than the window.
    while (samples_.size() > 2 && now_ms - samples_[1].ms >= ms_) samples_.pop_front();
  }
  // From the window's beginning to the last one that was added; none while that is less than `least_ms`.
  std::optional<Change> change(int64_t least_ms) const {
    if (samples_.empty()) return std::nullopt;
    const int64_t passed_ms = samples_.back().ms - samples_.front().ms;
    if (passed_ms <= 0 || passed_ms < least_ms) return std::nullopt;
    return Change{passed_ms, static_cast<Count>(samples_.back().count - samples_.front().count)};
  }
  void clear() { samples_.clear(); }

 private:
  struct Sample {
    int64_t ms;
    Count count;
  };
  int64_t ms_;
  std::deque<Sample> samples_;
};

// Of µs of processor time: how many processors were used.
inline double processors_of(const CountWindow<int64_t>::Change& change) {
  return static_cast<double>(change.count) / 1000 / static_cast<double>(change.ms);
}

}  // namespace headgate::guard
