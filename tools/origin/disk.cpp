// SPDX-License-Identifier: LGPL-2.1-or-later
#include "disk.h"

#include <base/guarded.h>
#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <thread>

namespace headgate::origin {

struct Disk::State {
  // Empty: it wants to run again.
  using Job = std::function<std::function<void()>()>;
  struct Queue {
    std::deque<Job> urgent, later;
    bool stopping = false;
    bool empty() const { return urgent.empty() && later.empty(); }
  };

  Loop& loop;
  Guarded<Queue> queue;
  std::condition_variable changed;
  std::thread thread;

  explicit State(Loop& its_loop) : loop(its_loop) {}

  void work() {
    for (;;) {
      Job job;
      bool urgent = false;
      {
        auto locked = queue.lock();
        changed.wait(locked.mutex(), [&] { return locked->stopping || !locked->empty(); });
        if (locked->stopping) return;
        urgent = !locked->urgent.empty();
        auto& jobs = urgent ? locked->urgent : locked->later;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      if (auto done = job()) {
        job = nullptr;  // what it shares with `done` ends in the loop's thread
        loop.post(std::move(done));
        continue;
      }
      auto locked = queue.lock();
      (urgent ? locked->urgent : locked->later).push_back(std::move(job));
    }
  }
};

Disk::Disk(Loop& loop, const char* name) : state_(std::make_shared<State>(loop)) {
  state_->thread = std::thread([state = state_.get()] { state->work(); });
  ::pthread_setname_np(state_->thread.native_handle(), name);
}

Disk::~Disk() {
  state_->queue.lock()->stopping = true;
  state_->changed.notify_one();
  state_->thread.join();
}

void Disk::run(bool urgent, std::function<std::function<void()>()> job) {
  {
    auto locked = state_->queue.lock();
    (urgent ? locked->urgent : locked->later).push_back(std::move(job));
  }
  state_->changed.notify_one();
}

void Disk::run_steps(bool urgent, std::function<bool()> step, std::function<void()> done) {
  run(urgent, [step = std::move(step), done = std::move(done)]() -> std::function<void()> {
    if (step()) return nullptr;
    return done;
  });
}

}  // namespace headgate::origin
