// SPDX-License-Identifier: LGPL-2.1-or-later
// What a process of the node uses of the machine, as the kernel counts it (proc(5)). Of another process only
// where it runs as the same user. Calls read files of /proc, and wait for nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <base/result.h>

#include <guard/close_looks.h>

namespace headgate::guard {

// Of what CloseLooks sees: what is older, as its process holds up who looks at it, is nothing to judge by.
inline constexpr int64_t kStaleLookMs = 6 * kCloseLookMs;

struct Usage {
  int64_t cpu_us = 0;  // of all its threads, user and system, since it was started
  uint64_t resident_bytes = 0;
  uint64_t anonymous_bytes = 0;     // of that what is of no file, and in few cases another process' as well
  uint64_t proportional_bytes = 0;  // PSS: what is shared is divided; 0: not known
  int64_t threads = 0;
  int64_t open_fds = -1, max_fds = -1;  // -1: not known
  int64_t look_age_ms = 0;              // of proportional_bytes, open_fds and max_fds; -1: still to come
  bool has_look() const { return look_age_ms >= 0 && look_age_ms < kStaleLookMs; }
  bool operator==(const Usage&) const = default;
};

// One process, from now to its end.
class UsageMeter {
 public:
  // `looks` outlives it.
  UsageMeter(int pid, CloseLooks& looks) : pid_(pid), looks_(&looks) {}

  // `now_ms` never goes back. ESRCH: the process has ended.
  Result<Usage> read(int64_t now_ms);
  int pid() const { return pid_; }

 private:
  int pid_;
  CloseLooks* looks_;
};

// cpu_us of a process alone; none: it has ended.
std::optional<int64_t> processor_time_us(int pid);

// {"cpu_us", "resident_bytes", "threads"}, and where known "proportional_bytes", "open_fds", "max_fds", and
// "look_age_ms" of these.
std::string usage_json(const Usage& usage);

}  // namespace headgate::guard
