// SPDX-License-Identifier: LGPL-2.1-or-later
#include "event.h"

#include <base/json.h>
#include <base/json_line.h>
#include <common/utc.h>

#include <charconv>

namespace headgate::control {
namespace {

constexpr std::string_view kFront = "{\"id\":";

}  // namespace

int severity_rank(std::string_view severity) {
  return severity == kInfo ? 0 : severity == kWarning ? 1 : severity == kError ? 2 : -1;
}

std::string event_line(const Event& event) {
  JsonLine line;
  line.field("id", event.id)
      .field("utc", tools::utc_text(event.utc_us))
      .field("kind", event.kind)
      .field("severity", event.severity)
      .field("text", event.text)
      .raw("fields", event.fields);
  if (event.seq != 0)
    line.field("seq", event.seq);
  else
    line.raw("seq", "null");
  return line.take();
}

std::optional<uint64_t> id_of(std::string_view line) {
  if (!line.starts_with(kFront)) return std::nullopt;
  uint64_t id = 0;
  const char* begin = line.data() + kFront.size();
  auto [end, error] = std::from_chars(begin, line.data() + line.size(), id);
  if (error != std::errc() || end == line.data() + line.size() || *end != ',' || line.back() != '}')
    return std::nullopt;
  return id;
}

std::optional<LineFacts> facts_of(const std::string& line) {
  const Json json = Json::object_of(line);
  const auto id = json.at("id").as_integer();
  if (!id || *id <= 0) return std::nullopt;
  LineFacts out;
  out.id = static_cast<uint64_t>(*id);
  out.seq = static_cast<uint64_t>(json.integer("seq"));
  out.kind = json.text("kind");
  out.session = json.at("fields").text("session");
  out.worker = json.at("fields").at("worker").as_integer();
  return out;
}

std::string severity_of(const std::string& line) {
  return Json::object_of(line).text("severity");
}

}  // namespace headgate::control
