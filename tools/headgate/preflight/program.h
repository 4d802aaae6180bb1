// SPDX-License-Identifier: LGPL-2.1-or-later
// Another program: started, waited for, ended with us. What it says is kept.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <set>
#include <string>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

#include "context.h"

namespace headgate::preflight {

// Ctrl-C and SIGTERM were asked for: what waits gives up, and everything is put away.
void watch_for_interruption();
bool interrupted();

struct CommandLine {
  std::vector<std::string> words;        // the first is a path, or looked for in PATH
  std::vector<std::string> secret = {};  // more options, on no command line (tools::lines_of)
  std::optional<Account> account = {};   // who it is; none: who we are
};

// "--set=NAME=VALUE" of each NAME=VALUE.
std::vector<std::string> set_options(const std::vector<std::string>& parameters);

class Program {
 public:
  static Result<Program> start(const CommandLine& line);
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;
  ~Program();  // kills it

  bool running();
  // Until it has ended; false: it has not within that time, or we are interrupted.
  bool wait(int64_t ms);
  // SIGTERM, and SIGKILL after that time.
  void stop(int64_t ms);
  pid_t pid() const { return pid_; }
  int code() const { return code_; }  // once it has ended: exit code, or 128 + signal
  std::string output() const;         // so far, at most kMaxOutput of it
  std::string errors() const;
  // What stands last in errors(): the reason, mostly.
  std::string last_error() const;

  static constexpr size_t kMaxOutput = 1u << 20;

 private:
  Program(pid_t pid, UniqueFd pidfd, UniqueFd output, UniqueFd errors);
  pid_t pid_;
  UniqueFd pidfd_, output_, errors_;
  int code_ = -1;
  bool ended_ = false;  // or it is another object's
};

// From now on what those that we started leave behind when they end becomes ours.
Result<void> adopt_orphans();
// This process's children that have not been waited for.
std::set<pid_t> children();
// Kills children but for these, and what becomes ours by that, until there is none.
void end_children_but(const std::set<pid_t>& these);

// Starts it and waits; the error says that it could not be started or took longer.
Result<Program> run_program(const CommandLine& line, int64_t ms);

}  // namespace headgate::preflight
