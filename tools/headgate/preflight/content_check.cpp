// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the node looks at what streams show: it does only where that is asked for (docs/health.md).
#include <pipeline/folder.h>

#include <charconv>

#include "checks.h"
#include "content_interval.h"

namespace headgate::preflight {

Outcome check_content(Context& context) {
  const serve::Config& config = context.config;
  const auto file = pipeline::find_file(config.pipelines, config.pipeline);
  const auto description =
      file ? pipeline::Description::load(*file) : Result<pipeline::Description>(Unexpected(file.error()));
  if (!description) return Outcome::skip("the description cannot be read (see pipelines)");
  Outcome out;
  if (const int64_t ns = content_interval_ns(*description, config.parameters); ns > 0) {
    out.measured = "looked at each " + std::to_string(ns / 1'000'000) + " ms";
    return out;
  }
  out.measured = "not looked at";
  return out.warn("nobody is told of a stream that is black, frozen, covered, silent or clipped",
                  "if somebody is to be: content-ms=2000 and content-budget=500 under [parameters] of the "
                  "settings; docs/health.md says what is decoded then, and what it costs");
}

int64_t content_interval_ns(const pipeline::Description& description, const std::vector<std::string>& set) {
  if (const auto wanted = description.health().value("content")) return static_cast<int64_t>(*wanted);
  pipeline::Values values;
  for (const std::string& one : set)
    if (const size_t equals = one.find('=');
        equals != one.npos && description.has_parameter(one.substr(0, equals)))
      values[one.substr(0, equals)] = one.substr(equals + 1);
  const auto lines = description.lines(values, pipeline::Description::Missing::kept);
  int64_t out = 0;
  if (!lines) return out;                         // what is wrong with a value is told elsewhere
  const std::string front = "content-interval=";  // healthprobe's
  for (const pipeline::Line& line : *lines) {
    const size_t at = line.text.find(front);
    if (at == line.text.npos) continue;
    std::from_chars(line.text.data() + at + front.size(), line.text.data() + line.text.size(), out);
  }
  return out;
}

}  // namespace headgate::preflight
