// SPDX-License-Identifier: LGPL-2.1-or-later
// Starting a program as a node's child: its own session (a terminal's Ctrl-C and the supervisor's death do
// not reach it), no descriptor of ours but the ones it is given, no way to more rights (no_new_privs).
#pragma once

#include <string>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::serve {

struct Program {
  std::string path;
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // NAME=VALUE, over ours
  std::string input{};                   // what its standard input is; empty: nothing
  // Passed on as sd_listen_fds(3) describes.
  std::vector<int> listeners;
  std::vector<std::string> listener_names;
  int output = -1;                // becomes its standard output; -1: that is our standard error
  bool errors_in_output = false;  // its standard error goes there, too
  bool background = false;        // gives way to everything that is on the media path
  bool ends_with_us = false;      // is killed when this process ends: nobody else waits for it
};

// A command line, and options ("--set=NAME=VALUE") that no other user of the machine is to read off it.
struct Words {
  std::vector<std::string> arguments, secret;
};
// Instead of those that it had.
void give(Program& program, Words words);

// A process, of ours or adopted. The pidfd is readable when it has ended.
struct Process {
  int pid = 0;
  UniqueFd pidfd;
  bool child = false;  // that we have started, and not adopted
};

Result<Process> spawn(const Program& program);
Result<Process> adopt(int pid);
// After the pidfd became readable: the exit code, 128 + signal, or -1 when it was not our child.
int collect(const Process& process);
void send_signal(const Process& process, int signal);

}  // namespace headgate::serve
