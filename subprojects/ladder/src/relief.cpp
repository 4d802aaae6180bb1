// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/relief.h>

#include <algorithm>

namespace headgate::ladder {

Relief::Action Relief::while_starved(int64_t now_ns, size_t running) {
  acted_ns_ = now_ns;  // it has to have been good for a while before one comes back
  return running > 1 ? Action::pause : Action::none;
}

Relief::Action Relief::update(int64_t now_ns, int64_t waiting_ns, size_t running, size_t paused) {
  if (starved_ && waiting_ns <= settings_.behind_ns) return while_starved(now_ns, running);
  if (waiting_ns > settings_.level_ns)
    level_since_ns_ = INT64_MAX;
  else if (level_since_ns_ == INT64_MAX)
    level_since_ns_ = now_ns;
  if (waiting_ns > settings_.behind_ns) {
    if (running <= settings_.least_running || now_ns - acted_ns_ < settings_.settle_ns) return Action::none;
    // What was resumed not long ago was too much: the next try waits longer.
    const bool relapse = now_ns - resumed_ns_ < 2 * calm_ns_;
    calm_ns_ = relapse ? std::min(2 * calm_ns_, settings_.longest_calm_ns) : settings_.calm_ns;
    acted_ns_ = now_ns;
    return Action::pause;
  }
  if (paused == 0 || level_since_ns_ == INT64_MAX) return Action::none;
  if (now_ns - std::max(level_since_ns_, acted_ns_) < calm_ns_) return Action::none;
  acted_ns_ = resumed_ns_ = now_ns;
  return Action::resume;
}

}  // namespace headgate::ladder
