// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <utility>

namespace headgate {

// A mutex that owns what it protects: the data can be reached only through a lock.
//   auto state = guarded.lock();  state->count++;
template <typename T>
class Guarded {
 public:
  template <typename... Args>
  explicit Guarded(Args&&... args) : data_(std::forward<Args>(args)...) {}

  class Lock {
   public:
    T* operator->() { return data_; }
    T& operator*() { return *data_; }
    std::unique_lock<std::mutex>& mutex() { return lock_; }  // for condition variables

   private:
    friend class Guarded;
    Lock(std::mutex& mutex, T* data) : lock_(mutex), data_(data) {}
    std::unique_lock<std::mutex> lock_;
    T* data_;
  };
  Lock lock() { return Lock(mutex_, &data_); }

 private:
  std::mutex mutex_;
  T data_;
};

}  // namespace headgate
