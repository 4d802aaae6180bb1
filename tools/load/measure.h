// SPDX-License-Identifier: LGPL-2.1-or-later
// Small helpers of the reports.
#pragma once

#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <string>

namespace headgate::load {

// This process's, in seconds.
struct Cpu {
  double user, system;
};
inline Cpu own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

// To thousandths, for JSON.
inline double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

// snprintf into a string.
template <typename... Values>
std::string text(const char* format, Values... values) {
  std::string out(static_cast<size_t>(std::snprintf(nullptr, 0, format, values...)), '\0');
  std::snprintf(out.data(), out.size() + 1, format, values...);
  return out;
}

}  // namespace headgate::load
