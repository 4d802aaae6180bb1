// SPDX-License-Identifier: LGPL-2.1-or-later
#include "open_segment.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

namespace headgate::origin {
namespace {

// A segment of which the parts before `next` have gone.
class Growing : public std::enable_shared_from_this<Growing> {
 public:
  Growing(MediaFiles& media, const LiveEnd& stream, const playlist::PartRecord& first, size_t sent,
          playlist::View view, std::string whose)
      : media_(media),
        stream_(stream),
        view_(view),
        whose_(std::move(whose)),
        file_(first.file),
        offset_(first.offset),
        next_{first.msn, static_cast<uint32_t>(sent)} {
    note_sent(parts().first(std::min(sent, parts().size())));
  }
  ~Growing() { stream_.edge().cancel(waiter_); }
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;

  void grow(const OnPiece& next);

 private:
  // Its parts as they are known: not those of a later run's segment with its number.
  std::span<const playlist::PartRecord> parts() const {
    const auto found = stream_.index().parts_of(next_.msn);
    const bool same = !found.empty() && found.front().file == file_ && found.front().offset == offset_;
    return same ? found : std::span<const playlist::PartRecord>();
  }

  void note_sent(std::span<const playlist::PartRecord> parts) {
    for (const playlist::PartRecord& part : parts)
      if (part.length > 0) end_ = part.offset + part.length;
  }
  bool is_late() const { return stream_.is_late(next_.msn); }
  const playlist::SegmentRecord* all() const;
  void finish(const OnPiece& next);
  LiveEdge::Done then(const OnPiece& next);

  MediaFiles& media_;
  const LiveEnd stream_;
  const playlist::View view_;
  const std::string whose_;
  const std::string file_;
  const uint64_t offset_;
  uint64_t end_ = 0;  // of what was sent
  playlist::PartName next_;
  LiveEdge::WaiterId waiter_ = 0;
};

void Growing::grow(const OnPiece& next) {
  const auto known = parts();
  if (next_.index < known.size()) {
    const auto fresh = known.subspan(next_.index);
    auto pieces = pieces_of(fresh, view_);
    next_.index = static_cast<uint32_t>(known.size());
    note_sent(fresh);
    if (!pieces.empty()) return next(media_.find(file_, std::move(pieces)));
  }
  const playlist::StreamIndex& index = stream_.index();
  const bool open =
      !known.empty() && stream_.state() != State::ended && playlist::hinted_part(index) == next_;
  const bool gone = known.empty() && stream_.unlisted(next_.msn) == nullptr;
  const playlist::SegmentRecord* const whole = all();
  const bool sent = whole != nullptr && end_ >= whole->offset + whole->length;
  if (!open && gone && !sent && index.next_msn().value_or(0) > next_.msn)
    return next(Unexpected(ENODATA, file_ + ": parts have left before they were sent"));
  if (!open && (!is_late() || stream_.state() == State::ended)) return finish(next);
  waiter_ = open ? stream_.edge().wait_within_run(next_, whose_, then(next))
                 : stream_.edge().wait_until([this] { return !is_late(); }, whose_, then(next));
  if (waiter_ == 0) next(Unexpected(EBUSY, "too many are waiting"));
}

LiveEdge::Done Growing::then(const OnPiece& next) {
  return [weak = weak_from_this(), next](LiveEdge::Outcome outcome) {
    const auto self = weak.lock();
    if (!self) return;
    self->waiter_ = 0;
    if (outcome == LiveEdge::Outcome::late)
      return next(Unexpected(EBUSY, self->file_ + ": a part has not come in time"));
    self->grow(next);
  };
}

// The segment, when it has ended; null: it has not, or that number is another one's now.
const playlist::SegmentRecord* Growing::all() const {
  const playlist::Unlisted* late = stream_.unlisted(next_.msn);
  const playlist::Segment* listed = stream_.index().find_segment(next_.msn);
  const playlist::SegmentRecord* found = late ? &late->segment : listed ? &listed->record : nullptr;
  const bool same = found != nullptr && found->file == file_ && found->offset == offset_;
  return same ? found : nullptr;
}

// What came too late for a part of its own to be listed is behind the others.
void Growing::finish(const OnPiece& next) {
  const playlist::SegmentRecord* const whole = all();
  if (view_ != playlist::View::whole || whole == nullptr || end_ >= whole->offset + whole->length)
    return next(FileRange{});
  const uint64_t from = std::exchange(end_, offset_ + whole->length);
  next(media_.find(file_, from, end_ - from));
}

}  // namespace

std::vector<fmp4::ByteRange> pieces_of(std::span<const playlist::PartRecord> parts, playlist::View view) {
  std::vector<fmp4::ByteRange> out;
  const uint32_t track = view == playlist::View::audio ? playlist::kAudioTrack : playlist::kVideoTrack;
  for (const playlist::PartRecord& part : parts) {
    if (view == playlist::View::whole && part.length > 0) out.push_back({part.offset, part.length});
    for (const playlist::ChunkRange& chunk : part.chunks)
      if (view != playlist::View::whole && chunk.track_id == track)
        out.push_back({chunk.offset, chunk.length});
  }
  return out;
}

Growth growth(MediaFiles& media, const LiveEnd& stream, const playlist::PartRecord& first, size_t sent,
              playlist::View view, const std::string& whose) {
  return [growing = std::make_shared<Growing>(media, stream, first, sent, view, whose)](const OnPiece& next) {
    growing->grow(next);
  };
}

bool Live::open_segment(const AnswerPtr& answer, const LiveEnd& stream, uint64_t msn, playlist::View view) {
  const auto hinted = playlist::hinted_part(stream.index());
  const auto parts = stream.index().parts_of(msn);
  const playlist::Unlisted* late = stream.unlisted(msn);
  const bool grows =
      (hinted && hinted->msn == msn) || (late != nullptr && late->kind == playlist::Unlisted::Kind::growing);
  if (stream.state() == State::ended || !grows || parts.empty()) return false;
  auto pieces = pieces_of(parts, view);
  if (pieces.empty()) return wait_for_track(answer, stream, *hinted, view);
  auto range = media_.find(parts.front().file, std::move(pieces));
  Reply reply;
  if (!range) {
    reply = media_error_reply(range.error());
  } else {
    reply.type = media_type(stream.index().newest_init(), view);
    reply.cache = kCacheShort;  // it may end before it is whole
    reply.any_origin = true;
    reply.file = *std::move(range);
    reply.more = growth(media_, stream, parts.front(), parts.size(), view, answer->whose());
  }
  answer->send(std::move(reply));
  return true;
}

// No part has anything of it yet.
bool Live::wait_for_track(const AnswerPtr& answer, const LiveEnd& stream, const playlist::PartName& next,
                          playlist::View view) {
  const auto waiter =
      stream.edge().wait_within_run(next, answer->whose(), [this, answer, stream, next, view](auto outcome) {
        if (outcome == LiveEdge::Outcome::late) return answer->send(late_reply());
        if (!open_segment(answer, stream, next.msn, view))
          answer->send(not_there_reply("This segment has nothing of that."));
      });
  waits(answer, stream.edge(), waiter);
  return true;
}

}  // namespace headgate::origin
