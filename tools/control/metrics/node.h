// SPDX-License-Identifier: LGPL-2.1-or-later
// NODE's parts, one function each, into samples. JSON that is of another type than expected counts as
// missing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <base/json.h>

#include "text.h"

namespace headgate::metrics {

// --- reading
std::optional<double> unix_time_in(const Json& parent, std::string_view key);  // of RFC 3339
bool has_list(const Json& parent, std::string_view key);
std::optional<Histogram> histogram_in(const Json& parent, std::string_view key);

// A sample, if the field is there.
void add_count(Text& text, Id id, Text::Labels labels, const Json& parent, std::string_view key);
void add_micros(Text& text, Id id, Text::Labels labels, const Json& parent,
                std::string_view key);  // as seconds
void add_truth(Text& text, Id id, Text::Labels labels, const Json& parent, std::string_view key);
// One of the states is 1, the others 0.
void add_state(Text& text, Id id, std::initializer_list<const char*> states, const std::string& present);

// --- writing
void processes(Text& text, const Json& node);
void gate(Text& text, const Json& stats);
void worker(Text& text, const std::string& number, const Json& stats);
void origin(Text& text, const Json& stats);
void control(Text& text, const Json& stats);
void streams(Text& text, const Json& node, bool per_stream);
void policy(Text& text, const Json& node);
void own_pipelines(Text& text, const Json& node);

}  // namespace headgate::metrics
