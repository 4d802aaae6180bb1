// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace headgate::gst {

// Puts things in order under a lock and hands them out without one: several streaming threads may fill it,
// and only one at a time empties it, so what was put first is delivered first and no lock is held over a
// push, a post or a signal. A thread that finds another one delivering leaves its things to that one.
template <typename T>
class Outbox {
 public:
  void put(T item) {
    std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
  }
  // Calls deliver(std::vector<T>&&) until nothing is left. False: another thread is at it.
  template <typename Deliver>
  bool drain(Deliver deliver) {
    std::unique_lock lock(mutex_);
    if (delivering_) return false;
    delivering_ = true;
    while (!items_.empty()) {
      std::vector<T> batch = std::exchange(items_, {});
      lock.unlock();
      deliver(std::move(batch));
      lock.lock();
    }
    delivering_ = false;
    return true;
  }
  // Everything that was put has been delivered.
  bool idle() const {
    std::lock_guard lock(mutex_);
    return !delivering_ && items_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<T> items_;
  bool delivering_ = false;
};

}  // namespace headgate::gst
