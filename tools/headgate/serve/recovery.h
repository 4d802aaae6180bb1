// SPDX-License-Identifier: LGPL-2.1-or-later
// The archive's recovery as a program beside the node (`headgate archive recover`), which gives way to all
// that runs: when it is asked for, at most once in kRecoverPauseMs. A session recovers its station's last run
// by itself; this is for the stations that do not come back, and it looks at every run there is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <base/loop.h>

#include "node_events.h"
#include "tasks.h"

namespace headgate::serve {

inline constexpr int64_t kRecoverPauseMs = 60'000;  // from the end of one to the next

class Recovery {
 public:
  // `program`: what recovers the archive in the folder `data`. `changed`: json() is another.
  Recovery(Loop& loop, Tasks& tasks, NodeEvents& events, std::string data, std::function<Program()> program,
           std::function<void()> changed);
  ~Recovery();
  Recovery(const Recovery&) = delete;
  Recovery& operator=(const Recovery&) = delete;

  void ask();   // now, or when the present one and its pause are over
  void stop();  // no more
  bool running() const { return running_; }
  int code() const { return code_; }  // of the last one
  std::string json() const;           // NODE's `recovery`

 private:
  void read_line(const std::string& line);
  void on_end(int code);

  Loop& loop_;
  Tasks& tasks_;
  NodeEvents& events_;
  const std::string data_;
  const std::function<Program()> program_;
  const std::function<void()> changed_;
  bool running_ = false, again_ = false, stopped_ = false;
  int code_ = 0;                                   // of the last one
  uint64_t stations_done_ = 0, stations_all_ = 0;  // of the present one, as far as told
  Loop::TimerId pause_ = 0;
};

}  // namespace headgate::serve
