// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the segment that is being written will last, by those before it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <playlist/stream_index.h>

namespace headgate::playlist {

// Times of one segment on a track's own clock.
struct Span {
  int64_t start = 0, duration = 0;
  int64_t end() const { return start + duration; }
};

// What most of the last ones last: their median. None: there are too few, or they are not alike.
std::optional<int64_t> usual_duration(std::span<const Segment* const> segments);

// The audio of a segment whose video ends at `video_end`, behind that of segments `before` (at least one): it
// ends with the frame that begins before then (fmp4::Packager). All in ticks of `timescale`.
Span following_audio(std::span<const Span> before, int64_t video_end, uint32_t timescale);

}  // namespace headgate::playlist
