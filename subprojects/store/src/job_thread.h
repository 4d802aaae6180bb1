// SPDX-License-Identifier: LGPL-2.1-or-later
// A thread that does what it is given, in the order it came or fell due.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include <base/guarded.h>

namespace headgate::store {

// Thread-safe. Whoever posts sees to it that no more is posted than is done in the long run.
class JobThread {
 public:
  using Job = std::function<void()>;
  using Time = std::chrono::steady_clock::time_point;
  JobThread();
  ~JobThread() { finish(); }
  // Returns when what was posted is done, due or not; nothing may be posted afterwards.
  void finish();
  // Due now: those that fell due before are done before it.
  void post(Job job) { post_at(std::chrono::steady_clock::now(), std::move(job)); }
  void post_at(Time due, Job job);
  void drop_queued();  // what has not begun is not done

 private:
  struct Queue {
    std::multimap<Time, Job> jobs;  // by when they are due; equals in the order they came
    bool stop = false;
  };
  void run();
  Guarded<Queue> queue_;
  std::condition_variable posted_;
  std::thread thread_;
};

}  // namespace headgate::store
