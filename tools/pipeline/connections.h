// SPDX-License-Identifier: LGPL-2.1-or-later
// A description with the trigger listen: a process for each connection to its port, so that what one sends
// takes no other with it. Connections beyond the limit wait in the kernel. In the loop's thread.
#pragma once

#include <pipeline/description.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/unique_fd.h>

namespace headgate::pipeline {

// "192.0.2.1:4711", of who is connected to it; "?": not known.
std::string peer_of(int connection);

inline constexpr int kConnectionFd = 3;  // of a connection's process
inline constexpr int64_t kConnectionsEndMs =
    12'000;  // a run's end and a run's way down, and some; then they are killed

class Connections {
 public:
  // `arguments`: of the process for a connection, which finds it at kConnectionFd; `input`: more of them,
  // that are nobody's business (tools::lines_of). `done`: after end(), when the last is gone; not from within
  // a call to this object.
  Connections(Loop& loop, const Description& description, UniqueFd listener,
              std::vector<std::string> arguments, std::string input, std::string program,
              std::function<void()> done);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  void end();
  std::string status() const;  // "2 of 8 connections"

 private:
  struct Process {
    UniqueFd fd;
    std::string peer;
    int64_t place;
  };
  int64_t free_place() const;
  void accept();
  void serve(UniqueFd connection, const std::string& peer);
  void on_exit(int pidfd);
  void tell(const std::string& text) const;
  void all(int signal) const;

  Loop& loop_;
  UniqueFd listener_;
  const int64_t most_;
  const std::vector<std::string> arguments_;
  const std::string input_;
  const std::string program_;
  const std::function<void()> done_;
  const int64_t alarm_after_;
  int64_t failed_in_a_row_ = 0;
  std::map<int, Process> processes_;  // by pidfd
  Loop::TimerId kill_ = 0, later_ = 0;
  bool ending_ = false;
};

}  // namespace headgate::pipeline
