// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker was doing, for who looks at it from outside, also when it is dead or stands still: memory
// that both have (memfd_create(2)), so that a mark costs a store and no system call, and waits for no disk.
// One slot for each session, with a word that counts when a thread begins to serve it and when it has: odd in
// between. Native byte order: both ends are on one machine. The layout belongs to the protocol's major
// (wire/version.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::wire {

inline constexpr size_t kMaxMarks = 20'000;  // that are read

struct Mark {
  uint64_t session = 0;
  uint32_t event = 0, station = 0;
  uint64_t service = 0;  // the word
  bool crashed = false;  // a thread of this session was the one that got the deadly signal
  bool at_work() const { return service % 2 == 1; }
  bool operator==(const Mark&) const = default;
};

// The worker's. One thread; the words are written by others, note_crash() by a signal handler.
class Marks {
 public:
  static Result<Marks> create(size_t sessions);  // at most kMaxMarks
  Marks(Marks&& other) noexcept;
  Marks& operator=(Marks&&) = delete;
  ~Marks();  // no word is written any more, or leave() was called
  // The memory stays until the process ends: somebody may still count.
  void leave() { slots_ = nullptr; }

  // Its word, valid until remove() of this session and counted by one thread. Null: no slot is free.
  std::atomic<uint64_t>* add(uint64_t session, uint32_t event, uint32_t station);
  bool remove(uint64_t session);  // false: it has none
  // Async-signal-safe.
  void note_crash(uint64_t session);
  int fd() const { return file_.get(); }

 private:
  struct Slot;
  Marks(UniqueFd file, Slot* slots, size_t count) : file_(std::move(file)), slots_(slots), count_(count) {}

  UniqueFd file_;
  Slot* slots_;   // the first is the head: whose thread crashed
  size_t count_;  // with the head
};

// The sessions that have a slot now. An error: it is no such file.
Result<std::vector<Mark>> read_marks(int fd);

}  // namespace headgate::wire
