// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reaper.h"

#include <base/clock.h>
#include <base/guarded.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <thread>

namespace headgate::worker {

struct Reaper::State {
  struct Queue {
    std::deque<Job> jobs;
    bool stopping = false, abandoned = false, ended = false;
  };
  Guarded<Queue> queue;
  std::condition_variable changed;
  std::atomic<int64_t> busy_since_us{0};  // 0: idle
  std::thread thread;

  void work() {
    for (;;) {
      Job job;
      {
        auto locked = queue.lock();
        changed.wait(locked.mutex(), [&] { return locked->stopping || !locked->jobs.empty(); });
        if (locked->jobs.empty() || locked->abandoned) {
          locked->ended = true;
          changed.notify_all();
          return;
        }
        job = std::move(locked->jobs.front());
        locked->jobs.pop_front();
      }
      busy_since_us = system_clock().mono_us();
      job();
      busy_since_us = 0;
    }
  }
};

Reaper::Reaper() : state_(std::make_shared<State>()) {
  state_->thread = std::thread([state = state_] { state->work(); });
}

Reaper::~Reaper() {
  bool ended = false;
  {
    auto queue = state_->queue.lock();
    queue->stopping = true;
    state_->changed.notify_all();
    ended = state_->changed.wait_for(queue.mutex(), std::chrono::milliseconds(kLastJobsMs),
                                     [&] { return queue->ended; });
    queue->abandoned = !ended;
  }
  if (ended)
    state_->thread.join();
  else
    state_->thread.detach();
}

void Reaper::run(Job job) {
  state_->queue.lock()->jobs.push_back(std::move(job));
  state_->changed.notify_all();
}

int64_t Reaper::busy_ms() const {
  int64_t since = state_->busy_since_us;
  return since == 0 ? 0 : (system_clock().mono_us() - since) / 1000;
}

}  // namespace headgate::worker
