// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.h"

#include <playlist/record.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
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

// Playlists of hours have thousands of these two: no printf, no time zones.
namespace {

void put_digits(char* to, int count, int64_t value) {
  for (int i = count - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string seconds(int64_t ticks) {
  constexpr int64_t kPerSecond = 1'000'000;
  const int64_t rest = (ticks % kTimescale * kPerSecond + kTimescale / 2) / kTimescale;
  std::string out = std::to_string(ticks / kTimescale + rest / kPerSecond) + ".000000";
  put_digits(out.data() + out.size() - 6, 6, rest % kPerSecond);
  return out;
}

std::string date_time(int64_t utc_us) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::milliseconds> time{
      floor<std::chrono::milliseconds>(std::chrono::microseconds(utc_us))};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const int64_t ms = (time - day).count();
  std::string out = "0000-00-00T00:00:00.000Z";
  put_digits(out.data(), 4, std::clamp(int{date.year()}, 0, 9999));
  put_digits(out.data() + 5, 2, unsigned{date.month()});
  put_digits(out.data() + 8, 2, unsigned{date.day()});
  put_digits(out.data() + 11, 2, ms / 3'600'000);
  put_digits(out.data() + 14, 2, ms / 60'000 % 60);
  put_digits(out.data() + 17, 2, ms / 1000 % 60);
  put_digits(out.data() + 20, 3, ms % 1000);
  return out;
}

std::string video_range(uint32_t transfer) {
  return transfer == kTransferPq ? ",VIDEO-RANGE=PQ" : transfer == kTransferHlg ? ",VIDEO-RANGE=HLG" : "";
}

}  // namespace headgate::playlist
