// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/kernel_text.h>

#include <base/io.h>

#include <algorithm>
#include <charconv>

namespace headgate {
namespace {

// Whole lines, also one that has no end.
template <typename F>
void each_line(std::string_view text, F call) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (!call(text.substr(at, end - at))) return;
    at = end + 1;
  }
}

}  // namespace

std::optional<std::string> kernel_text(const std::string& path) {
  auto bytes = read_file(path, kMaxKernelText);
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

std::optional<int64_t> number_at_front(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<int64_t> kernel_number(const std::string& path) {
  const auto text = kernel_text(path);
  return text ? number_at_front(*text) : std::nullopt;
}

std::optional<int64_t> named_number(std::string_view text, std::string_view name) {
  std::optional<int64_t> out;
  each_line(text, [&](std::string_view line) {
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) return true;
    const size_t digits = line.find_first_of("0123456789", name.size());
    if (digits != line.npos) out = number_at_front(line.substr(digits));
    return false;
  });
  return out;
}

std::vector<std::string> group_folders(std::string_view cgroup, const std::string& root) {
  constexpr std::string_view kFront = "0::/";  // of the one hierarchy
  std::vector<std::string> out;
  each_line(cgroup, [&](std::string_view line) {
    if (!line.starts_with(kFront)) return true;
    std::string group(line.substr(kFront.size() - 1));
    while (group.ends_with('/')) group.pop_back();
    for (;; group.erase(group.rfind('/'))) {
      out.push_back(root + group);
      if (group.empty()) return false;
    }
  });
  return out;
}

}  // namespace headgate
