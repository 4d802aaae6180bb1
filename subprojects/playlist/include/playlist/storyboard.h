// SPDX-License-Identifier: LGPL-2.1-or-later
// The small pictures of a stream as a storyboard, for players that read WebVTT: a cue for each segment that
// has a picture, whose text is the picture's address. Pure.
#pragma once

#include <cstdint>
#include <string>

#include <playlist/stream_index.h>

namespace headgate::playlist {

// 42 -> "42.jpg".
std::string picture_uri(uint64_t msn);

// `pictures` has the stream's segments, those without a picture as gaps (RenditionIndex). Time 0 is the
// beginning of its first segment, and goes on by their durations: that is the time of a player of a playlist
// that lists them all.
std::string storyboard(const StreamIndex& pictures, const std::string& prefix = "");

}  // namespace headgate::playlist
