// SPDX-License-Identifier: LGPL-2.1-or-later
// Work for a disk, in a thread, so that the main loop never waits for one. What a viewer waits for goes
// first; what takes long goes in steps, and lets others in between.
#pragma once

#include <functional>
#include <memory>

#include <base/loop.h>

namespace headgate::origin {

class Disk {
 public:
  // `name`: the thread's, as ps(1) shows it; at most 15 bytes.
  Disk(Loop& loop, const char* name);
  // Waits for the job or step that is running; the others are dropped.
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // `job` runs in the thread and returns what then runs in the loop's thread. Urgent ones go before the
  // others.
  void run(bool urgent, std::function<std::function<void()>()> job);
  // `step` runs until it returns false, each time behind everything that has come meanwhile and is as urgent;
  // then `done` in the loop's thread.
  void run_steps(bool urgent, std::function<bool()> step, std::function<void()> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headgate::origin
