// SPDX-License-Identifier: LGPL-2.1-or-later
// The thread in which pipelines are ended. Setting a pipeline to NULL waits for its streaming threads, so
// neither they nor the control loop may do it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace headgate::worker {

inline constexpr int64_t kLastJobsMs = 2000;

class Reaper {
 public:
  using Job = std::function<void()>;
  Reaper();
  // Waits for the jobs that are there, at most kLastJobsMs. A thread that is stuck is left behind, and begins
  // none of them any more: the process is about to end.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  void run(Job job);  // any thread
  // How long the present job has been running, in ms; 0: none.
  int64_t busy_ms() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headgate::worker
