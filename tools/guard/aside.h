// SPDX-License-Identifier: LGPL-2.1-or-later
// Work that may hang, in a thread beside the loop: one piece after the other. One that hangs holds up no
// other: they go on in another thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

namespace headgate::guard {

inline constexpr int64_t kHangMs = 10'000;    // work that takes so long hangs
inline constexpr size_t kMaxHungThreads = 8;  // when so many hang, the next piece holds up all

class Aside {
 public:
  // At most 15 bytes, of the threads. There is none before the first piece.
  explicit Aside(const char* name);
  // Does not wait for a piece that is under way: its thread ends when that does, or with the process.
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  // In another thread, and perhaps after this object's end, if it is under way then.
  void run(std::function<void()> work);
  // Now and then, in the thread that calls run(): goes on without who hangs. `now_ms` never goes back.
  void look(int64_t now_ms);

 private:
  struct Shared;
  void begin_thread();
  static void run(const std::shared_ptr<Shared>& shared, uint64_t turn);

  const std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace headgate::guard
