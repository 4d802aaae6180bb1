// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/turn.h>

#include <algorithm>

namespace headgate::ladder {
namespace {

// Since then; of what never was, or lies in the future, for ever.
bool is_over(int64_t now_ns, int64_t then_ns, int64_t for_ns) {
  return then_ns == 0 || then_ns > now_ns || now_ns - then_ns >= for_ns;
}

int64_t calm_of(const TurnState& state) {
  return std::clamp(state.calm_ns.load(), kTurnCalmNs, kTurnLongestCalmNs);
}

}  // namespace

bool Turn::pause(int64_t now_ns) {
  int64_t paused_ns = state_.paused_ns;
  if (!is_over(now_ns, paused_ns, kTurnPauseNs)) return false;
  if (!state_.paused_ns.compare_exchange_strong(paused_ns, now_ns)) return false;  // somebody else's
  const int64_t calm_ns = calm_of(state_), resumed_ns = state_.resumed_ns;
  // The first that goes since one came back pays for it.
  if (resumed_ns > paused_ns && !is_over(now_ns, resumed_ns, 2 * calm_ns))
    state_.calm_ns = std::min(2 * calm_ns, kTurnLongestCalmNs);
  else if (is_over(now_ns, resumed_ns, 2 * calm_ns) && is_over(now_ns, paused_ns, 2 * calm_ns))
    state_.calm_ns = kTurnCalmNs;
  return true;
}

bool Turn::resume(int64_t now_ns, bool pressed) {
  int64_t resumed_ns = state_.resumed_ns;
  const int64_t times = pressed ? kTurnPressed : 1;
  if (!is_over(now_ns, state_.paused_ns, calm_of(state_) * times) ||
      !is_over(now_ns, resumed_ns, kTurnResumeNs * times))
    return false;
  return state_.resumed_ns.compare_exchange_strong(resumed_ns, now_ns);
}

}  // namespace headgate::ladder
