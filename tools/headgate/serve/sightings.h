// SPDX-License-Identifier: LGPL-2.1-or-later
// How often something was seen within the last while. No clock: times are told, and never go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

namespace headgate::serve {

inline constexpr size_t kMaxSighted = 10'000;  // keys; of more nothing is known

template <typename Key>
class Sightings {
 public:
  explicit Sightings(int64_t within_ms) : within_ms_(within_ms) {}

  // How often, with this time; 0: there are too many.
  int add(const Key& key, int64_t now_ms) {
    if (times_.count(key) == 0 && times_.size() >= kMaxSighted) return 0;
    auto& times = times_[key];
    times.push_back(now_ms);
    while (now_ms - times.front() > within_ms_) times.pop_front();
    return static_cast<int>(times.size());
  }
  // The one before the last, of a key that was added twice within that while.
  int64_t before_ms(const Key& key) const { return times_.at(key).end()[-2]; }
  void forget(const Key& key) { times_.erase(key); }
  template <typename Which>
  void forget_if(const Which& which) {
    std::erase_if(times_, [&](const auto& one) { return which(one.first); });
  }
  // Time has passed.
  void look(int64_t now_ms) {
    std::erase_if(times_, [&](const auto& one) { return now_ms - one.second.back() > within_ms_; });
  }

 private:
  const int64_t within_ms_;
  std::map<Key, std::deque<int64_t>> times_;
};

}  // namespace headgate::serve
