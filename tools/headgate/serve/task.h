// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that runs once and ends: recovery, checks.
#pragma once

#include <functional>
#include <memory>

#include <base/loop.h>

#include "spawn.h"

namespace headgate::serve {

class Task {
 public:
  // `done` in the loop's thread with the exit code; it may destroy the task. Destroyed before that, the
  // program is killed.
  static Result<std::unique_ptr<Task>> run(Loop& loop, const Program& program, std::function<void(int)> done);
  ~Task();
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

 private:
  Task(Loop& loop, Process process, std::function<void(int)> done);
  Loop& loop_;
  Process process_;
  std::function<void(int)> done_;
};

}  // namespace headgate::serve
