// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that runs once to say whether something is right: how it ended, and what it said of it on its
// standard output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "tasks.h"

namespace headgate::serve {

inline constexpr size_t kMaxSaidBytes = 2000;

// Lines up to a number of bytes; "..." at the end: there was more.
class SaidLines {
 public:
  explicit SaidLines(size_t max_bytes) : max_bytes_(max_bytes) {}
  void add(const std::string& line);  // without its end; an empty one is a line as well
  // The last one has no end. At most the number of bytes.
  const std::string& text() const { return text_; }

 private:
  const size_t max_bytes_;
  std::string text_;
  bool any_ = false, full_ = false;
};

struct CheckEnd {
  int code = 0;          // as Tasks::run() has it
  int64_t limit_ms = 0;  // that it had; 0: none
  std::string said;
  bool good() const { return code == 0; }
  // "ended with 3", "took longer than 60 s and was killed".
  std::string how() const { return Tasks::how_it_ended(code, limit_ms); }
  // Why it is not good, for people: what `who` said, and how it ended when that is not all there is to tell
  // (it said nothing, or was killed for its time).
  std::string reason(const std::string& who) const;
};

// `done` in the loop's thread, never from within this call.
void run_check(Tasks& tasks, Program program, int64_t limit_ms, std::function<void(const CheckEnd&)> done,
               size_t max_said_bytes = kMaxSaidBytes);

}  // namespace headgate::serve
