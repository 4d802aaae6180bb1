// SPDX-License-Identifier: LGPL-2.1-or-later
// The small pictures of a stream, a rendition of one JPEG for each segment: as a playlist, as sheets of
// kSheetPictures small tiles, and as a storyboard for players that read WebVTT. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
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

// EXT-X-I-FRAME-STREAM-INF of that playlist; empty: there is no picture. `ended`: none will follow, and rates
// are what they were, not what is expected (expected_rates.h).
std::string picture_variant(const StreamIndex& stream, const StreamIndex& pictures, const std::string& uri,
                            bool ended);

// Sheet N has the pictures of segments N * kSheetPictures and what follows, a tile for each number, row by
// row from the top left.
inline constexpr uint32_t kSheetColumns = 5, kSheetRows = 5;
inline constexpr uint64_t kSheetPictures = uint64_t{kSheetColumns} * kSheetRows;
// The longer side of a tile, of pictures that are larger; a tile of others is as large as they are.
inline constexpr uint32_t kTileSide = 160;
// Of a picture's sides: larger ones stand on no sheet.
inline constexpr uint32_t kMaxPictureSide = 8 * kTileSide;

// A picture in so many eighths of its size, which is what a JPEG can be decoded in; at least one pixel each
// way.
struct TileSize {
  uint32_t eighths = 8, width = 0, height = 0;
  bool operator==(const TileSize&) const = default;
};
// Nothing: no tile is made of pictures of this size.
std::optional<TileSize> tile_size(uint32_t width, uint32_t height);

struct Sheet {
  uint32_t picture_width = 0, picture_height = 0;
  TileSize tile;
  // By number; null: there is none, or it is of another size and stands on no sheet. They are `pictures`'s.
  std::array<const Segment*, kSheetPictures> pictures{};
  uint64_t bytes = 0;  // of all of them, which are more than the sheet will have
};
// What is on a sheet of `pictures`, which never changes any more: nothing while pictures of these numbers may
// still come. Its tiles are as large as its last picture's. Nothing also where there is no picture at all.
std::optional<Sheet> sheet_of(const StreamIndex& pictures, uint64_t number);

// 3 -> "sheet-3.jpg".
std::string sheet_uri(uint64_t number);

// A cue for each picture: where it stands on its sheet (Media Fragments, 4.2.2: "#xywh="), or by itself while
// that is not complete. Time 0 is the beginning of the stream's first segment, and goes on by their
// durations: that is the time of a player of a playlist that lists all of `stream`. `pictures` has the same
// numbers; what it has not, or has as a gap, is a segment without a picture.
std::string storyboard(const StreamIndex& stream, const StreamIndex& pictures,
                       const std::string& prefix = "");

// The same of a stream that goes on, asked for again and again: cues of sheets that are complete are made
// once. Each time the same indexes and prefix; forget() comes before others.
class Storyboard {
 public:
  std::string text(const StreamIndex& stream, const StreamIndex& pictures, const std::string& prefix);
  void forget();
  // Segments that all calls together have looked at.
  uint64_t looked_at() const { return looked_at_; }

 private:
  std::string text_;  // of all segments before next_
  uint64_t next_ = 0;
  int64_t at_ = 0;      // when next_ begins
  uint64_t first_ = 0;  // the stream's first segment, at which time is 0
  uint64_t epoch_ = 0, pictures_epoch_ = 0;
  uint64_t looked_at_ = 0;
};

}  // namespace headgate::playlist
