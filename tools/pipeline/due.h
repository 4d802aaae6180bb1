// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a pipeline with the trigger schedule is to run now. One that has ended by itself waits for the next
// time: those that overlap or touch are one, also when the first of them is over. No clock: it is told the
// wall clock's time, which may be set.
#pragma once

#include <pipeline/schedule.h>

#include <cstdint>
#include <optional>

namespace headgate::pipeline {

class Due {
 public:
  // `schedule` outlives it.
  explicit Due(const Schedule& schedule) : schedule_(schedule) {}

  void look(int64_t utc_us);
  // As of the last look.
  bool inside() const { return inside_; }                // a time of the schedule
  bool is_due() const { return inside_ && !is_done(); }  // nothing has ended by itself in it
  bool is_over() const { return !now_; }                 // there is no time any more
  int64_t next_us() const;  // begin of that which is due, or the next that will be; 0: there is none
  // What ran has ended by itself.
  void ended(int64_t utc_us);

 private:
  bool is_done() const;

  const Schedule& schedule_;
  std::optional<Window> now_;   // that it is, or the next
  std::optional<Window> done_;  // in which something has ended by itself, as far as it is known
  bool inside_ = false;
};

}  // namespace headgate::pipeline
