// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream's renditions in a folder that any web server can serve: a media playlist for each, and index.m3u8,
// which lists them. What a rendition has not of its source's segments is a gap in its playlist, as soon as it
// is certain (playlist/rendition_index.h): of one that is paused, each of them. Knows no GStreamer.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <base/result.h>
#include <playlist/record.h>
#include <playlist/rendition_index.h>

#include "publisher.h"

namespace headgate::abrhlssink {

// Players read index.m3u8 once: it is not written before all that is to be in it has a segment, or the source
// has so many.
inline constexpr size_t kMostAwaited = 3;

struct FolderSettings {
  PublishSettings publish;           // of the source's playlist; the renditions' likewise
  std::string audio;                 // the rendition that goes with pictures without sound; empty: none
  bool own_renditions = true;        // renditions' media lies under `location` (PublishSettings::own_media)
  std::set<std::string> expected{};  // renditions that are to be in index.m3u8
};

// Not thread-safe. Errors are told and nothing else changes: the next call tries again.
class Folder {
 public:
  explicit Folder(FolderSettings settings);
  // `rendition` empty: the source.
  Result<void> add(const std::string& rendition, const playlist::Record& record);
  // A record of a source that has no playlist: where segments lie. Those of one that has are follow()ed by
  // add().
  void follow(const playlist::Record& record);
  // It will not be made of this source: index.m3u8 does not wait for it.
  void forgo(const std::string& rendition) { settings_.expected.erase(rendition); }
  // Writes what has changed. `ended`: nothing will follow.
  Result<void> publish(bool ended);

 private:
  struct Rendition {
    playlist::RenditionIndex index;
    Publisher out;
    bool is_listed() const { return index.has_media() || out.has_published(); }
  };
  Rendition& rendition(const std::string& name);
  bool awaits_any() const;
  std::string multivariant(bool ended) const;

  FolderSettings settings_;
  playlist::StreamIndex source_;
  Publisher source_out_;
  playlist::StreamIndex timeline_;  // the source as renditions follow it: without parts, which are not listed
  uint64_t runs_ = 0;               // of timeline_
  std::map<std::string, Rendition> renditions_;
  std::string published_;  // index.m3u8 as it is
};

}  // namespace headgate::abrhlssink
