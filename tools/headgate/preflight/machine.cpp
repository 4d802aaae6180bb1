// SPDX-License-Identifier: LGPL-2.1-or-later
#include "machine.h"

#include <base/kernel_text.h>

#include <algorithm>
#include <filesystem>

namespace headgate::preflight {
namespace {

std::string text_of(const std::string& path) {
  std::string text = kernel_text(path).value_or("");
  text.erase(text.find_last_not_of(" \t\n") + 1);
  return text;
}

}  // namespace

std::string Machine::proc_text(const std::string& path) const {
  return text_of(proc + "/" + path);
}

std::optional<int64_t> Machine::proc_number(const std::string& path) const {
  return kernel_number(proc + "/" + path);
}

std::optional<int64_t> Machine::memory_bytes(const std::string& name) const {
  const auto kib = named_number(proc_text("meminfo"), name);
  return kib ? std::optional(*kib * 1024) : std::nullopt;
}

std::optional<int64_t> Machine::cgroup_limit(const std::string& file) const {
  std::optional<int64_t> least;
  for (const std::string& folder : group_folders(proc_text("self/cgroup"), cgroup))
    if (const auto limit = kernel_number(folder + "/" + file))
      least = std::min(least.value_or(*limit), *limit);
  return least;
}

std::vector<NetworkCard> Machine::network_cards() const {
  std::vector<NetworkCard> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(sys + "/class/net", error)) {
    const std::string folder = entry.path().string(), state = text_of(folder + "/operstate");
    if (!std::filesystem::exists(folder + "/device", error) || (state != "up" && state != "unknown"))
      continue;
    const auto speed = kernel_number(folder + "/speed");
    out.push_back({entry.path().filename().string(), speed.value_or(0) > 0 ? speed : std::nullopt});
  }
  std::sort(out.begin(), out.end(),
            [](const NetworkCard& a, const NetworkCard& b) { return a.name < b.name; });
  return out;
}

}  // namespace headgate::preflight
