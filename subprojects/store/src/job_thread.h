// SPDX-License-Identifier: LGPL-2.1-or-later
// A thread that does what it is given in the order it came.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>

#include <base/guarded.h>

namespace headgate::store {

// Thread-safe. Whoever posts sees to it that no more is posted than is done in the long run.
class JobThread {
 public:
  using Job = std::function<void()>;
  JobThread();
  ~JobThread();  // what was posted is done first
  void post(Job job);
  void drop_queued();  // what has not begun is not done

 private:
  struct Queue {
    std::deque<Job> jobs;
    bool stop = false;
  };
  void run();
  Guarded<Queue> queue_;
  std::condition_variable posted_;
  std::thread thread_;
};

}  // namespace headgate::store
