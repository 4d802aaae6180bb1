// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose turn it is, of all streams of a node, to give a rung up because the machine cannot encode it, or to
// take one back. They all fall behind at once, and all catch up once some rungs have gone: if each did what
// is good for itself, all would go at once and come back at once, and so on. So there is one at a time, and
// what came back in vain is waited for longer, whichever stream has to pay for it. Pure: no clock.
#pragma once

#include <atomic>
#include <cstdint>

namespace headgate::ladder {

// From one stream's rung that goes to the next one's: what was saved has to show.
inline constexpr int64_t kTurnPauseNs = 500'000'000;
// Likewise of those that come back.
inline constexpr int64_t kTurnResumeNs = 5'000'000'000;
// None comes back so soon after one had to go; twice as long if that was because one had come back, up to the
// longest.
inline constexpr int64_t kTurnCalmNs = 15'000'000'000, kTurnLongestCalmNs = 240'000'000'000;
// Where processors are pressed so many times as long, of both.
inline constexpr int64_t kTurnPressed = 4;

// Shared by the processes of a node, in memory that is zero at first. Times are of a clock that they share,
// of which it need not be known when it began: what lies in the future is of an earlier start of the machine.
struct TurnState {
  std::atomic<int64_t> paused_ns{0}, resumed_ns{0};  // the last time; 0: never
  std::atomic<int64_t> calm_ns{0};                   // 0: kTurnCalmNs
};
static_assert(std::atomic<int64_t>::is_always_lock_free, "it is shared by processes");

// Thread-safe. `state` outlives it.
class Turn {
 public:
  explicit Turn(TurnState& state) : state_(state) {}
  // True: it is the caller's, who does it now.
  bool pause(int64_t now_ns);
  // `pressed`: processors are waited for, so that this one may be too much.
  bool resume(int64_t now_ns, bool pressed);

 private:
  TurnState& state_;
};

}  // namespace headgate::ladder
