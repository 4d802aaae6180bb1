// SPDX-License-Identifier: LGPL-2.1-or-later
// One media playlist, reading after reading: what may change between two of them and what may not
// (draft-pantos-hls-rfc8216bis-22, 6.2.1, 6.2.2), and delta updates (6.2.5.1). Times come from the caller.
#pragma once

#include <base/result.h>
#include <conformance/m3u8.h>

namespace headgate::conformance {

// How much later than the standard says something may be seen, for the way to here.
inline constexpr Micros kArrivalSlack = kSecond / 2;

// When a reading was asked for and when it was complete, on any clock that does not step.
struct ReadingTime {
  Micros asked = 0, loaded = 0;
  bool held = false;  // a blocking reload, answered when there was something new
};

class PlaylistHistory {
 public:
  // A whole playlist (a delta update merged). One that is older than the last is told and not kept.
  Findings observe(const MediaPlaylist& playlist, ReadingTime time);
  // A held reload has not been answered until now: tells once that the playlist has stalled.
  Findings waited(Micros now);
  const MediaPlaylist* last() const { return last_ ? &*last_ : nullptr; }
  ReadingTime time() const { return time_; }  // of last()
  bool grew() const { return grew_; }         // the last reading had a new segment or part

 private:
  void compare(const MediaPlaylist& now, Findings& findings) const;
  void note_growth(const MediaPlaylist& now, ReadingTime time, Findings& findings);
  // What came late, and whether it could have come before.
  void note_late(const MediaPlaylist& now, Findings late, Findings& findings);
  void settle_late(const MediaPlaylist& now, Findings& findings);
  // Tells once that until `when` there was no new segment for too long.
  void stalled(Micros when, Findings& findings);

  std::optional<MediaPlaylist> last_;
  ReadingTime time_;
  bool grew_ = false;
  Micros segment_seen_ = 0, part_seen_ = 0;  // when a reading with a new one was complete
  bool told_stalled_ = false;
  // A part that came late and is too short to stand before another one of its segment (4.4.4.9): no fault if
  // its source broke off behind it, which what follows tells.
  struct Late {
    Findings findings;
    uint64_t msn = 0;
    size_t parts = 0;  // with it, of its segment
  };
  std::optional<Late> late_;
};

// The whole playlist that `delta` is with what `before` has of the skipped segments. Error: they are not all
// there, or it is no delta update.
Result<MediaPlaylist> merge(const MediaPlaylist& before, const MediaPlaylist& delta);
// What a delta update skips that it must not; and whether it and a whole playlist read at about the same time
// say the same of the segments that both have.
Findings check_delta(const MediaPlaylist& delta, const MediaPlaylist& merged, const MediaPlaylist& whole);

}  // namespace headgate::conformance
