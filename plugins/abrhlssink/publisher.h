// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream's index and its playlists in a folder: index.m3u8 and media.m3u8 with byte ranges into the media
// files, each replaced whole. Knows no GStreamer.
#pragma once

#include <deque>
#include <string>

#include <base/bytes.h>
#include <base/result.h>
#include <playlist/record.h>
#include <playlist/stream_index.h>

namespace headgate::abrhlssink {

struct PublishSettings {
  std::string location;        // empty: only the index is kept
  std::string uri_prefix;      // before the media's names
  int64_t window_ms = 60'000;  // 0: everything
  // The media lies under `location` and is this element's own: its open file gets its final name at once (a
  // link to the name that the store gives it until it is closed), and what has left the window is removed.
  bool own_media = false;
};

// Not thread-safe. Errors are told and nothing else changes: the next call tries again.
class Publisher {
 public:
  explicit Publisher(PublishSettings settings);
  Result<void> add(const playlist::Record& record);
  // Writes the playlists if they have changed. `ended`: nothing will follow.
  Result<void> publish(bool ended);
  const playlist::StreamIndex& index() const { return index_; }

 private:
  struct MediaFile {
    std::string name;
    int64_t end_pts = 0;  // of its last segment
  };
  Result<void> link_open_file(const std::string& file);
  Result<void> remove_old();

  PublishSettings settings_;
  playlist::StreamIndex index_;
  uint64_t published_version_ = 0;
  bool ended_ = false;
  std::deque<MediaFile> files_;  // own media, oldest first
};

}  // namespace headgate::abrhlssink
