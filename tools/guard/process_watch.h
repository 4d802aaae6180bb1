// SPDX-License-Identifier: LGPL-2.1-or-later
// One process of a pipeline of the node's own: what it uses, and whether that is more than its description
// says (docs/node.md). Looked at once a second, in the loop's thread; calls read files of /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <guard/count_window.h>
#include <guard/usage.h>
#include <guard/worker_health.h>

namespace headgate::guard {

// For a process to end its run, and its archive, before it is killed: the run's end, its way down (each
// bounded in tools/pipeline), and some.
inline constexpr int64_t kRunEndMs = 12'000;
inline constexpr int64_t kInstanceCpuMs = 10'000;  // over which it is told how many processors it uses

class ProcessWatch {
 public:
  // `looks` outlives it.
  ProcessWatch(int pid, CloseLooks& looks, const WorkerLimits& limits)
      : meter_(pid, looks), health_(limits) {}

  struct Excess {
    std::string kind;    // memory, cpu, descriptors
    std::string reason;  // for people
  };
  // `now_ms`: CLOCK_BOOTTIME, never back. Nothing once it has been told.
  std::optional<Excess> look(int64_t now_ms);
  // The same with what was read elsewhere.
  std::optional<Excess> look(int64_t now_ms, const Usage& usage);

  int pid() const { return meter_.pid(); }
  std::optional<double> processors() const;      // over kInstanceCpuMs
  std::optional<uint64_t> memory_bytes() const;  // as it is judged by: PSS where it is known

  // It was asked to end, now.
  void ended(int64_t now_ms) { ended_ms_ = now_ms; }
  bool is_ended() const { return ended_ms_ >= 0; }
  bool is_overdue(int64_t now_ms) const;  // it was, and should have gone by now

 private:
  UsageMeter meter_;
  WorkerHealth health_;
  CountWindow<int64_t> cpu_{kInstanceCpuMs};  // µs used
  std::optional<uint64_t> memory_bytes_;
  int64_t ended_ms_ = -1;
};

}  // namespace headgate::guard
