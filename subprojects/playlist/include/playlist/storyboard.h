// SPDX-License-Identifier: LGPL-2.1-or-later
// The small pictures of a stream, a rendition of one JPEG for each segment: as a playlist, and as a
// storyboard for players that read WebVTT. Pure.
#pragma once

#include <cstdint>
#include <string>

#include <playlist/hls.h>
#include <playlist/stream_index.h>

namespace headgate::playlist {

// 42 -> "42.jpg".
std::string picture_uri(uint64_t msn);

// The I-frame playlist (RFC 8216bis, 4.4.3.6) of the pictures, for players that know a track of them
// ("mjpg"), and for who finds pictures by their dates: `pictures` is the rendition's index (RenditionIndex),
// whose gaps are certain and whose segments last as long as the stream's. Without any picture: empty text.
// The live one with delivery directives is a LivePlaylist.
std::string picture_playlist(const StreamIndex& pictures, PlaylistType type, bool ended);

// EXT-X-I-FRAME-STREAM-INF of that playlist; empty: there is no picture.
std::string picture_variant(const StreamIndex& stream, const StreamIndex& pictures, const std::string& uri);

// Time 0 is the beginning of the stream's first segment, and goes on by their durations: that is the time of
// a player of a playlist that lists all of `stream`. `pictures` has the same numbers; what it has not, or has
// as a gap, is a segment without a picture.
std::string storyboard(const StreamIndex& stream, const StreamIndex& pictures,
                       const std::string& prefix = "");

}  // namespace headgate::playlist
