// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job_thread.h"

namespace headgate::store {

JobThread::JobThread() : thread_([this] { run(); }) {}

void JobThread::finish() {
  queue_.lock()->stop = true;
  posted_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void JobThread::post_at(Time due, Job job) {
  queue_.lock()->jobs.emplace(due, std::move(job));
  posted_.notify_one();
}

void JobThread::drop_queued() {
  std::multimap<Time, Job> dropped;  // goes without the lock
  dropped.swap(queue_.lock()->jobs);
}

void JobThread::run() {
  for (;;) {
    Job job;
    {
      auto queue = queue_.lock();
      const auto due = [&] {
        return queue->stop ||
               (!queue->jobs.empty() && queue->jobs.begin()->first <= std::chrono::steady_clock::now());
      };
      while (!due()) {
        if (queue->jobs.empty())
          posted_.wait(queue.mutex());
        else
          posted_.wait_until(queue.mutex(), Time(queue->jobs.begin()->first));
      }
      if (queue->jobs.empty()) return;
      job = std::move(queue->jobs.begin()->second);
      queue->jobs.erase(queue->jobs.begin());
    }
    job();
  }
}

}  // namespace headgate::store
