// SPDX-License-Identifier: LGPL-2.1-or-later
// HLS playlists (RFC 8216) as text, computed from a StreamIndex. Pure functions: the same index and settings
// give the same bytes.
#pragma once

#include <cstdint>
#include <string>

#include <playlist/stream_index.h>

namespace headgate::playlist {

// How a playlist names bytes.
enum class Addressing : uint8_t {
  uri,        // <msn>.m4s, init-<id>.mp4: something answers these from the index
  byte_range  // ranges of the archive's own files: any web server does
};

enum class PlaylistType : uint8_t {
  live,   // slides
  event,  // everything so far, still growing
  vod     // everything, complete: ENDLIST
};

struct MediaPlaylistSettings {
  PlaylistType type = PlaylistType::live;
  Addressing addressing = Addressing::uri;
  std::string prefix;     // put before every URI: "", "../", "https://…/"
  int64_t window_ms = 0;  // live only: this much from the live edge, at least three target durations
                          // (RFC 8216, 6.2.2) where there are so many; 0: what the index holds
  bool ended = false;     // ENDLIST: nothing will follow. (vod implies it)
};

// A live playlist lists what is numbered without a hole up to the live edge; event and vod list everything
// and number from the first listed segment's number.
std::string media_playlist(const StreamIndex& index, const MediaPlaylistSettings& settings);

struct MultivariantSettings {
  std::string media_uri = "media.m3u8";
};
// One variant: the index's newest init segment. Without any segment yet there is nothing to list: empty text.
std::string multivariant_playlist(const StreamIndex& index, const MultivariantSettings& settings = {});

// "0123456789abcdef" -> "init-0123456789abcdef.mp4"; 42 -> "42.m4s": what Addressing::uri writes.
std::string init_uri(const std::string& init_id);
std::string segment_uri(uint64_t msn);

}  // namespace headgate::playlist
