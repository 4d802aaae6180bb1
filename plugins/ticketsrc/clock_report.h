// SPDX-License-Identifier: LGPL-2.1-or-later
// What was done to a sender's times, where media is missing between them, and which pictures were not what he
// called them, for people: the first of a kind at once, then their number now and then, so that a clock that
// jumps with every frame, or a bad link, floods neither the bus nor the archive.
#pragma once

#include <cstdint>
#include <optional>

#include <timeline/session_timeline.h>

#include "session.h"

namespace headgate::ticketsrc {

// Between two reports of one kind and track; the second of what may come with every frame: nudged, both
// of keys, and drift.
inline constexpr int64_t kJumpReportUs = 1'000'000, kNudgeReportUs = 60'000'000;

struct ClockNote {
  // nudged, backward, forward, composition, loss, false-key, hidden-key, drift
  const char* kind = "";
  uint32_t count = 0;                   // since the last report; the rest is about the first of them
  int64_t before_ms = 0, after_ms = 0;  // composition: what was sent, and 0; keys: both the frame's;
                                        // drift: the frame's, and with all that was corrected
};

// Of one session. Not thread-safe.
class ClockReport {
 public:
  void note(TrackId track, const timeline::Stamp& stamp);
  // A composition offset that cannot be; 0 stands for it.
  void note_composition(TrackId track, int64_t sent_ns);
  // Something was lost on its way; the sender's clock at the frames on both sides.
  void note_loss(TrackId track, int64_t before_ns, int64_t after_ns);
  // A frame that the sender did not call what it is: a key frame, or none.
  void note_key(TrackId track, bool is_key, int64_t sent_ns);
  // What is to be told of this track now, one kind at a time: call until nothing. `all`: the session is over.
  std::optional<ClockNote> take(TrackId track, int64_t mono_us, bool all = false);

 private:
  static constexpr size_t kKinds = 8;
  void add(TrackId track, size_t kind, int64_t before_ns, int64_t after_ns);

  struct Kind {
    uint32_t count = 0;
    int64_t before_ns = 0, after_ns = 0;
    std::optional<int64_t> told_us;
  };
  Kind kinds_[kTracks][kKinds];
  bool any_[kTracks] = {};  // some count is not 0
};

}  // namespace headgate::ticketsrc
