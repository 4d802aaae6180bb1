// SPDX-License-Identifier: LGPL-2.1-or-later
// The programs' log: one structured record (g_log_structured) per event, written as one readable line on
// standard error, or with its fields to journald when standard error is a journal stream. An event is logged
// once, where it is handled, with what to do about it. Libraries and elements do not come here.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace headgate::tools {

enum class Level { debug, info, notice, warning, error };

// Upper-case names as journald has them: STATION, SESSION, PEER, TICKET, WORKER, REASON, CHILD_PID.
struct Field {
  const char* name;
  std::string value;
  Field(const char* field_name, std::string_view text) : name(field_name), value(text) {}
  template <typename T>
  requires std::is_integral_v<T> Field(const char* field_name, T number)
      : name(field_name), value(std::to_string(number)) {}
};

// Once, first thing in main(): installs the writer, ignores SIGPIPE (a log whose reader has gone must not end
// the program). `program` stands in every line.
void start_log(const char* program);
// debug lines are written too; also with HEADGATE_DEBUG=1 in the environment.
void log_debug_lines(bool on);

// Thread-safe. Never blocks: a line that standard error cannot take at once is dropped.
void log(Level level, std::string_view message, std::initializer_list<Field> fields = {});
inline void log_info(std::string_view message, std::initializer_list<Field> fields = {}) {
  log(Level::info, message, fields);
}
inline void log_notice(std::string_view message, std::initializer_list<Field> fields = {}) {
  log(Level::notice, message, fields);
}
inline void log_warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  log(Level::warning, message, fields);
}
inline void log_error(std::string_view message, std::initializer_list<Field> fields = {}) {
  log(Level::error, message, fields);
}

}  // namespace headgate::tools
