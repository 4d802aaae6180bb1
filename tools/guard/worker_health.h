// SPDX-License-Identifier: LGPL-2.1-or-later
// One worker as it looks from outside, and what is to be done about it: threads that stand still, memory,
// processors and descriptors beyond what its streams may cost. No processes, no clock: it is told once a
// second; times are CLOCK_BOOTTIME in ms.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <wire/marks.h>

#include <guard/count_window.h>
#include <guard/usage.h>
#include <guard/worker_limits.h>

namespace headgate::guard {

inline constexpr int64_t kRoundWindowMs = 10'000, kCpuWindowMs = 60'000;

struct WorkerLook {
  int64_t now_ms = 0;
  int64_t sessions = 0, rungs = 0;
  std::optional<Usage> usage;
  std::vector<wire::Mark> marks;
};

struct WorkerVerdict {
  enum class Do { nothing, drain, end, kill };  // drain: and start another; end: with its sessions closed
  Do what = Do::nothing;
  std::string kind;                // memory, cpu, descriptors, still
  std::string reason;              // for people
  std::optional<wire::Mark> of{};  // of kind still: whose thread, where it is one's
};

class WorkerHealth {
 public:
  explicit WorkerHealth(const WorkerLimits& limits) : limits_(limits) {}
  void limit(const WorkerLimits& limits) { limits_ = limits; }  // from now on

  // What is new: each is told once, and `end` after `drain` only when it did not help. A look that comes more
  // than kLateTickMs after the one before judges nobody by the time between.
  WorkerVerdict look(const WorkerLook& look);
  // Between two rounds of the media threads over kRoundWindowMs, the slowest session's; none without
  // sessions of that age.
  std::optional<double> round_ms() const { return round_ms_; }

 private:
  struct Served {
    uint64_t word = 0;
    int64_t changed_ms = 0;  // when it was another
    int64_t cpu_us = 0;      // of the process then
    CountWindow<uint64_t> words{kRoundWindowMs};
  };
  struct Excess {
    int64_t since_ms = -1;    // beyond the limit; -1: it is not
    int64_t drained_ms = -1;  // since when something was done about it
  };
  int64_t hard_memory_mib(int64_t allowed_mib) const;  // 0: none
  void begin_anew();                                   // all windows
  WorkerVerdict look_at_threads(const WorkerLook& look);
  WorkerVerdict judge(Excess& excess, bool over, int64_t now_ms, const char* kind,
                      const std::string& reason) const;
  std::optional<double> processors(const WorkerLook& look);  // used over kCpuWindowMs

  WorkerLimits limits_;
  std::map<uint64_t, Served> served_;  // by session
  std::optional<double> round_ms_;
  CountWindow<int64_t> cpu_{kCpuWindowMs};  // µs used
  Excess memory_, processors_, descriptors_;
  int64_t looked_ms_ = -1;
  bool killed_ = false;  // as it was said
};

}  // namespace headgate::guard
