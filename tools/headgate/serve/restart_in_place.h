// SPDX-License-Identifier: LGPL-2.1-or-later
// A process beside which there is no room for its successor (headgate-control, a pipeline of the node's own)
// is ended and started as it is on disk. If that one does not serve, the program before is started again,
// from its file, which this keeps open: an installation may have removed it. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/unique_fd.h>

#include "children.h"
#include "guard.h"

namespace headgate::serve {

inline constexpr int64_t kRestartMs = 25'000;  // from its start until it serves
inline constexpr int64_t kSettledMs = 1000;    // who has served so long goes on

class RestartInPlace {
 public:
  // `start`: the place of this role is filled, if it is to be.
  RestartInPlace(Loop& loop, Children& children, std::function<void(const std::string& role)> start);
  ~RestartInPlace();
  RestartInPlace(const RestartInPlace&) = delete;
  RestartInPlace& operator=(const RestartInPlace&) = delete;

  // One at a time; the place's process runs. `done`, not from within this call, gets why the new one is not
  // there, and what runs instead; empty: it is.
  void begin(const std::string& role, std::function<void(const std::string& problem)> done);
  void changed(const Child& child);  // what Child::Events told
  void stop();
  // As it is to be started: what is on disk, or what was there before when that did not serve.
  Program as_it_runs(const std::string& role, Program on_disk) const;

 private:
  // A program that ran. Its arguments and its input are control's alone: those of a pipeline are its
  // settings.
  struct Before {
    UniqueFd file;
    std::string path;
    std::vector<std::string> arguments;
    std::string input;
  };
  void look();
  void failed(const std::string& how);
  void settled();
  void finish(const std::string& problem);
  void within(int64_t ms, const std::string& otherwise);

  Loop& loop_;
  Children& children_;
  const std::function<void(const std::string&)> start_;
  std::map<std::string, Before> before_;  // by role; those that run again
  std::string role_;                      // empty: nothing is restarted
  std::function<void(const std::string&)> done_;
  Before present_;       // of role_, as it ran
  bool served_ = false;  // the new one
  bool ending_ = false;  // what is there is to go, and something else comes in its place
  std::string problem_;  // of the new one; empty: none yet
  Loop::TimerId look_ = 0, limit_ = 0;
};

}  // namespace headgate::serve
