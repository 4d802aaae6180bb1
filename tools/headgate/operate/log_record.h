// SPDX-License-Identifier: LGPL-2.1-or-later
// A record of the programs' log (common/log.h), read back from a line or from the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <base/json.h>

namespace headgate::cli {

// As syslog counts: smaller is worse.
enum class LogLevel { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };
std::optional<LogLevel> log_level_of(std::string_view name);
const char* name_of(LogLevel level);

struct LogRecord {
  int64_t utc_us = 0;
  std::string program;  // "headgate-gate"
  int64_t pid = 0;
  LogLevel level = LogLevel::info;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;  // names as in a line: "station"

  // Empty: it has none. Of several the last, which is the program's own.
  std::string_view field(std::string_view name) const;
  std::string line() const;  // as the programs write it, without control characters and line end
  std::string json() const;
};

// Of a line that is not one of ours nothing: another program's, or a library's.
std::optional<LogRecord> log_record_of_line(std::string_view line);
// Of an object that `journalctl -o json` printed.
std::optional<LogRecord> log_record_of_journal(const Json& entry);

// What a person wants to see; empty fields want everything.
struct LogWish {
  std::string station, session, worker;
  LogLevel least = LogLevel::info;
  int64_t since_utc_us = INT64_MIN;

  bool takes(const LogRecord& record) const;
};

}  // namespace headgate::cli
