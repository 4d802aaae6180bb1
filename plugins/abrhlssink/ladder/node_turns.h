// SPDX-License-Identifier: LGPL-2.1-or-later
// The node's turns (ladder/turn.h), which streams in all processes of a user take that write below one root:
// in a file in memory, named after the root's device and inode, that each maps. The last takes it away.
// Whoever cannot have it takes turns with itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <ladder/relief.h>
#include <ladder/turn.h>

namespace headgate::abrhlssink {

inline constexpr char kTurnsFront[] = "/dev/shm/headgate-rungs-";
// Where some of this process' control group (the machine, where the kernel says nothing of that) wait for a
// processor for more than so many percent of the time there is hardly room for more.
inline constexpr double kPressedPercent = 40;
// An encoder that is too slow while some wait for more than that is slow for want of one. Half as much: the
// kernel's mean is of 10 s, and a rung gives way before they are over.
inline constexpr double kShortPercent = 20;

// Thread-safe.
class NodeTurns {
 public:
  // `proc` and `sys` are other folders in tests.
  explicit NodeTurns(const std::string& root, std::string proc = "/proc", std::string sys = "/sys");
  // As ladder::ReliefSettings::turn; `now_ns` of CLOCK_BOOTTIME.
  bool take(ladder::ReliefAction action, int64_t now_ns);
  // Also where the kernel does not say.
  bool short_of_processors() const;

 private:
  std::optional<double> pressure() const;

  const std::string proc_, sys_;
  std::shared_ptr<ladder::TurnState> state_;
};

}  // namespace headgate::abrhlssink
