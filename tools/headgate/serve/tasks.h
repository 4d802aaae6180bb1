// SPDX-License-Identifier: LGPL-2.1-or-later
// The programs that run beside the node's own and end: checks, recovery.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include <base/loop.h>

#include "task.h"

namespace headgate::serve {

class Tasks {
 public:
  explicit Tasks(Loop& loop) : loop_(loop) {}

  // `done` gets the exit code, in the loop's thread and never from within this call; -1: it could not be
  // started, which is logged.
  void run(Program program, std::function<void(int)> done, Task::OnLine on_line = {});
  void end_all();  // killed; nobody is told

 private:
  Loop& loop_;
  std::map<int, std::unique_ptr<Task>> tasks_;
  int last_ = 0;
};

}  // namespace headgate::serve
