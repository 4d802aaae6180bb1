// SPDX-License-Identifier: LGPL-2.1-or-later
#include <guard/usage.h>

#include <base/io.h>
#include <base/json_line.h>
#include <base/kernel_text.h>
#include <time.h>

#include <cerrno>

namespace headgate::guard {
namespace {

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

}  // namespace

Result<Usage> UsageMeter::read(int64_t now_ms) {
  const auto cpu = cpu_us(pid_);
  if (!cpu) return Unexpected(cpu.error());
  const std::string path = "/proc/" + std::to_string(pid_) + "/status";
  const std::string text = kernel_text(path).value_or("");
  const auto resident = named_number(text, "VmRSS"), threads = named_number(text, "Threads");
  // One that has ended and was not waited for has no memory.
  if (!resident || !threads) return Unexpected(ESRCH, std::to_string(pid_) + " has ended");
  Usage out;
  out.cpu_us = *cpu;
  out.resident_bytes = static_cast<uint64_t>(*resident) * 1024;
  out.anonymous_bytes = static_cast<uint64_t>(named_number(text, "RssAnon").value_or(0)) * 1024;
  out.threads = *threads;
  out.look_age_ms = -1;
  if (const auto seen = looks_->of(pid_, now_ms)) {
    out.proportional_bytes = seen->look.proportional_bytes;
    out.open_fds = seen->look.open_fds;
    out.max_fds = seen->look.max_fds;
    out.look_age_ms = seen->age_ms;
  }
  return out;
}

std::optional<int64_t> processor_time_us(int pid) {
  const auto cpu = cpu_us(pid);
  return cpu ? std::optional(*cpu) : std::nullopt;
}

std::string usage_json(const Usage& usage) {
  JsonLine out;
  out.field("cpu_us", usage.cpu_us)
      .field("resident_bytes", usage.resident_bytes)
      .field("threads", usage.threads);
  if (usage.proportional_bytes > 0) out.field("proportional_bytes", usage.proportional_bytes);
  if (usage.open_fds >= 0) out.field("open_fds", usage.open_fds);
  if (usage.max_fds >= 0) out.field("max_fds", usage.max_fds);
  if (usage.look_age_ms > 0) out.field("look_age_ms", usage.look_age_ms);
  return out.take();
}

}  // namespace headgate::guard
