// SPDX-License-Identifier: LGPL-2.1-or-later
// NODE's parts, one function each, into samples. JSON that is of another type than expected counts as
// missing.
#pragma once

#include <json-glib/json-glib.h>

#include <functional>
#include <optional>
#include <string>

#include "text.h"

namespace headgate::metrics {

// --- reading
JsonObject* object_in(JsonObject* parent, const char* key);  // null: there is none, or no parent
std::optional<double> number_in(JsonObject* parent, const char* key);
std::optional<bool> truth_in(JsonObject* parent, const char* key);
std::string text_in(JsonObject* parent, const char* key);                 // empty: there is none
std::optional<double> unix_time_in(JsonObject* parent, const char* key);  // of RFC 3339
bool has_list(JsonObject* parent, const char* key);
void each_in(JsonObject* parent, const char* key, const std::function<void(JsonObject*)>& act);
std::optional<Histogram> histogram_in(JsonObject* parent, const char* key);

// A sample, if the field is there.
void add_count(Text& text, Id id, Text::Labels labels, JsonObject* parent, const char* key);
void add_micros(Text& text, Id id, Text::Labels labels, JsonObject* parent, const char* key);  // as seconds
void add_truth(Text& text, Id id, Text::Labels labels, JsonObject* parent, const char* key);
// One of the states is 1, the others 0.
void add_state(Text& text, Id id, std::initializer_list<const char*> states, const std::string& present);

// --- writing
void processes(Text& text, JsonObject* node);
void gate(Text& text, JsonObject* stats);
void worker(Text& text, const std::string& number, JsonObject* stats);
void origin(Text& text, JsonObject* stats);
void control(Text& text, JsonObject* stats);
void streams(Text& text, JsonObject* node, bool per_stream);
void policy(Text& text, JsonObject* node);
void own_pipelines(Text& text, JsonObject* node);

}  // namespace headgate::metrics
