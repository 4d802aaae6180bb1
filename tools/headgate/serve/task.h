// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that runs once and ends: recovery, checks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <base/loop.h>

#include "spawn.h"

namespace headgate::serve {

inline constexpr int kTookTooLong = -2;  // instead of the exit code of one that was killed for it

class Task {
 public:
  // A line of at most kMaxLineBytes that the program wrote to its standard output, without its end.
  using OnLine = std::function<void(const std::string& line)>;
  static constexpr size_t kMaxLineBytes = 4096;  // longer ones are left out

  // `done` in the loop's thread with the exit code, after the last line; it may destroy the task. Destroyed
  // before that, or when this process ends, the program is killed; in the former case with its process group.
  // Without `on_line` its standard output is our standard error. `limit_ms`: then it is killed, and its code
  // is kTookTooLong; 0: it may take its time.
  static Result<std::unique_ptr<Task>> run(Loop& loop, Program program, std::function<void(int)> done,
                                           OnLine on_line = {}, int64_t limit_ms = 0);
  // Destroyed it waits so long for a program that was killed, and no longer: one that waits for a disk that
  // does not answer cannot be.
  static constexpr int kEndMs = 1000;
  ~Task();
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  int pid() const { return process_.pid; }
  void end();  // kills the program and its process group

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
  Loop::TimerId limit_ = 0;
  bool too_long_ = false;
};

}  // namespace headgate::serve
