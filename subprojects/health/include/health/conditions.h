// SPDX-License-Identifier: LGPL-2.1-or-later
// All that can be wrong with a stream (docs/health.md), in one list: healthprobe tells each as a boolean
// field of this name, of a stream or of all streams together; events, metrics and tables of operators go
// through the list.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headgate::health {

enum class Kind : uint8_t {
  stalled,
  late,
  jumping,
  jittery,
  low_rate,
  low_frame_rate,
  long_gop,
  key_late,
  drifting,
  out_of_sync,
  black,
  frozen,
  covered,
  silent,
  clipped
};

enum class Level : uint8_t {
  look,  // somebody should look at it
  now    // nothing of the stream comes: it needs somebody at once
};

struct ConditionName {
  Kind kind;
  const char* name;
  Level level = Level::look;
};

// In the order of Kind, which is the one in which they are shown.
inline constexpr std::array kConditions{
    ConditionName{Kind::stalled, "stalled", Level::now},
    ConditionName{Kind::late, "late"},
    ConditionName{Kind::jumping, "jumping"},
    ConditionName{Kind::jittery, "jittery"},
    ConditionName{Kind::low_rate, "low-rate"},
    ConditionName{Kind::low_frame_rate, "low-frame-rate"},
    ConditionName{Kind::long_gop, "long-gop"},
    ConditionName{Kind::key_late, "key-late"},
    ConditionName{Kind::drifting, "drifting"},
    ConditionName{Kind::out_of_sync, "out-of-sync"},
    ConditionName{Kind::black, "black"},
    ConditionName{Kind::frozen, "frozen"},
    ConditionName{Kind::covered, "covered"},
    ConditionName{Kind::silent, "silent"},
    ConditionName{Kind::clipped, "clipped"},
};

constexpr const char* name_of(Kind kind) {
  return kConditions[static_cast<size_t>(kind)].name;
}

}  // namespace headgate::health
