// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <cmath>

#include "node.h"

namespace headgate::metrics {
namespace {

// Whole numbers as such: a double would print some of them with an exponent.
void add_number(Text& text, Id id, Text::Labels labels, double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value == std::floor(value) && std::abs(value) < kExact)
    text.add(id, labels, static_cast<int64_t>(value));
  else
    text.add(id, labels, value);
}

}  // namespace

std::optional<double> unix_time_in(const Json& parent, std::string_view key) {
  const std::string text = parent.text(key);
  GDateTime* time = text.empty() ? nullptr : g_date_time_new_from_iso8601(text.c_str(), nullptr);
  if (!time) return std::nullopt;
  const double out = static_cast<double>(g_date_time_to_unix(time)) + g_date_time_get_microsecond(time) / 1e6;
  g_date_time_unref(time);
  return out;
}

bool has_list(const Json& parent, std::string_view key) {
  return parent.at(key).is(Json::Kind::array);
}

std::optional<Histogram> histogram_in(const Json& parent, std::string_view key) {
  const std::vector<Json>& counts = parent.at(key).at("counts").items();
  const auto sum = parent.at(key).at("sum_us").as_number();
  Histogram out;
  if (!sum || counts.size() != out.counts.size()) return std::nullopt;
  for (size_t step = 0; step < out.counts.size(); ++step) {
    const auto count = counts[step].as_integer();
    if (!count) return std::nullopt;
    out.counts[step] = static_cast<uint64_t>(*count);
  }
  out.sum_us = static_cast<int64_t>(*sum);
  return out;
}

void add_count(Text& text, Id id, Text::Labels labels, const Json& parent, std::string_view key) {
  if (const auto value = parent.at(key).as_number()) add_number(text, id, labels, *value);
}

void add_micros(Text& text, Id id, Text::Labels labels, const Json& parent, std::string_view key) {
  if (const auto value = parent.at(key).as_number()) text.add(id, labels, *value / 1e6);
}

void add_truth(Text& text, Id id, Text::Labels labels, const Json& parent, std::string_view key) {
  if (const auto value = parent.at(key).as_truth()) text.add(id, labels, int64_t{*value});
}

void add_state(Text& text, Id id, std::initializer_list<const char*> states, const std::string& present) {
  if (present.empty()) return;
  for (const char* state : states) text.add(id, {{"state", state}}, int64_t{present == state});
}

}  // namespace headgate::metrics
