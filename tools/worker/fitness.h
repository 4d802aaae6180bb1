// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a worker takes sessions and, if not, why. In the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace headgate::worker {

class Fitness {
 public:
  // Of the archive under `root`, as far as the node's `event` is concerned.
  Fitness(std::string root, uint32_t event) : root_(std::move(root)), event_(event) {}

  // Once a second: some system calls.
  void look_at_archive();
  // False: it was before.
  bool stop() { return !std::exchange(stopping_, true); }
  void drain();
  // Nothing more is taken, and the process ends when nothing runs that can still end well: the supervisor
  // starts a fresh one. False: it was given up before.
  bool give_up(const std::string& reason);

  bool stopping() const { return stopping_; }
  bool given_up() const { return !hopeless_.empty(); }
  // Why no session is accepted, for publishers to read; empty: accepting.
  std::string problem() const;
  // Nothing else is wrong, and it has not been draining for longer: who was handed over meanwhile may stay.
  bool drained_within(int64_t ms) const;
  // Of a worker that was given up, by the tick: all sessions are closed, or those that are left, on their way
  // out, had `last_words_ms`.
  bool nothing_ends_any_more(size_t sessions, bool any_running, int64_t last_words_ms);

 private:
  const std::string root_;
  const uint32_t event_;
  std::string full_problem_;     // the archive's own words; empty: it takes runs
  std::string archive_problem_;  // the same for problem()
  std::string hopeless_;         // why this worker was given up; empty: it was not
  int64_t last_ran_us_ = 0;      // of a worker that was given up: when something ran; mono, by the tick
  int64_t drained_us_ = 0;       // mono
  bool draining_ = false;
  bool stopping_ = false;
};

}  // namespace headgate::worker
