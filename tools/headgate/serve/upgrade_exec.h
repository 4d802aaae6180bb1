// SPDX-License-Identifier: LGPL-2.1-or-later
// A supervisor becomes the program that is on disk now: the same process (the service manager sees nothing),
// with its lock and its listening sockets.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

#include "spawn.h"

namespace headgate::serve {

// What one supervisor leaves to the next.
struct Heritage {
  UniqueFd lock;
  std::vector<std::pair<std::string, UniqueFd>> listeners;  // by name
  bool any() const { return static_cast<bool>(lock); }
};
// Once, before anything is started: takes it out of the environment. Nothing: this is a first supervisor.
Heritage take_heritage();

// The program that this process was started as, found anew as it was named then (a folder in its path may be
// a link that has been moved on), and its arguments but --ready-fd, whose descriptor was for the first one.
struct Self {
  std::string name;  // its argument 0
  Program program;
};
Self own_program();

// Returns only when it fails; then nothing has changed. `listeners`: names and descriptors, which stay open.
Result<void> become(const Self& self, int lock, const std::vector<std::pair<std::string, int>>& listeners);

// Whether a running process is `program` as it is on disk, with these arguments and this input (which has
// those that are on no command line), and was given listeners of these names.
bool is_as_on_disk(int pid, const Program& program);

// Of a process that runs, without its name.
std::vector<std::string> arguments_of(int pid);

// Program::input of a process that spawn() has started, this supervisor's or one's before it: its standard
// input is a file in memory, which is there as long as the process. Empty also of one that has another;
// nothing of one that cannot be asked.
std::optional<std::string> input_of(int pid);

// Children of the supervisor before this one that have ended since.
void collect_ended_children();

}  // namespace headgate::serve
