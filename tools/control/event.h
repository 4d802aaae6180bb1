// SPDX-License-Identifier: LGPL-2.1-or-later
// What happened on the node, as docs/events.md has it: a line of JSON in a file of DATA/events, in answers
// and in webhooks alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::control {

struct Event {
  uint64_t id = 0;  // ascending; given by EventLog
  int64_t utc_us = 0;
  std::string kind, severity, text;
  std::string fields = "{}";  // a JSON object
  uint64_t seq = 0;           // that the supervisor gave it; 0: seen by this process itself
};

inline constexpr char kInfo[] = "info", kWarning[] = "warning", kError[] = "error";
// 0, 1, 2; -1: no severity.
int severity_rank(std::string_view severity);

// Without the line's end. `id` comes first, so that a file can be looked through by id_of() alone.
std::string event_line(const Event& event);
std::optional<uint64_t> id_of(std::string_view line);

// What a file's line says of itself; none: it is none of ours, or was cut by a crash.
struct LineFacts {
  uint64_t id = 0, seq = 0;
  std::string kind, session;      // the latter: fields.session, if it has one
  std::optional<int64_t> worker;  // fields.worker, likewise
};
std::optional<LineFacts> facts_of(const std::string& line);
// severity alone; empty: not a line of ours.
std::string severity_of(const std::string& line);

}  // namespace headgate::control
