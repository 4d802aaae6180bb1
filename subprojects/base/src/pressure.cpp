// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/pressure.h>

#include <base/io.h>

#include <sstream>
#include <string_view>

namespace headgate {
namespace {

constexpr size_t kMaxFileBytes = 4096;

}  // namespace

// "some avg10=1.23 avg60=…"
std::optional<double> pressure_percent(const std::string& resource, const std::string& kind,
                                       const std::string& proc) {
  const auto bytes = read_file(proc + "/pressure/" + resource, kMaxFileBytes);
  if (!bytes) return std::nullopt;
  std::istringstream lines{std::string(as_text(*bytes))};
  for (std::string word, average; lines >> word >> average; lines.ignore(kMaxFileBytes, '\n')) {
    constexpr std::string_view kFront = "avg10=";
    if (word != kind || !average.starts_with(kFront)) continue;
    double percent = 0;
    if (std::istringstream(average.substr(kFront.size())) >> percent) return percent;
  }
  return std::nullopt;
}

}  // namespace headgate
