// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usage.h"

#include <base/io.h>
#include <base/json_line.h>
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

namespace headgate::serve {
namespace {

constexpr size_t kMaxProcFile = 64 * 1024;  // of those that are read here

std::string folder_of(int pid) {
  return "/proc/" + std::to_string(pid);
}

std::optional<uint64_t> first_number(std::string_view text) {
  const size_t at = text.find_first_of("0123456789");
  if (at == text.npos) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// The number behind "NAME:" at a line's beginning.
std::optional<uint64_t> named_number(std::string_view text, std::string_view name) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
      return first_number(line.substr(name.size()));
    at = end + 1;
  }
  return std::nullopt;
}

// Nanoseconds exactly: the ticks of /proc/PID/stat are 10 ms, and threads that have ended are in both.
Result<int64_t> cpu_us(int pid) {
  clockid_t clock{};
  if (const int code = ::clock_getcpuclockid(pid, &clock); code != 0) {
    errno = code;
    return errno_error("the processor time of " + std::to_string(pid));
  }
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return errno_error("the processor time of " + std::to_string(pid));
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

int64_t count_descriptors(const std::string& folder) {
  struct stat status {};
  // Linux 6.2 and later say it here.
  if (::stat(folder.c_str(), &status) == 0 && status.st_size > 0) return status.st_size;
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> listing(::opendir(folder.c_str()), close);
  if (!listing) return -1;
  int64_t count = 0;
  while (const dirent* entry = ::readdir(listing.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

void look_closely(int pid, Usage& usage) {
  const std::string folder = folder_of(pid);
  usage.proportional_bytes = 0;
  if (auto text = read_file(folder + "/smaps_rollup", kMaxProcFile))
    if (auto kilobytes = named_number(as_text(*text), "Pss")) usage.proportional_bytes = *kilobytes * 1024;
  usage.open_fds = count_descriptors(folder + "/fd");
  rlimit limit{};
  const bool known = ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0;
  usage.max_fds = known && limit.rlim_cur != RLIM_INFINITY ? static_cast<int64_t>(limit.rlim_cur) : -1;
}

}  // namespace

Result<Usage> UsageMeter::read(int64_t now_ms) {
  const auto cpu = cpu_us(pid_);
  if (!cpu) return Unexpected(cpu.error());
  auto status = read_file(folder_of(pid_) + "/status", kMaxProcFile);
  if (!status) return Unexpected(status.error());
  const std::string_view text = as_text(*status);
  const auto resident = named_number(text, "VmRSS"), threads = named_number(text, "Threads");
  // One that has ended and was not waited for has no memory.
  if (!resident || !threads) return Unexpected(ESRCH, std::to_string(pid_) + " has ended");
  last_.cpu_us = *cpu;
  last_.resident_bytes = *resident * 1024;
  last_.threads = static_cast<int64_t>(*threads);
  if (looked_ms_ == INT64_MIN || now_ms - looked_ms_ >= kCloseLookMs) {
    looked_ms_ = now_ms;
    look_closely(pid_, last_);
  }
  return last_;
}

std::string usage_json(const Usage& usage) {
  JsonLine out;
  out.field("cpu_us", usage.cpu_us)
      .field("resident_bytes", usage.resident_bytes)
      .field("threads", usage.threads);
  if (usage.proportional_bytes > 0) out.field("proportional_bytes", usage.proportional_bytes);
  if (usage.open_fds >= 0) out.field("open_fds", usage.open_fds);
  if (usage.max_fds >= 0) out.field("max_fds", usage.max_fds);
  return out.take();
}

}  // namespace headgate::serve
