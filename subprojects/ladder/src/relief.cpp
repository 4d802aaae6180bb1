// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/relief.h>

#include <algorithm>

namespace headgate::ladder {

void Relief::spread(uint64_t stream) {
  // Numbers of stations follow one another.
  constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;
  spread_permille_ = static_cast<int64_t>((stream * kGolden >> 32) % 500);
}

bool Relief::is_turn(int64_t now_ns, Action action) {
  if (!settings_.turn) return true;
  if (now_ns < ask_ns_) return false;
  if (settings_.turn(action)) return true;
  ask_ns_ = now_ns + kAskTurnNs;
  return false;
}

Relief::Action Relief::while_starved(int64_t now_ns, size_t running) {
  acted_ns_ = now_ns;  // it has to have been good for a while before one comes back
  return running > 1 ? Action::pause : Action::none;
}

Relief::Action Relief::update(int64_t now_ns, int64_t waiting_ns, size_t running, size_t paused, bool slow) {
  if (!starved_ && now_ns - looked_ns_ < kBurstNs) return Action::none;
  looked_ns_ = now_ns;
  return decide(now_ns, waiting_ns, running, paused, slow);
}

Relief::Action Relief::decide(int64_t now_ns, int64_t waiting_ns, size_t running, size_t paused, bool slow) {
  if (starved_ && waiting_ns <= settings_.behind_ns) return while_starved(now_ns, running);
  if (waiting_ns > settings_.level_ns || slow)
    level_since_ns_ = INT64_MAX;
  else if (level_since_ns_ == INT64_MAX)
    level_since_ns_ = now_ns;
  if (waiting_ns > settings_.behind_ns || slow) {
    if (running <= settings_.least_running || now_ns - acted_ns_ < settings_.settle_ns) return Action::none;
    if (waiting_ns <= 3 * settings_.behind_ns && !is_turn(now_ns, Action::pause)) return Action::none;
    // What was resumed not long ago was too much: the next try waits longer.
    const bool relapse = now_ns - resumed_ns_ < 2 * calm_ns_;
    calm_ns_ = relapse ? std::min(2 * calm_ns_, settings_.longest_calm_ns) : settings_.calm_ns;
    acted_ns_ = now_ns;
    return Action::pause;
  }
  if (paused == 0 || level_since_ns_ == INT64_MAX) return Action::none;
  const int64_t calm_ns = calm_ns_ + calm_ns_ * spread_permille_ / 1000;
  if (now_ns - std::max(level_since_ns_, acted_ns_) < calm_ns) return Action::none;
  if (!is_turn(now_ns, Action::resume)) return Action::none;
  acted_ns_ = resumed_ns_ = now_ns;
  return Action::resume;
}

}  // namespace headgate::ladder
