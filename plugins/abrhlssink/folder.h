// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream's renditions in a folder that any web server can serve: a media playlist for each, and index.m3u8,
// which lists them. Knows no GStreamer.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <base/result.h>
#include <playlist/record.h>

#include "publisher.h"

namespace headgate::abrhlssink {

struct FolderSettings {
  PublishSettings publish;     // of the source's playlist; the renditions' likewise
  std::string audio;           // the rendition that goes with pictures without sound; empty: none
  bool own_renditions = true;  // renditions' media lies under `location` (PublishSettings::own_media)
};

// Not thread-safe. Errors are told and nothing else changes: the next call tries again.
class Folder {
 public:
  explicit Folder(FolderSettings settings);
  // `rendition` empty: the source.
  Result<void> add(const std::string& rendition, const playlist::Record& record);
  // Writes what has changed. `ended`: nothing will follow.
  Result<void> publish(bool ended);
  const playlist::StreamIndex& source() const { return source_.index(); }

 private:
  Publisher* rendition(const std::string& name);
  std::string multivariant() const;

  FolderSettings settings_;
  Publisher source_;
  std::map<std::string, std::unique_ptr<Publisher>> renditions_;
  std::string published_;  // index.m3u8 as it is
};

}  // namespace headgate::abrhlssink
