// SPDX-License-Identifier: LGPL-2.1-or-later
#include "table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace headgate::cli {
namespace {

constexpr double kMinute = 60, kHour = 3600, kDay = 86400;

std::string scaled(double value, double step, const std::array<const char*, 5>& units) {
  if (std::isnan(value)) return "-";
  size_t unit = 0;
  while (std::abs(value) >= step && unit + 1 < units.size()) value /= step, ++unit;
  char text[48];
  std::snprintf(text, sizeof text, unit > 0 && std::abs(value) < 100 ? "%.1f %s" : "%.0f %s", value,
                units[unit]);
  return text;
}

}  // namespace

std::string number_text(double number, const char* format) {
  if (std::isnan(number)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

std::string clock_text(double seconds) {
  if (std::isnan(seconds)) return "-";
  auto whole = static_cast<long long>(seconds);
  char text[64];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  return text;
}

std::string short_duration(double seconds) {
  if (std::isnan(seconds)) return "-";
  seconds = std::clamp(seconds, 0.0, 9999 * kDay);
  auto whole = static_cast<long long>(seconds);
  char text[64];
  if (seconds < kMinute)
    std::snprintf(text, sizeof text, "%llds", whole);
  else if (seconds < kHour)
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  else if (seconds < kDay)
    std::snprintf(text, sizeof text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  else if (seconds < 100 * kDay)
    std::snprintf(text, sizeof text, "%lldd%02lldh", whole / 86400, whole / 3600 % 24);
  else
    std::snprintf(text, sizeof text, "%lldd", whole / 86400);
  return text;
}

std::string bytes_text(double bytes) {
  return scaled(bytes, 1000, {"B", "kB", "MB", "GB", "TB"});
}

std::string bit_rate_text(double kbps) {
  return scaled(kbps, 1000, {"kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"});
}

void Table::row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = width_of(columns_[i].title);
    for (const auto& cells : rows_) width = std::max(width, width_of(cells[i]));
    widths.push_back(width);
  }
  std::string out;
  auto line = [&](auto cell) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += "  ";
      const bool last = i + 1 == columns_.size() && !columns_[i].right;
      last ? out += cell(i) : out += fitted(cell(i), widths[i], columns_[i].right);
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  };
  line([&](size_t i) { return std::string(columns_[i].title); });
  for (const auto& cells : rows_) line([&](size_t i) { return cells[i]; });
  return out;
}

}  // namespace headgate::cli
