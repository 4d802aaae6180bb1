// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.h"

#include <playlist/record.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <iterator>

namespace headgate::playlist {

std::string escaped(std::string_view path) {
  constexpr std::string_view kPlain = "-._~/";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) || kPlain.find(c) != std::string_view::npos)) {
      out += c;
    } else {
      char hex[4];
      std::snprintf(hex, sizeof hex, "%%%02X", byte);
      out += hex;
    }
  }
  return out;
}

std::string quotable(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '"' && c != 0x7f; });
  return out;
}

std::string seconds(int64_t ticks) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>(ticks) / kTimescale);
  return text;
}

std::string date_time(int64_t utc_us) {
  constexpr int64_t kPerSecond = 1'000'000;
  int64_t whole = utc_us / kPerSecond, rest = utc_us % kPerSecond;
  if (rest < 0) {
    rest += kPerSecond;
    --whole;
  }
  const std::time_t time = static_cast<std::time_t>(whole);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64], with_ms[80];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(with_ms, sizeof with_ms, "%s.%03dZ", text, static_cast<int>(rest / 1000));
  return with_ms;
}

}  // namespace headgate::playlist
