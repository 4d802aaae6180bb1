// SPDX-License-Identifier: LGPL-2.1-or-later
// A rendition's media playlist in a folder, with byte ranges into the media files, replaced whole, and the
// files. Knows no GStreamer.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include <base/bytes.h>
#include <base/result.h>
#include <playlist/record.h>
#include <playlist/stream_index.h>

namespace headgate::abrhlssink {

// A file, whole or not at all for readers. Not synced: a playlist is worth nothing after a crash.
Result<void> replace_text(const std::string& path, std::string_view text);

struct PublishSettings {
  std::string location;    // empty: only the index is kept
  std::string uri_prefix;  // before the media's names
  std::string media_name = "media.m3u8";
  int64_t window_ms = 60'000;  // 0: everything
  // The media lies under `location` and is this element's own: its open file gets its final name at once (a
  // link to the name that the store gives it until it is closed), and what has left the window is removed.
  bool own_media = false;
};

// Not thread-safe. Errors are told and nothing else changes: the next call tries again.
class Publisher {
 public:
  explicit Publisher(PublishSettings settings) : settings_(std::move(settings)) {}
  // A record of what is published, that `index` has taken.
  Result<void> note(const playlist::Record& record, const playlist::StreamIndex& index);
  // Writes the playlist if it has changed; `index` is always the same. `ended`: nothing will follow.
  Result<void> publish(const playlist::StreamIndex& index, bool ended);
  // There is a playlist: it is kept up from then on.
  bool has_published() const { return published_version_ > 0; }

 private:
  struct MediaFile {
    std::string name;
    int64_t end = 0;  // of its last segment, in noted_
  };
  Result<void> link_open_file(const std::string& file);
  Result<void> remove_old(const playlist::StreamIndex& index);

  PublishSettings settings_;
  uint64_t published_version_ = 0;
  bool ended_ = false;
  std::deque<MediaFile> files_;  // own media, oldest first
  // Ticks of all segments so far, one behind the other: so playlists count, whatever lies between them.
  int64_t noted_ = 0;
};

}  // namespace headgate::abrhlssink
