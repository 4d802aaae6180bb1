// SPDX-License-Identifier: LGPL-2.1-or-later
// HLS playlists (RFC 8216) as text, computed from a StreamIndex. Pure functions: the same index and settings
// give the same bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
inline constexpr uint32_t kVideoTrack = 1, kAudioTrack = 2;  // ChunkRange::track_id

// Of EXT-X-SERVER-CONTROL (RFC 8216bis, 4.4.3.8), in target durations: CAN-SKIP-UNTIL and HOLD-BACK; in part
// target durations: PART-HOLD-BACK.
inline constexpr int64_t kSkipTargets = 6, kHoldBackTargets = 3;

// EXT-X-RENDITION-REPORT: how far another rendition of the stream is.
struct RenditionReport {
  std::string uri;  // relative to the playlist's
  uint64_t last_msn = 0;
  std::optional<uint32_t> last_part;  // of last_msn; none: it lists no parts
  bool operator==(const RenditionReport&) const = default;
};

struct MediaPlaylistSettings {
  PlaylistType type = PlaylistType::live;
  Addressing addressing = Addressing::uri;
  std::string prefix{};  // put before every URI: "", "../", "https://…/"
  bool ended = false;    // ENDLIST: nothing will follow. (vod implies it)
  // Of another view than `whole`, with Addressing::uri: a segment that has nothing of it is an EXT-X-GAP, and
  // so is for key_frames one of which nothing is known.
  View view = View::whole;
  const TrackFacts* facts = nullptr;
  // Of a live playlist by uri whose server knows the delivery directives (directives.h): says so, and lists
  // parts, the one that is hinted, and `reports`, where the index promises a part's length.
  bool directives = false;
  bool skip = false;      // a Playlist Delta Update, where there is something to leave out
  bool pictures = false;  // each segment is one picture and has no parts: EXT-X-I-FRAMES-ONLY
  std::vector<RenditionReport> reports{};
};

// A live playlist lists segments from StreamIndex::live_begin() on; event and vod list everything and number
// from the first listed segment's number. EXT-X-PROGRAM-DATE-TIME stands before each segment, so that a line
// never changes when others leave. Byte ranges name files as records do (the one that is being written may
// still end in ".part" on disk) and find the init segment at the beginning of each.
std::string media_playlist(const StreamIndex& index, const MediaPlaylistSettings& settings);

struct MultivariantSettings {
  std::string media_uri = "media.m3u8";
  bool ended =
      false;  // nothing will follow: rates are what they were, not what is expected (expected_rates.h)
};
// One variant (multivariant.h): the index's newest init segment. Without any segment yet there is nothing to
// list: empty text.
std::string multivariant_playlist(const StreamIndex& index, const MultivariantSettings& settings = {});

// "0123456789abcdef" -> "init-0123456789abcdef.mp4"; 42 -> "42.m4s"; 42, 3 -> "42.3.m4s": what
// Addressing::uri writes.
std::string init_uri(const std::string& init_id);
std::string segment_uri(uint64_t msn);
std::string part_uri(uint64_t msn, uint32_t index);

}  // namespace headgate::playlist
