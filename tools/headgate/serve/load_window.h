// SPDX-License-Identifier: LGPL-2.1-or-later
// How a counter of the kernel's has gone on over the last while.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace headgate::serve {

class LoadWindow {
 public:
  struct Sample {
    int64_t ms;
    double used, all;  // in units of their own
  };
  explicit LoadWindow(int64_t ms) : ms_(ms) {}
  void add(const Sample& sample);
  // Since the window's beginning; none before it is half over. Its ms: how long it took.
  std::optional<Sample> change() const;

 private:
  int64_t ms_;
  std::deque<Sample> samples_;
};

inline void LoadWindow::add(const Sample& sample) {
  samples_.push_back(sample);
  // The oldest is the last one that is not younger than the window.
  while (samples_.size() > 2 && sample.ms - samples_[1].ms >= ms_) samples_.pop_front();
}

inline std::optional<LoadWindow::Sample> LoadWindow::change() const {
  if (samples_.empty()) return std::nullopt;
  const Sample &first = samples_.front(), &last = samples_.back();
  if (last.ms - first.ms < ms_ / 2) return std::nullopt;
  return Sample{last.ms - first.ms, last.used - first.used, last.all - first.all};
}

}  // namespace headgate::serve
