// SPDX-License-Identifier: LGPL-2.1-or-later
#include <pipeline/backoff.h>

#include <algorithm>

namespace headgate::pipeline {

Backoff::Next Backoff::failed(int64_t lasted_ms, int64_t idle_ms) {
  if (lasted_ms - idle_ms >= restart_.steady_ms) in_a_row_ = 0;
  ++in_a_row_;
  pause_ms_ = in_a_row_ == 1 ? restart_.pause_ms : std::min(2 * pause_ms_, restart_.max_pause_ms);
  return {pause_ms_, in_a_row_ == restart_.alarm_after,
          restart_.give_up_after > 0 && in_a_row_ >= restart_.give_up_after};
}

}  // namespace headgate::pipeline
