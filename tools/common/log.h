// SPDX-License-Identifier: LGPL-2.1-or-later
// The programs' log: one structured record (g_log_structured) per event, written as one readable line on
// standard error, or with its fields to the journal when standard error is a journal stream
// ($JOURNAL_STREAM). An event is logged once, where it is handled, with what to do about it. Libraries and
// elements do not come here. What is about a stream has STATION, about a session SESSION as well.
// docs/operating.md has both forms.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace headgate::tools {

enum class Level { debug, info, notice, warning, error };

// Upper-case names: STATION, SESSION, PEER, TICKET, WORKER, REASON, CHILD_PID. In a line they are "station=7"
// (in quotes where the value needs them), in the journal HEADGATE_STATION; but MESSAGE_ID is the journal's
// own, and in no line. One without a value is left out.
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
// These fields are in each of this process's records from now on that do not have them themselves: WORKER.
// Before there are threads.
void log_always(std::initializer_list<Field> fields);
// debug lines are written too; also with HEADGATE_DEBUG=1 in the environment.
void log_debug_lines(bool on);

// What a journal's reader can look for by MESSAGE_ID (journalctl --catalog, alert rules): 128 bits, never
// reused.
namespace message_id {
inline constexpr char kSessionOpened[] = "6f0c4be1d5a94f5f8c3b6d2a91e70f14";
inline constexpr char kSessionClosed[] = "b1d9e0c27a534d0e9e6fd8417c25aa63";
inline constexpr char kPublisherRefused[] = "3a86f7129c0b46f7a5d414be60f2c958";
inline constexpr char kProcessStarted[] = "e47b5d90186c4c3fb02a7f6d93c8125b";
inline constexpr char kProcessEnded[] = "95c2a3f47de84a61b7704e1d80fb36ac";
}  // namespace message_id

// Thread-safe. Never blocks: a line that standard error, or the journal, cannot take at once is dropped.
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
