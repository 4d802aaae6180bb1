// SPDX-License-Identifier: LGPL-2.1-or-later
#include "machine.h"

#include <sys/timex.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <base/clock.h>

namespace headgate::preflight {
namespace {

std::optional<int64_t> number_in(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// Files of /proc have no size of their own.
std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  std::string text = out.str();
  text.erase(text.find_last_not_of(" \t\n") + 1);
  return text;
}

}  // namespace

KernelClock kernel_clock() {
  timex state{};
  const int result = ::adjtimex(&state);
  return {result >= 0 && (state.status & STA_UNSYNC) == 0, state.maxerror, system_clock().utc_seconds()};
}

std::string Machine::proc_text(const std::string& path) const {
  return text_of(proc + "/" + path);
}

std::optional<int64_t> Machine::proc_number(const std::string& path) const {
  return number_in(proc_text(path));
}

std::optional<int64_t> Machine::memory_bytes(const std::string& name) const {
  std::istringstream lines(proc_text("meminfo"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + ":")) continue;
    const size_t digits = line.find_first_of("0123456789");
    if (digits == std::string::npos) return std::nullopt;
    if (auto kib = number_in(line.substr(digits))) return *kib * 1024;
  }
  return std::nullopt;
}

std::optional<int64_t> Machine::cgroup_limit(const std::string& file) const {
  std::istringstream lines(proc_text("self/cgroup"));
  std::optional<int64_t> least;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("0::/")) continue;
    std::filesystem::path at = line.substr(4);
    for (;;) {
      const auto limit = number_in(text_of(cgroup / at / file));
      if (limit && (!least || *limit < *least)) least = limit;
      if (at.empty()) break;
      at = at.parent_path();
    }
  }
  return least;
}

std::vector<NetworkCard> Machine::network_cards() const {
  std::vector<NetworkCard> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(sys + "/class/net", error)) {
    const std::string folder = entry.path().string(), state = text_of(folder + "/operstate");
    if (!std::filesystem::exists(folder + "/device", error) || (state != "up" && state != "unknown"))
      continue;
    const auto speed = number_in(text_of(folder + "/speed"));
    out.push_back({entry.path().filename().string(), speed.value_or(0) > 0 ? speed : std::nullopt});
  }
  std::sort(out.begin(), out.end(),
            [](const NetworkCard& a, const NetworkCard& b) { return a.name < b.name; });
  return out;
}

}  // namespace headgate::preflight
