// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <cstring>

#include "node.h"

namespace headgate::metrics {
namespace {

JsonNode* value_in(JsonObject* parent, const char* key) {
  JsonNode* node = parent ? json_object_get_member(parent, key) : nullptr;
  return node && JSON_NODE_HOLDS_VALUE(node) ? node : nullptr;
}

bool is_number(JsonNode* node) {
  const GType type = json_node_get_value_type(node);
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

JsonArray* array_in(JsonObject* parent, const char* key) {
  JsonNode* node = parent ? json_object_get_member(parent, key) : nullptr;
  return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : nullptr;
}

// Whole numbers as such: a double would print some of them with an exponent.
void add_number(Text& text, Id id, Text::Labels labels, double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value == std::floor(value) && std::abs(value) < kExact)
    text.add(id, labels, static_cast<int64_t>(value));
  else
    text.add(id, labels, value);
}

}  // namespace

JsonObject* object_in(JsonObject* parent, const char* key) {
  JsonNode* node = parent ? json_object_get_member(parent, key) : nullptr;
  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : nullptr;
}

std::optional<double> number_in(JsonObject* parent, const char* key) {
  JsonNode* node = value_in(parent, key);
  if (!node || !is_number(node)) return std::nullopt;
  const double value = json_node_get_double(node);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<bool> truth_in(JsonObject* parent, const char* key) {
  JsonNode* node = value_in(parent, key);
  if (!node || json_node_get_value_type(node) != G_TYPE_BOOLEAN) return std::nullopt;
  return json_node_get_boolean(node) != FALSE;
}

std::string text_in(JsonObject* parent, const char* key) {
  JsonNode* node = value_in(parent, key);
  const char* text = node ? json_node_get_string(node) : nullptr;
  return text ? text : "";
}

std::optional<double> unix_time_in(JsonObject* parent, const char* key) {
  const std::string text = text_in(parent, key);
  GDateTime* time = text.empty() ? nullptr : g_date_time_new_from_iso8601(text.c_str(), nullptr);
  if (!time) return std::nullopt;
  const double out = static_cast<double>(g_date_time_to_unix(time)) + g_date_time_get_microsecond(time) / 1e6;
  g_date_time_unref(time);
  return out;
}

bool has_list(JsonObject* parent, const char* key) {
  return array_in(parent, key) != nullptr;
}

void each_in(JsonObject* parent, const char* key, const std::function<void(JsonObject*)>& act) {
  JsonArray* array = array_in(parent, key);
  const guint size = array ? json_array_get_length(array) : 0;
  for (guint i = 0; i < size; ++i) {
    JsonNode* node = json_array_get_element(array, i);
    if (JSON_NODE_HOLDS_OBJECT(node)) act(json_node_get_object(node));
  }
}

std::optional<Histogram> histogram_in(JsonObject* parent, const char* key) {
  JsonObject* object = object_in(parent, key);
  JsonArray* counts = array_in(object, "counts");
  const auto sum = number_in(object, "sum_us");
  Histogram out;
  if (!counts || !sum || json_array_get_length(counts) != out.counts.size()) return std::nullopt;
  for (guint step = 0; step < out.counts.size(); ++step) {
    JsonNode* count = json_array_get_element(counts, step);
    if (!JSON_NODE_HOLDS_VALUE(count) || !is_number(count)) return std::nullopt;
    out.counts[step] = static_cast<uint64_t>(json_node_get_int(count));
  }
  out.sum_us = static_cast<int64_t>(*sum);
  return out;
}

void add_count(Text& text, Id id, Text::Labels labels, JsonObject* parent, const char* key) {
  if (const auto value = number_in(parent, key)) add_number(text, id, labels, *value);
}

void add_micros(Text& text, Id id, Text::Labels labels, JsonObject* parent, const char* key) {
  if (const auto value = number_in(parent, key)) text.add(id, labels, *value / 1e6);
}

void add_truth(Text& text, Id id, Text::Labels labels, JsonObject* parent, const char* key) {
  if (const auto value = truth_in(parent, key)) text.add(id, labels, int64_t{*value});
}

void add_state(Text& text, Id id, std::initializer_list<const char*> states, const std::string& present) {
  if (present.empty()) return;
  for (const char* state : states) text.add(id, {{"state", state}}, int64_t{present == state});
}

}  // namespace headgate::metrics
