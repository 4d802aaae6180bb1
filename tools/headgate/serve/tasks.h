// SPDX-License-Identifier: LGPL-2.1-or-later
// The programs that run beside the node's own and end: checks, recovery.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <base/loop.h>

#include "task.h"

namespace headgate::serve {

inline constexpr int64_t kCheckMs = 60'000;  // for one of the node's programs to check its settings

inline constexpr int kWasEnded = -3;  // instead of an exit code

class Tasks {
 public:
  explicit Tasks(Loop& loop) : loop_(loop) {}

  // `done` gets the exit code, in the loop's thread and never from within this call; -1: it could not be
  // started, which is logged; kTookTooLong: it was killed after `limit_ms` (0: none). Returns its number.
  int run(Program program, std::function<void(int)> done, Task::OnLine on_line = {}, int64_t limit_ms = 0);
  // Of the process; 0: it has ended, or could not be started.
  int pid(int task) const;
  // Killed, with what it has started; `done` is told when it has ended: what waits for a disk that does not
  // answer has not before that does.
  void end(int task);
  // Killed. Nobody is told, unless the caller goes on: then it calls each of these with kWasEnded.
  std::vector<std::function<void(int)>> end_all();
  // Of one whose code is not 0: "ended with 3", "took longer than 60 s and was killed".
  static std::string how_it_ended(int code, int64_t limit_ms);

 private:
  Loop& loop_;
  struct Running {
    std::unique_ptr<Task> task;
    std::function<void(int)> done;
  };
  std::map<int, Running> tasks_;
  int last_ = 0;
};

}  // namespace headgate::serve
