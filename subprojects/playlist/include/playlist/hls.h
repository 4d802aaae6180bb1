// SPDX-License-Identifier: LGPL-2.1-or-later
// HLS playlists (RFC 8216) as text, computed from a StreamIndex. Pure functions: the same index and settings
// give the same bytes.
#pragma once

#include <cstdint>
#include <string>

#include <playlist/stream_index.h>
#include <playlist/track_facts.h>

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

// What of a stream a playlist lists. A track's segments are the stream's, with the same numbers and times:
// "v42.m4s" and "a42.m4s" behind "vinit-<id>.mp4" and "ainit-<id>.mp4". Key frames are ranges of the stream's
// own segments (EXT-X-I-FRAMES-ONLY).
enum class View : uint8_t { whole, video, audio, key_frames };

struct MediaPlaylistSettings {
  PlaylistType type = PlaylistType::live;
  Addressing addressing = Addressing::uri;
  std::string prefix{};  // put before every URI: "", "../", "https://…/"
  bool ended = false;    // ENDLIST: nothing will follow. (vod implies it)
  // Of another view than `whole`, with Addressing::uri: a segment that has nothing of it is an EXT-X-GAP, and
  // so is for key_frames one of which nothing is known.
  View view = View::whole;
  const TrackFacts* facts = nullptr;
};

// A live playlist lists segments from StreamIndex::live_begin() on; event and vod list everything and number
// from the first listed segment's number. EXT-X-PROGRAM-DATE-TIME stands before each segment, so that a line
// never changes when others leave. Byte ranges name files as records do (the one that is being written may
// still end in ".part" on disk) and find the init segment at the beginning of each.
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
