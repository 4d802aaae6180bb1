// SPDX-License-Identifier: LGPL-2.1-or-later
// /hls/<station>/<rendition>/…: playlists and media of a ladder's rungs. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <playlist/track_facts.h>

#include "catalog.h"
#include "live.h"
#include "media_files.h"
#include "reply.h"

namespace headgate::origin {

// A stream with derived renditions: its video and its audio apart, the rungs, its views. Empty: it has none.
// `everything`: of its replay, which must be there.
std::string ladder_playlist(Stream& stream, const playlist::TrackFacts& facts, bool everything);

class RenditionSite {
 public:
  RenditionSite(Catalog& catalog, MediaFiles& media, Live& live)
      : catalog_(catalog), media_(media), live_(live) {}

  void answer(const AnswerPtr& answer, uint32_t station, const std::string& rendition,
              const std::string& name, const std::string& query);

 private:
  using Send = std::function<bool(const playlist::StreamIndex& index)>;
  // `send` with the live index, and, where that has it not any more, with the replay's.
  void from_any(const AnswerPtr& answer, uint32_t station, const std::string& rendition, Send send);
  bool send_range(const AnswerPtr& answer, const std::string& file, uint64_t offset, uint64_t length,
                  const std::string& etag);

  Catalog& catalog_;
  MediaFiles& media_;
  Live& live_;
};

}  // namespace headgate::origin
