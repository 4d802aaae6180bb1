// SPDX-License-Identifier: LGPL-2.1-or-later
// An epoll loop for the programs and for ticketsrc's listener: descriptors, timers, and posted calls. One
// thread owns it; only post() may be called from others. fd() can be watched by another loop (GLib's), which
// then calls run_once(0).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <base/result.h>

namespace headgate {

class Loop {
 public:
  using IoCallback = std::function<void(uint32_t events)>;  // EPOLLIN, EPOLLOUT, EPOLLHUP, …
  using Callback = std::function<void()>;
  using TimerId = uint64_t;  // never 0

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop does not own `fd`; unwatch before closing it. A callback may watch and unwatch anything, itself
  // included.
  void watch(int fd, uint32_t events, IoCallback callback);
  void rewatch(int fd, uint32_t events);
  void unwatch(int fd);

  TimerId after_ms(int64_t ms, Callback callback);  // once
  TimerId every_ms(int64_t ms, Callback callback);  // first after `ms`; missed rounds are not made up for
  void cancel(TimerId timer);                       // unknown and spent ids are ignored

  void post(Callback callback);  // any thread; runs in the loop's thread

  int fd() const;
  // Waits at most `timeout_ms` (-1: until something happens; timers shorten it) and runs what is due.
  void run_once(int64_t timeout_ms);
  void run();   // until stop()
  void stop();  // from a callback

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A signal, and who sent it as far as the kernel says (signalfd_siginfo).
struct SignalInfo {
  int number = 0;
  bool from_process = false;  // kill(2), sigqueue(3); false: the kernel's, as from a terminal's keys
  uint32_t uid = 0;           // the sender's real one; with from_process
  int pid = 0;                // likewise; 0: of another PID namespace
};

// Blocks SIGINT, SIGTERM (and the like) in this thread and delivers them to `callback` through the loop.
// Call before starting threads.
class SignalWatch {
 public:
  SignalWatch(Loop& loop, std::initializer_list<int> signals,
              std::function<void(const SignalInfo&)> callback);
  SignalWatch(Loop& loop, std::initializer_list<int> signals, std::function<void(int number)> callback);
  ~SignalWatch();

 private:
  Loop& loop_;
  int fd_;
};

}  // namespace headgate
