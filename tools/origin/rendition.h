// SPDX-License-Identifier: LGPL-2.1-or-later
// A derived rendition of a stream, a ladder's rung: its segments beside the stream's own, and who waits for
// them. Loop's thread.
#pragma once

#include <cstdint>
#include <optional>

#include <base/loop.h>
#include <playlist/rendition_index.h>

#include "live_edge.h"

namespace headgate::origin {

struct Rendition {
  Rendition(Loop& loop, const playlist::IndexSettings& window) : live(window), edge(loop, live.index()) {}

  playlist::RenditionIndex live;
  LiveEdge edge;                                   // of `live`
  std::optional<playlist::RenditionIndex> replay;  // while the stream has its replay
  // Of one that is encoded on demand (demand.h), CLOCK_BOOTTIME; INT64_MIN: never.
  int64_t wanted_us = INT64_MIN;   // when its worker was last told of a viewer
  int64_t granted_us = INT64_MIN;  // when that began
  int64_t refused_us = INT64_MIN;  // when there was no room for it; INT64_MIN also: it was granted since
  bool leaves = false;             // it makes way for another, and is not asked for until it has stopped
};

}  // namespace headgate::origin
