// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job_thread.h"

#include <utility>

namespace headgate::store {

JobThread::JobThread() : thread_([this] { run(); }) {}

JobThread::~JobThread() {
  queue_.lock()->stop = true;
  posted_.notify_one();
  thread_.join();
}

void JobThread::post(Job job) {
  queue_.lock()->jobs.push_back(std::move(job));
  posted_.notify_one();
}

void JobThread::drop_queued() {
  std::deque<Job> dropped;  // goes without the lock
  dropped.swap(queue_.lock()->jobs);
}

void JobThread::run() {
  for (;;) {
    Job job;
    {
      auto queue = queue_.lock();
      posted_.wait(queue.mutex(), [&] { return queue->stop || !queue->jobs.empty(); });
      if (queue->jobs.empty()) return;
      job = std::move(queue->jobs.front());
      queue->jobs.pop_front();
    }
    job();
  }
}

}  // namespace headgate::store
