// SPDX-License-Identifier: LGPL-2.1-or-later
// Metrics as text: Prometheus' exposition format 0.0.4, and OpenMetrics 1.0.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <base/histogram.h>

#include "table.h"

namespace headgate::metrics {

enum class Format : uint8_t { prometheus, openmetrics };

// Of an Accept header's value; empty: none.
Format format_for(std::string_view accept);
const char* content_type(Format format);

class Text {
 public:
  // Their names are the metric's; those without a value are left out, as in Prometheus they are the same.
  using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

  void add(Id id, Labels labels, int64_t value);
  void add(Id id, Labels labels, double value);  // finite
  void add(Id id, Labels labels, const Histogram& histogram);

  // Metrics in the order of the table, samples as they were added. Nothing is left.
  std::string take(Format format);

 private:
  void line(Id id, std::string_view suffix, Labels labels, std::string_view le, std::string_view value);
  std::array<std::string, static_cast<size_t>(Id::count_)> samples_;
};

}  // namespace headgate::metrics
