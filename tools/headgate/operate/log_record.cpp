// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log_record.h"

#include <base/json_line.h>
#include <common/utc.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "json_words.h"
#include "stream_rows.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevels = {{{"error", LogLevel::error},
                                                                           {"warning", LogLevel::warning},
                                                                           {"notice", LogLevel::notice},
                                                                           {"info", LogLevel::info},
                                                                           {"debug", LogLevel::debug}}};
constexpr std::string_view kJournalPrefix = "HEADGATE_";

int64_t number_of(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

using Fields = std::vector<std::pair<std::string, std::string>>;

// The value at the front of `text`, which loses it. Nothing: it is none.
std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    const size_t end = std::min(text.find(' '), text.size());
    value = text.substr(0, end);
    text.remove_prefix(end);
    return value.empty() ? std::nullopt : std::optional(value);
  }
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value += text[i];
  }
  return std::nullopt;
}

// All of `text` as " name=value name=value"; nothing when it is something else.
std::optional<Fields> fields_of(std::string_view text) {
  Fields out;
  while (!text.empty()) {
    if (!text.starts_with(' ')) return std::nullopt;
    text.remove_prefix(1);
    const auto* end = std::find_if_not(text.begin(), text.end(), is_name_letter);
    const auto length = static_cast<size_t>(end - text.begin());
    if (length == 0 || length >= text.size() || text[length] != '=') return std::nullopt;
    std::string name(text.substr(0, length));
    text.remove_prefix(length + 1);
    auto value = take_value(text);
    if (!value) return std::nullopt;
    out.emplace_back(std::move(name), *std::move(value));
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string quoted(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \"\\=") == std::string::npos) return value;
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::optional<LogLevel> log_level_of(std::string_view name) {
  for (const auto& [known, level] : kLevels)
    if (known == name) return level;
  return std::nullopt;
}

const char* name_of(LogLevel level) {
  for (const auto& [name, known] : kLevels)
    if (known == level) return name.data();
  return "info";
}

std::string_view LogRecord::field(std::string_view name) const {
  for (auto one = fields.rbegin(); one != fields.rend(); ++one)
    if (one->first == name) return one->second;
  return {};
}

std::string LogRecord::line() const {
  std::string out = tools::utc_text(utc_us) + " " + printable(program) + "[" + std::to_string(pid) + "] " +
                    name_of(level) + ": " + printable(message);
  for (const auto& [name, value] : fields) out += " " + name + "=" + quoted(printable(value));
  return out;
}

std::string LogRecord::json() const {
  JsonLine out;
  out.field("utc", tools::utc_text(utc_us))
      .field("program", program)
      .field("pid", pid)
      .field("level", name_of(level))
      .field("message", message);
  JsonLine all;
  for (const auto& [name, value] : fields) all.field(name, value);
  return out.raw("fields", all.take()).take();
}

std::optional<LogRecord> log_record_of_line(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  LogRecord record;
  // 2026-09-14T06:00:00.000Z headgate-gate[123] notice: …
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  record.utc_us = utc_us_of(std::string(line.substr(0, space)));
  line.remove_prefix(space + 1);
  const size_t open = line.find('['), close = line.find("] "), colon = line.find(": ");
  if (record.utc_us == 0 || open == std::string_view::npos || close == std::string_view::npos ||
      open > close || colon == std::string_view::npos || close > colon)
    return std::nullopt;
  const auto level = log_level_of(line.substr(close + 2, colon - close - 2));
  if (!level) return std::nullopt;
  record.program = line.substr(0, open);
  record.pid = number_of(line.substr(open + 1, close - open - 1));
  record.level = *level;
  line.remove_prefix(colon + 2);
  // The fields are the longest end of the line that is fields and nothing else.
  for (size_t at = line.find(' '); at != std::string_view::npos; at = line.find(' ', at + 1)) {
    if (auto fields = fields_of(line.substr(at))) {
      record.fields = *std::move(fields);
      line = line.substr(0, at);
      break;
    }
  }
  record.message = line;
  return record;
}

std::optional<LogRecord> log_record_of_journal(const Json& entry) {
  LogRecord record;
  record.message = journal_text(entry.at("MESSAGE"));
  record.utc_us = number_of(entry.text("__REALTIME_TIMESTAMP"));
  record.program = entry.text("SYSLOG_IDENTIFIER", entry.text("_COMM"));
  record.pid = number_of(entry.text("_PID"));
  const int64_t priority = number_of(entry.text("PRIORITY", "6"));
  record.level = static_cast<LogLevel>(std::clamp<int64_t>(priority, static_cast<int64_t>(LogLevel::error),
                                                           static_cast<int64_t>(LogLevel::debug)));
  for (const std::string& name : entry.keys())
    if (const std::string_view ours = name; ours.starts_with(kJournalPrefix))
      record.fields.emplace_back(lower(ours.substr(kJournalPrefix.size())), journal_text(entry.at(name)));
  if (record.utc_us == 0) return std::nullopt;
  // The journal keeps no order: what one looks for first, then the others by name.
  auto rank = [](const std::string& name) {
    return name == "station" ? 0 : name == "session" ? 1 : name == "worker" ? 2 : 3;
  };
  std::sort(record.fields.begin(), record.fields.end(), [&](const auto& a, const auto& b) {
    return std::pair(rank(a.first), a.first) < std::pair(rank(b.first), b.first);
  });
  return record;
}

bool LogWish::takes(const LogRecord& record) const {
  return record.level <= least && record.utc_us >= since_utc_us &&
         (station.empty() || record.field("station") == station) &&
         (session.empty() || record.field("session") == session) &&
         (worker.empty() || record.field("worker") == worker);
}

}  // namespace headgate::cli
