// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/feeder.h"

#include <pthread.h>

#include <utility>

#include "ladder/quiet_threads.h"

namespace headgate::abrhlssink {
namespace {

size_t bytes_of(const Input& input) {
  const auto* frame = std::get_if<EncodedFrame>(&input);
  return frame ? gst_buffer_get_size(frame->buffer.get()) : 0;
}

}  // namespace

Feeder::Feeder(const char* name, std::function<void(Input)> take) : name_(name), take_(std::move(take)) {}

Feeder::~Feeder() {
  stop();
}

bool Feeder::has_room() const {
  return stopping_ || frames_ < kMaxWaitingFrames;
}

bool Feeder::put(Input input, bool may_wait) {
  std::unique_lock lock(mutex_);
  if (auto* frame = std::get_if<EncodedFrame>(&input)) {
    if (may_wait) {
      changed_.wait(lock, [this] { return has_room(); });
    } else {
      const bool full = bytes_ >= kMaxWaitingBytes || waiting_ns_ > kMaxWaitingNs;
      if (frame->key) skipping_ = false;
      if (full) skipping_ = true;
      if (skipping_) {
        ++dropped_;
        return false;
      }
    }
    const int64_t after_ns = frames_ > 0 ? frame->dts_ns - newest_ns_ : 0;
    frame->after_ns = after_ns > 0 && after_ns <= kHoleNs ? after_ns : 0;
    waiting_ns_ += frame->after_ns;
    ++frames_;
    newest_ns_ = frame->dts_ns;
  }
  if (stopping_) return false;
  bytes_ += bytes_of(input);
  queue_.push_back(std::move(input));
  if (!thread_.joinable()) {
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), name_);
      yield_to_others();
      run();
    });
    at_work_ = true;
  }
  changed_.notify_all();
  return true;
}

void Feeder::rest() {
  std::unique_lock lock(mutex_);
  resting_ = true;
  wait_for_thread(lock);
  resting_ = false;
}

void Feeder::flush() {
  std::lock_guard lock(mutex_);
  std::erase_if(queue_, [](const Input& input) { return std::holds_alternative<EncodedFrame>(input); });
  frames_ = bytes_ = 0;
  waiting_ns_ = 0;
  skipping_ = true;
  changed_.notify_all();
}

void Feeder::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  queue_.clear();
  wait_for_thread(lock);
}

// rest() and stop() may come at the same time: one of them joins it, and neither goes on before it is done.
void Feeder::wait_for_thread(std::unique_lock<std::mutex>& lock) {
  std::thread ending;
  ending.swap(thread_);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !at_work_; });
  lock.unlock();
  if (ending.joinable()) ending.join();
  lock.lock();
}

int64_t Feeder::waiting_ns() const {
  std::lock_guard lock(mutex_);
  return waiting_ns_;
}

void Feeder::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || resting_ || !queue_.empty(); });
    if (stopping_ || queue_.empty()) break;
    Input input = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= bytes_of(input);
    if (const auto* frame = std::get_if<EncodedFrame>(&input)) {
      --frames_;
      waiting_ns_ -= frame->after_ns;
    }
    changed_.notify_all();
    lock.unlock();
    take_(std::move(input));
    lock.lock();
  }
  at_work_ = false;
  changed_.notify_all();
}

}  // namespace headgate::abrhlssink
