// SPDX-License-Identifier: LGPL-2.1-or-later
#include <guard/aside.h>

#include <base/guarded.h>
#include <pthread.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <utility>

namespace headgate::guard {

struct Aside::Shared {
  explicit Shared(const char* thread_name) : name(thread_name) {}
  struct Data {
    std::deque<std::function<void()>> wanted;
    bool working = false, stop = false;
    int64_t now_ms = 0, since_ms = 0;  // of who looks last, and when the piece began that is under way
    uint64_t turn = 0;                 // of the thread whose turn it is
    size_t hung = 0;                   // threads whose turn is over, with a piece that has not ended
  };
  const char* const name;
  Guarded<Data> data;
  std::condition_variable changed;
};

Aside::Aside(const char* name) : shared_(std::make_shared<Shared>(name)) {}

Aside::~Aside() {
  bool working = false;
  {
    auto data = shared_->data.lock();
    data->stop = true;
    working = data->working;
  }
  shared_->changed.notify_all();
  if (!thread_.joinable()) return;
  working ? thread_.detach() : thread_.join();
}

void Aside::run(std::function<void()> work) {
  shared_->data.lock()->wanted.push_back(std::move(work));
  shared_->changed.notify_all();
  if (!thread_.joinable()) begin_thread();
}

void Aside::look(int64_t now_ms) {
  {
    auto data = shared_->data.lock();
    data->now_ms = now_ms;
    if (!data->working || data->wanted.empty() || now_ms - data->since_ms < kHangMs ||
        data->hung >= kMaxHungThreads)
      return;
    data->working = false;
    ++data->hung;
    ++data->turn;
  }
  begin_thread();
}

void Aside::begin_thread() {
  if (thread_.joinable()) thread_.detach();
  const uint64_t turn = shared_->data.lock()->turn;
  // Signals are the loop's.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([shared = shared_, turn] { run(shared, turn); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Aside::run(const std::shared_ptr<Shared>& shared, uint64_t turn) {
  ::pthread_setname_np(::pthread_self(), shared->name);
  auto data = shared->data.lock();
  for (;;) {
    shared->changed.wait(data.mutex(), [&] { return data->stop || !data->wanted.empty(); });
    if (data->stop) return;
    const auto work = std::move(data->wanted.front());
    data->wanted.pop_front();
    data->working = true;
    data->since_ms = data->now_ms;
    data.mutex().unlock();
    work();
    data.mutex().lock();
    if (data->turn != turn) {  // another thread has gone on
      --data->hung;
      return;
    }
    data->working = false;
  }
}

}  // namespace headgate::guard
