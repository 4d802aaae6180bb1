// SPDX-License-Identifier: LGPL-2.1-or-later
// A description with the trigger listen: a process for each connection to its port, so that what one sends
// takes no other with it. Connections beyond the limit wait in the kernel. A process that takes more than it
// may is ended, one whose loop says nothing any more is killed. In the loop's thread.
#pragma once

#include <pipeline/description.h>

#include <guard/process_watch.h>
#include <pipeline/connection_limits.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/unique_fd.h>

namespace headgate::pipeline {

// "192.0.2.1:4711", of who is connected to it; "?": not known.
std::string peer_of(int connection);

// Of a connection's process: the connection, and what it writes a byte to each kWordMs.
inline constexpr int kConnectionFd = 3, kWordFd = 4;
inline constexpr int64_t kWordMs = 1000;

class Connections {
 public:
  // `arguments`: of the process for a connection, which finds it at kConnectionFd; `input`: more of them,
  // that are nobody's business (tools::lines_of). `done`: after end(), when the last is gone; not from within
  // a call to this object.
  Connections(Loop& loop, const Description& description, UniqueFd listener,
              std::vector<std::string> arguments, std::string input, std::string program,
              const ConnectionLimits& limits, std::function<void()> done);
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
    UniqueFd words;
    guard::ProcessWatch watch;
    guard::Silence silence;
    bool killed = false;
  };
  int64_t free_place() const;
  void accept();
  void serve(UniqueFd connection, const std::string& peer);
  void on_exit(int pidfd);
  void on_word(Process& process);
  void look();
  void look_at(Process& process, int64_t now_ms);
  void tell(const std::string& text) const;
  void all(int signal) const;
  static void send(const Process& process, int signal);

  Loop& loop_;
  UniqueFd listener_;
  const int64_t most_;
  const std::vector<std::string> arguments_;
  const std::string input_;
  const std::string program_;
  const std::function<void()> done_;
  const int64_t alarm_after_;
  const ConnectionLimits limits_;
  guard::CloseLooks looks_;
  int64_t failed_in_a_row_ = 0;
  std::map<int, Process> processes_;  // by pidfd
  Loop::TimerId kill_ = 0, later_ = 0, look_ = 0;
  bool ending_ = false;
};

}  // namespace headgate::pipeline
