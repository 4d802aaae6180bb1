// SPDX-License-Identifier: LGPL-2.1-or-later
// How long things took, counted in fixed steps: what processes tell of themselves once a second, and what
// becomes a Prometheus histogram (docs/metrics.md). Adding costs a few comparisons and allocates nothing. Not
// thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace headgate {

struct Histogram {
  // Upper bounds, inclusive, in microseconds; what took longer is counted behind the last.
  static constexpr std::array<int64_t, 14> kBoundsUs{500,       1000,      2500,      5000,      10'000,
                                                     25'000,    50'000,    100'000,   250'000,   500'000,
                                                     1'000'000, 2'500'000, 5'000'000, 10'000'000};

  std::array<uint64_t, kBoundsUs.size() + 1> counts{};  // each of its own step, not summed up
  int64_t sum_us = 0;

  void add(int64_t us) {
    size_t step = 0;
    while (step < kBoundsUs.size() && us > kBoundsUs[step]) ++step;
    ++counts[step];
    sum_us += us;
  }
  void add(const Histogram& other) {
    for (size_t step = 0; step < counts.size(); ++step) counts[step] += other.counts[step];
    sum_us += other.sum_us;
  }
  uint64_t count() const {
    uint64_t all = 0;
    for (const uint64_t one : counts) all += one;
    return all;
  }
  bool operator==(const Histogram&) const = default;
};

// {"counts": [COUNT, …], "sum_us": SUM}: a count for each bound, and one for what took longer.
inline std::string histogram_json(const Histogram& histogram) {
  std::string out = "{\"counts\":[";
  for (size_t step = 0; step < histogram.counts.size(); ++step)
    out += (step > 0 ? "," : "") + std::to_string(histogram.counts[step]);
  return out + "],\"sum_us\":" + std::to_string(histogram.sum_us) + "}";
}

}  // namespace headgate
