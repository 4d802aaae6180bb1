// SPDX-License-Identifier: LGPL-2.1-or-later
// One thread that serves many sources on one tick: wake-ups, not bytes, are what a stream costs. There is one
// poller per tick length and process; it sleeps as long as it has nobody to serve and lives until the process
// ends. Ticks have nothing to do with when sources come: a publisher whose key frames are whole ticks apart
// would else meet the same, perhaps the longest, wait each time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace headgate::ticketsrc {

// What everybody reads into, one after the other: hot in the cache. 256 kB in 50 ms are 42 Mbit/s; a client
// that finds it full may read again.
inline constexpr size_t kScratchBytes = 256 * 1024;

class PollClient {
 public:
  virtual ~PollClient() = default;
  // On the poller's thread, once a tick, and once at once when it was added: a publisher waits for its
  // answer. Must not block: everybody else waits.
  virtual void on_tick(std::span<std::byte> scratch) = 0;
};

class Poller {
 public:
  static Poller& of_tick(unsigned tick_ms);

  // The client must outlive its registration.
  void add(PollClient* client);
  // When this returns the client is not being served and will not be again. Not from its own on_tick().
  void remove(PollClient* client);

 private:
  struct Entry {
    std::mutex serving;  // held while the client is served
    PollClient* client = nullptr;
  };

  explicit Poller(unsigned tick_ms) : tick_ms_(tick_ms) {}
  [[noreturn]] void run();

  const unsigned tick_ms_;
  std::mutex mutex_;                             // below; never held while serving
  std::condition_variable some_;                 // somebody was added
  std::vector<std::shared_ptr<Entry>> entries_;  // registered
  std::vector<std::shared_ptr<Entry>> fresh_;    // of these, not served yet
  unsigned version_ = 0;                         // of entries_
};

}  // namespace headgate::ticketsrc
