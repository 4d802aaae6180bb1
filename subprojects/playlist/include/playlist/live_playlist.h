// SPDX-License-Identifier: LGPL-2.1-or-later
// A playlist of a stream that lives, asked for again and again, of a window or a history that may be hours
// long: what has become text once, and does not change any more, is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include <playlist/hls.h>

namespace headgate::playlist {

class LivePlaylist {
 public:
  // media_playlist(index, settings), by `uri`, at the cost of what has come since the last call. Each time
  // the same index and the same view, prefix and facts, and either type `live` or another one; forget() comes
  // before another index.
  std::string text(const StreamIndex& index, const MediaPlaylistSettings& settings);
  void forget();

 private:
  struct Block {
    uint64_t msn;
    uint64_t begin;  // in all text there ever was
  };
  void settle(const StreamIndex& index, const MediaPlaylistSettings& settings, size_t begin, size_t end);
  void drop_before(uint64_t msn);

  std::string text_;          // of the segments in blocks_, one behind the other
  std::deque<Block> blocks_;  // in order; all segments from the first to the last one
  uint64_t dropped_ = 0;      // bytes that text_ begins behind
  uint64_t epoch_ = 0;        // of the index
};

}  // namespace headgate::playlist
