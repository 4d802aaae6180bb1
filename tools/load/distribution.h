// SPDX-License-Identifier: LGPL-2.1-or-later
// Every value of a measured quantity, for percentiles.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <base/json_line.h>
#include <load/measure.h>

namespace headgate::load {

class Distribution {
 public:
  void add(double value) {
    values_.push_back(static_cast<float>(value));
    sorted_ = false;
  }
  size_t count() const { return values_.size(); }
  // The smallest value that at least `share` (0..1) of all are not above; 0 without values.
  double at(double share) {
    if (values_.empty()) return 0;
    if (!sorted_) std::sort(values_.begin(), values_.end());
    sorted_ = true;
    auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values_.size())));
    return static_cast<double>(values_[std::clamp<size_t>(rank, 1, values_.size()) - 1]);
  }
  // {"count":…,"p50":…,"p90":…,"p99":…,"max":…}, rounded to thousandths.
  std::string json() {
    return JsonLine()
        .field("count", count())
        .field("p50", rounded(at(0.5)))
        .field("p90", rounded(at(0.9)))
        .field("p99", rounded(at(0.99)))
        .field("max", rounded(at(1)))
        .take();
  }

 private:
  std::vector<float> values_;
  bool sorted_ = false;
};

}  // namespace headgate::load
