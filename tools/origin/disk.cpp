// SPDX-License-Identifier: LGPL-2.1-or-later
#include "disk.h"

#include <base/guarded.h>
#include <store/reader.h>

#include <condition_variable>
#include <deque>
#include <thread>

namespace headgate::origin {

struct Disk::State {
  using Job = std::function<std::function<void()>()>;
  struct Queue {
    std::deque<Job> urgent, later;
    bool stopping = false;
    bool empty() const { return urgent.empty() && later.empty(); }
  };

  Loop& loop;
  std::string root;
  uint32_t event;
  Guarded<Queue> queue;
  std::condition_variable changed;
  std::thread thread;

  State(Loop& its_loop, std::string its_root, uint32_t its_event)
      : loop(its_loop), root(std::move(its_root)), event(its_event) {}

  void work() {
    for (;;) {
      Job job;
      {
        auto locked = queue.lock();
        changed.wait(locked.mutex(), [&] { return locked->stopping || !locked->empty(); });
        if (locked->stopping) return;
        auto& jobs = locked->urgent.empty() ? locked->later : locked->urgent;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      loop.post(job());
    }
  }
};

Disk::Disk(Loop& loop, std::string root, uint32_t event)
    : state_(std::make_shared<State>(loop, std::move(root), event)) {
  state_->thread = std::thread([state = state_.get()] { state->work(); });
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

void Disk::list_stations(std::function<void(std::vector<uint32_t>)> done) {
  run(false, [state = state_.get(), done = std::move(done)] {
    return [done, stations = store::list_stations(state->root, state->event)] { done(stations); };
  });
}

void Disk::load(uint32_t station, const playlist::IndexSettings& settings, bool urgent,
                std::function<void(LoadedStream)> done) {
  run(urgent, [state = state_.get(), station, settings, done = std::move(done)] {
    // Shared: a std::function must be copyable, an index is better not copied.
    auto loaded = std::make_shared<LoadedStream>();
    loaded->index = playlist::StreamIndex(settings);
    for (const std::string& run : store::list_runs(state->root, state->event, station)) {
      auto records = store::read_run(state->root, state->event, station, run);
      if (!records) continue;  // a damaged run: what others have is shown
      loaded->found = true;
      for (const playlist::Record& record : records->records) {
        loaded->index.add(record);
        loaded->totals.add(record);
      }
    }
    return [done, loaded] { done(std::move(*loaded)); };
  });
}

}  // namespace headgate::origin
