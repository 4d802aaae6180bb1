// SPDX-License-Identifier: LGPL-2.1-or-later
// What follows a failed run, by a description's "restart". No clock.
#pragma once

#include <pipeline/description.h>

#include <cstdint>

namespace headgate::pipeline {

class Backoff {
 public:
  explicit Backoff(const RestartPolicy& restart) : restart_(restart) {}

  struct Next {
    int64_t pause_ms = 0;
    bool alarm = false;  // once in a row
    bool give_up = false;
  };
  // A run that lasted so long has failed, of which it did nothing for the last `idle_ms` (silence.h).
  Next failed(int64_t lasted_ms, int64_t idle_ms = 0);
  int64_t in_a_row() const { return in_a_row_; }

 private:
  RestartPolicy restart_;
  int64_t in_a_row_ = 0, pause_ms_ = 0;
};

}  // namespace headgate::pipeline
