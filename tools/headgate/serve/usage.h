// SPDX-License-Identifier: LGPL-2.1-or-later
// What a process of the node uses of the machine, as the kernel counts it (proc(5)). Of another process only
// where it runs as the same user. No thread; calls do not wait, but read files of /proc.
#pragma once

#include <cstdint>
#include <string>

#include <base/result.h>

namespace headgate::serve {

// Walking a process's page tables and descriptors takes a millisecond or more where it has many: so often.
inline constexpr int64_t kCloseLookMs = 10'000;

struct Usage {
  int64_t cpu_us = 0;  // of all its threads, user and system, since it was started
  uint64_t resident_bytes = 0;
  uint64_t proportional_bytes = 0;  // PSS: what is shared is divided; 0: not known
  int64_t threads = 0;
  int64_t open_fds = -1, max_fds = -1;  // -1: not known
  bool operator==(const Usage&) const = default;
};

// One process, from now to its end.
class UsageMeter {
 public:
  explicit UsageMeter(int pid) : pid_(pid) {}

  // `now_ms` never goes back. Memory that is shared, and descriptors, are looked at each kCloseLookMs; in
  // between they are as they were. ESRCH: the process has ended.
  Result<Usage> read(int64_t now_ms);
  const Usage& last() const { return last_; }
  int pid() const { return pid_; }

 private:
  int pid_;
  Usage last_;
  int64_t looked_ms_ = INT64_MIN;
};

// {"cpu_us", "resident_bytes", "threads"}, and "proportional_bytes", "open_fds", "max_fds" where known.
std::string usage_json(const Usage& usage);

}  // namespace headgate::serve
