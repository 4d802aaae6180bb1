// SPDX-License-Identifier: LGPL-2.1-or-later
// /hls/<station>/<rendition>/…: playlists and media of a ladder's rungs. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <playlist/track_facts.h>
#include <playlist/view_meter.h>

#include "catalog.h"
#include "demand.h"
#include "live.h"
#include "media_files.h"
#include "reply.h"

namespace headgate::origin {

// A stream with derived renditions: its video and its audio apart, the rungs, its views. Empty: it has none.
// `everything`: of its replay, which must be there. `meters`: of its index and facts.
std::string ladder_playlist(Stream& stream, const playlist::TrackFacts& facts, bool everything,
                            playlist::ViewMeters& meters);

// Of what is live, of the replay; null: it has none.
const playlist::RenditionIndex* index_of(const Rendition& one, bool everything);

// A viewer who asks for one that nobody encoded waits for so many segments until it has something to play.
inline constexpr int kMaxHolds = 4;

class RenditionSite {
 public:
  RenditionSite(Catalog& catalog, MediaFiles& media, Live& live, Demand& demand)
      : catalog_(catalog), media_(media), live_(live), demand_(demand) {}

  void answer(const AnswerPtr& answer, uint32_t station, const std::string& rendition,
              const std::string& name, const std::string& query);

 private:
  // Calls `send` when there is something to play at its end, or it does not come.
  static void hold(const AnswerPtr& answer, const LiveEnd& end, std::optional<uint64_t> until,
                   std::function<void()> send);
  using Send = std::function<bool(const playlist::RenditionIndex& index)>;
  // `send` with the live index, and, where that has it not any more, with the replay's.
  // `msn`: of the segment that is wanted; the archive is not read for one that is still to come.
  void from_any(const AnswerPtr& answer, uint32_t station, const std::string& rendition,
                std::optional<uint64_t> msn, Send send);

  Catalog& catalog_;
  MediaFiles& media_;
  Live& live_;
  Demand& demand_;
};

}  // namespace headgate::origin
