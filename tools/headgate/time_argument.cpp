// SPDX-License-Identifier: LGPL-2.1-or-later
#include "time_argument.h"

#include <glib.h>

#include <charconv>
#include <memory>
#include <optional>

namespace headgate::cli {
namespace {

constexpr int64_t kMostNumber = 99'999'999'999;  // twelve digits and more are a slip of the finger

std::optional<int64_t> digits(std::string_view text) {
  int64_t value = 0;
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size() || value > kMostNumber) return std::nullopt;
  return value;
}

int64_t unit_seconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return 0;
  }
}

}  // namespace

Result<int64_t> parse_time(const std::string& text, int64_t now) {
  if (text == "now") return now;
  if (auto seconds = digits(text)) return *seconds;
  if (text.size() > 2 && (text[0] == '+' || text[0] == '-')) {
    auto count = digits(std::string_view(text).substr(1, text.size() - 2));
    int64_t unit = unit_seconds(text.back());
    if (count && unit != 0) return now + (text[0] == '-' ? -1 : 1) * *count * unit;
  }
  // GLib takes more of ISO 8601 than RFC 3339 has (week dates, no colons); nothing of it is ambiguous.
  // Without a zone it answers null.
  GDateTime* time = g_date_time_new_from_iso8601(text.c_str(), nullptr);
  if (!time)
    return Unexpected("'" + text +
                      "' is not a time: 2026-09-14T06:00:00Z (with its zone), Unix seconds, now, +6h, -15m");
  int64_t seconds = g_date_time_to_unix(time);
  g_date_time_unref(time);
  return seconds;
}

std::string utc_text(int64_t seconds) {
  std::unique_ptr<GDateTime, decltype(&g_date_time_unref)> time(g_date_time_new_from_unix_utc(seconds),
                                                                g_date_time_unref);
  if (!time) return std::to_string(seconds);
  char* raw = g_date_time_format(time.get(), "%Y-%m-%d %H:%M UTC");
  std::string text = raw ? raw : "";
  g_free(raw);
  return text;
}

std::string about_text(int64_t seconds) {
  constexpr struct {
    int64_t length;
    const char* name;
  } kUnits[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  for (const auto& unit : kUnits) {
    int64_t count = seconds / unit.length;
    if (count >= 2 || (unit.length == 1))
      return std::to_string(count) + " " + unit.name + (count == 1 ? "" : "s");
  }
  return {};
}

}  // namespace headgate::cli
