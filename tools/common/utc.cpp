// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/utc.h>

#include <cstdio>
#include <ctime>

namespace headgate::tools {

std::string utc_text(int64_t utc_us) {
  constexpr int64_t kSecond = 1'000'000;
  int64_t within = (utc_us % kSecond + kSecond) % kSecond;
  time_t seconds = (utc_us - within) / kSecond;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(within / 1000));
  return text;
}

}  // namespace headgate::tools
