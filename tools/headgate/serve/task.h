// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that runs once and ends: recovery, checks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <base/loop.h>

#include "spawn.h"

namespace headgate::serve {

class Task {
 public:
  // A line of at most kMaxLineBytes that the program wrote to its standard output, without its end.
  using OnLine = std::function<void(const std::string& line)>;
  static constexpr size_t kMaxLineBytes = 4096;  // longer ones are left out

  // `done` in the loop's thread with the exit code, after the last line; it may destroy the task. Destroyed
  // before that, the program is killed. Without `on_line` its standard output is our standard error.
  static Result<std::unique_ptr<Task>> run(Loop& loop, Program program, std::function<void(int)> done,
                                           OnLine on_line = {});
  ~Task();
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

 private:
  Task(Loop& loop, Process process, UniqueFd output, std::function<void(int)> done, OnLine on_line);
  void read_output();
  void close_output();

  Loop& loop_;
  Process process_;
  UniqueFd output_;   // read end of its standard output; none: not ours to read
  std::string line_;  // that has no end yet
  std::function<void(int)> done_;
  OnLine on_line_;
};

}  // namespace headgate::serve
