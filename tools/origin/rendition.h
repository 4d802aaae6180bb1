// SPDX-License-Identifier: LGPL-2.1-or-later
// A derived rendition of a stream, a ladder's rung: its segments beside the stream's own, and who waits for
// them. Loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <base/loop.h>
#include <playlist/live_playlist.h>
#include <playlist/rendition_index.h>
#include <playlist/storyboard.h>

#include "live_edge.h"
#include "text.h"

namespace headgate::origin {

// A playlist of everything that an index has; what of it was text once is not made again.
class ReplayText {
 public:
  // Each time the same index; forget() comes before another one.
  const TextPtr& get(const playlist::StreamIndex& index, const playlist::MediaPlaylistSettings& settings,
                     bool any) {
    return text_.get({index.segments_version(), static_cast<uint64_t>(settings.type), any, 0},
                     [&] { return any ? lines_.text(index, settings) : std::string(); });
  }
  void forget() {
    text_.forget();
    lines_.forget();
  }

 private:
  playlist::LivePlaylist lines_;
  KeptText text_;
};

struct Rendition {
  Rendition(Loop& loop, WaitingRoom& room, const playlist::IndexSettings& window)
      : live(window), edge(loop, room, live.index()) {}

  playlist::RenditionIndex live;
  LiveEdge edge;                                   // of `live`
  std::optional<playlist::RenditionIndex> replay;  // while the stream has its replay
  ReplayText replay_text;                          // of `replay`
  // Where it is the stream's pictures (pictures.h), of its replay.
  KeptText storyboard;
  playlist::Storyboard cues;
  // When `live` was seen to have changed last, CLOCK_BOOTTIME, and its version then.
  int64_t grown_us = 0;
  uint64_t grown_version = 0;
  // Of one that is encoded on demand (demand.h), CLOCK_BOOTTIME; INT64_MIN: never.
  int64_t wanted_us = INT64_MIN;   // when a viewer last asked and its worker was told
  uint64_t wanted_session = 0;     // of which it was told last
  int64_t granted_us = INT64_MIN;  // when that began
  int64_t refused_us = INT64_MIN;  // when there was no room for it; INT64_MIN also: it was granted since
  bool leaves = false;             // it makes way for another, and is not asked for until it has stopped
};

}  // namespace headgate::origin
