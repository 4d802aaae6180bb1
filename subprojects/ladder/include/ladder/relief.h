// SPDX-License-Identifier: LGPL-2.1-or-later
// What gives way when encoding falls behind real time: the top rung that runs is paused, then the next, the
// lowest never (on demand it, too: there it may be a large one that runs alone); when it has kept up for long
// enough the last that was paused is resumed, and if that was too much the next try waits longer. While the
// source itself comes late (the publisher's uplink is too slow), all but the lowest give way at once, and as
// long: what came is to go out as it comes, and when the rest comes faster than it was made there is more to
// encode than there will be. Pure: no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace headgate::ladder {

enum class ReliefAction : uint8_t {
  none,
  // Of those that run the largest whose own encoder is strained (patience.h), then it is that; or else, and
  // while the source comes late, the largest.
  pause,
  resume,  // the smallest one that is paused
};

struct ReliefSettings {
  int64_t behind_ns = 1'500'000'000;  // input that waits: too much
  int64_t level_ns = 300'000'000;     // keeps up
  int64_t settle_ns = 2'000'000'000;  // after a pause, until the next one
  int64_t calm_ns = 15'000'000'000;   // keeps up for so long: one is resumed
  int64_t longest_calm_ns = 240'000'000'000;
  size_t least_running = 1;  // so many go on in any case
  // Whether it is this stream's turn to do so now (turn.h); none: always. Not asked where the source comes
  // late, nor, of what goes, where three times as much waits as is too much.
  std::function<bool(ReliefAction)> turn{};
};

// Media comes in bursts, of files a part at a time, and all of one waits when its last frame has come. What
// was left of those before is what the first of them finds: others, within so long, are not looked at.
inline constexpr int64_t kBurstNs = 100'000'000;

// So long after it was not one's turn it may be.
inline constexpr int64_t kAskTurnNs = 100'000'000;

// Not thread-safe. Times grow, in ns.
class Relief {
 public:
  explicit Relief(ReliefSettings settings = {})
      : settings_(std::move(settings)), calm_ns_(settings_.calm_ns) {}

  // The source comes late, or does not any more.
  void starve(bool starved) { starved_ = starved; }
  bool starved() const { return starved_; }

  // Streams with other numbers wait for other times until they take a rung back: up to half as long again.
  void spread(uint64_t stream);

  using Action = ReliefAction;
  // Before a frame is added. `waiting_ns`: media that came and was not encoded yet. `running`, `paused`: how
  // many video rungs. `slow`: one of those that run is too slow by itself (patience.h).
  Action update(int64_t now_ns, int64_t waiting_ns, size_t running, size_t paused, bool slow = false);

 private:
  Action decide(int64_t now_ns, int64_t waiting_ns, size_t running, size_t paused, bool slow);
  Action while_starved(int64_t now_ns, size_t running);
  bool is_turn(int64_t now_ns, Action action);

  ReliefSettings settings_;
  bool starved_ = false;
  int64_t calm_ns_;
  int64_t looked_ns_ = INT64_MIN / 2;
  int64_t acted_ns_ = INT64_MIN / 2;    // the last pause or resumption
  int64_t resumed_ns_ = INT64_MIN / 2;  // the last resumption
  int64_t ask_ns_ = INT64_MIN / 2;      // not before then whether it is its turn
  int64_t spread_permille_ = 0;
  int64_t level_since_ns_ = INT64_MAX;  // since when it keeps up
};

}  // namespace headgate::ladder
