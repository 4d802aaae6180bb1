// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reaper.h"

#include <base/clock.h>
#include <base/guarded.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

namespace headgate::worker {

struct Reaper::State {
  struct Queue {
    std::deque<Job> jobs;
    bool stopping = false;
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
        if (locked->jobs.empty()) return;
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
  state_->queue.lock()->stopping = true;
  state_->changed.notify_one();
  if (state_->thread.joinable()) state_->thread.join();
}

void Reaper::run(Job job) {
  state_->queue.lock()->jobs.push_back(std::move(job));
  state_->changed.notify_one();
}

int64_t Reaper::busy_ms() const {
  int64_t since = state_->busy_since_us;
  return since == 0 ? 0 : (system_clock().mono_us() - since) / 1000;
}

void Reaper::abandon() {
  if (state_->thread.joinable()) state_->thread.detach();
}

}  // namespace headgate::worker
