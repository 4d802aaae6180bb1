// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers to what players ask of a stream's live end: playlists with delivery directives (RFC 8216bis,
// 6.2.5), parts, and what is not there yet. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog.h"
#include "live_edge.h"
#include "media_files.h"
#include "reply.h"

namespace headgate::origin {

// "<letter><msn>.<index>.m4s"; none: another name.
struct PartRequest {
  playlist::View view = playlist::View::whole;
  playlist::PartName name;
};
std::optional<PartRequest> part_request(const std::string& name);

// A stream's own end, or that of a derived rendition: both live as long as the node's origin.
class LiveEnd {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  LiveEnd(Stream& stream) : stream_(&stream), index_(&stream.index()), edge_(&stream.edge()) {}
  LiveEnd(Stream& stream, Rendition& rendition)
      : stream_(&stream),
        rendition_(&rendition.live),
        index_(&rendition.live.index()),
        edge_(&rendition.edge) {}
  const playlist::StreamIndex& index() const { return *index_; }
  LiveEdge& edge() const { return *edge_; }
  State state() const { return stream_->state(); }
  // It comes too late for playlists, and there is more to come.
  bool is_late(uint64_t msn) const { return rendition_ != nullptr && rendition_->is_late(msn); }
  // What playlists call a gap, and is there; null: nothing.
  const playlist::Unlisted* unlisted(uint64_t msn) const {
    return rendition_ != nullptr ? rendition_->find_unlisted(msn) : nullptr;
  }
  // As it is now; null: there is nothing to list.
  TextPtr playlist(const LiveEdge::Which& which) const;

 private:
  // How far the stream's other live playlists are; this one is `view` of its index.
  LiveEdge::Reports reports(playlist::View view) const;

  Stream* stream_;
  const playlist::RenditionIndex* rendition_ = nullptr;
  const playlist::StreamIndex* index_;
  LiveEdge* edge_;
};

// The media type of a view of what begins with `init` (RFC 4337, 2): of sound alone it is audio/mp4. Null:
// not known, and taken for one with pictures.
const char* media_type(const playlist::InitRecord* init, playlist::View view = playlist::View::whole);
// Likewise, by the id of one of the index'.
const char* media_type(const playlist::StreamIndex& index, const std::string& init_id);
// 503: what was waited for does not come.
Reply late_reply();
// Somebody was given to an edge as `waiter`, or not (0).
void waits(const AnswerPtr& answer, LiveEdge& edge, LiveEdge::WaiterId waiter);

class Live {
 public:
  explicit Live(MediaFiles& media) : media_(media) {}

  // What a playlist request's query (without the "?") asks for is there: `send` is called, now or later, with
  // whether a delta update is wanted, and whether the request was for something that is never asked for
  // again.
  using Send = std::function<void(bool skip, bool unique)>;
  void when_there(const AnswerPtr& answer, const LiveEnd& stream, const std::string& query, Send send);
  static void send_playlist(const AnswerPtr& answer, const LiveEnd& stream, const LiveEdge::Which& which,
                            bool unique);
  // A part that is there, or hinted.
  void part(const AnswerPtr& answer, const LiveEnd& stream, const PartRequest& request);
  // The segment that is being written, as its parts come (open_segment.h). False: it is not that one, or has
  // no part yet, and nothing was done.
  bool open_segment(const AnswerPtr& answer, const LiveEnd& stream, uint64_t msn, playlist::View view);

 private:
  bool wait_for_track(const AnswerPtr& answer, const LiveEnd& stream, const playlist::PartName& next,
                      playlist::View view);
  void send_part(const AnswerPtr& answer, const playlist::StreamIndex& index,
                 const playlist::PartRecord& part, playlist::View view);

  MediaFiles& media_;
};

}  // namespace headgate::origin
