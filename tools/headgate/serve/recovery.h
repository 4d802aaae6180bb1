// SPDX-License-Identifier: LGPL-2.1-or-later
// The archive's recovery as a program beside the node (`headgate archive recover`), which gives way to all
// that runs: when it is asked for, at most once in kRecoverPauseMs. A session recovers its station's last run
// by itself; this is for the stations that do not come back, and it looks at every run there is. It alone
// touches the archive's volume, which may hang: one that does nothing any more is told, and ended.
#pragma once

#include <base/clock.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <base/loop.h>

#include "guard.h"
#include "node_events.h"
#include "tasks.h"

namespace headgate::serve {

inline constexpr int64_t kRecoverPauseMs = 60'000;  // from the end of one to the next
// Without a word and without any processor time. It may wait for a lock, or for the disk behind all others.
inline constexpr int64_t kRecoverStillMs = 600'000;

class Recovery {
 public:
  // Of a process, in µs; none: it has ended.
  using CpuOf = std::function<std::optional<int64_t>(int pid)>;

  // `program`: what recovers the archive; it says how far it is as soon as it knows that there is one.
  // `changed`: json() is another.
  Recovery(Loop& loop, const Clock& clock, Tasks& tasks, NodeEvents& events, std::function<Program()> program,
           std::function<void()> changed, CpuOf cpu = processor_time_us);
  ~Recovery();
  Recovery(const Recovery&) = delete;
  Recovery& operator=(const Recovery&) = delete;

  void ask();                // now, or when the present one and its pause are over
  void stop();               // no more
  void look();               // once a second, while one runs: done by itself
  std::string json() const;  // NODE's `recovery`

 private:
  int64_t now_ms() const { return clock_.mono_us() / 1000; }
  void read_line(const std::string& line);
  void on_end(int code);

  Loop& loop_;
  const Clock& clock_;
  Tasks& tasks_;
  NodeEvents& events_;
  const std::function<Program()> program_;
  const std::function<void()> changed_;
  const CpuOf cpu_;
  int task_ = 0;                                   // 0: none runs
  bool begun_ = false;                             // it has said that there is something to recover
  bool still_ = false;                             // it was ended because it did nothing
  bool again_ = false, stopped_ = false;           // another one is wanted; none is
  int code_ = 0;                                   // of the last one
  uint64_t stations_done_ = 0, stations_all_ = 0;  // of the present one, as far as told
  int64_t cpu_us_ = 0;                             // likewise
  Silence silence_;                                // of the present one
  Loop::TimerId pause_ = 0, timer_ = 0;
};

}  // namespace headgate::serve
