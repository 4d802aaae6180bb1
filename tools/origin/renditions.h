// SPDX-License-Identifier: LGPL-2.1-or-later
// /hls/<station>/<rendition>/…: playlists and media of a ladder's rungs. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <playlist/track_facts.h>

#include "catalog.h"
#include "live.h"
#include "media_files.h"
#include "reply.h"

namespace headgate::origin {

// A stream with derived renditions: its video and its audio apart, the rungs, its views. Empty: it has none.
// `everything`: of its replay, which must be there.
std::string ladder_playlist(Stream& stream, const playlist::TrackFacts& facts, bool everything);

// A worker is told again of a rendition that is encoded on demand, while viewers ask for it.
inline constexpr int64_t kWantAgainMs = 1000;
// A viewer who asks for one that nobody encoded waits for so many changes until it has something to play.
inline constexpr int kMaxHolds = 4;

class RenditionSite {
 public:
  // Asks the worker of a session for a rendition.
  using Want = std::function<void(uint32_t worker, uint64_t session, const std::string& rendition)>;
  RenditionSite(Catalog& catalog, MediaFiles& media, Live& live, Want want)
      : catalog_(catalog), media_(media), live_(live), want_(std::move(want)) {}

  void answer(const AnswerPtr& answer, uint32_t station, const std::string& rendition,
              const std::string& name, const std::string& query);

 private:
  // True: it is encoded on demand, and was not.
  bool ask_for(const Stream& stream, const std::string& name, Rendition& one);
  // Calls `send` when there is something to play at its end, or it does not come.
  static void hold(const AnswerPtr& answer, const LiveEnd& end, int holds, std::function<void()> send);
  using Send = std::function<bool(const playlist::StreamIndex& index)>;
  // `send` with the live index, and, where that has it not any more, with the replay's.
  // `msn`: of the segment that is wanted; the archive is not read for one that is still to come.
  void from_any(const AnswerPtr& answer, uint32_t station, const std::string& rendition,
                std::optional<uint64_t> msn, Send send);
  bool send_range(const AnswerPtr& answer, const std::string& file, uint64_t offset, uint64_t length,
                  const std::string& etag);

  Catalog& catalog_;
  MediaFiles& media_;
  Live& live_;
  Want want_;
};

}  // namespace headgate::origin
