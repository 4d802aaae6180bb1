// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live.h"

#include <charconv>
#include <utility>
#include <vector>

#include "open_segment.h"
#include "pictures.h"

namespace headgate::origin {
namespace {

constexpr char kNotToBe[] = "This part was not to be.";

template <typename T>
bool take_number(std::string_view& text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const auto digits = static_cast<size_t>(end - text.data());
  if (error != std::errc() || (digits > 1 && text[0] == '0')) return false;
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

Reply problem(unsigned status, const std::string& text) {
  Reply reply = text_reply(status, text);
  reply.any_origin = true;
  return reply;
}

}  // namespace

const char* media_type(const playlist::InitRecord* init, playlist::View view) {
  const bool sound_alone = init && init->width == 0 && init->channels > 0;
  return sound_alone || view == playlist::View::audio ? kTypeAudio : kTypeMedia;
}

const char* media_type(const playlist::StreamIndex& index, const std::string& init_id) {
  const auto found = index.inits().find(init_id);
  return media_type(found != index.inits().end() ? &found->second : nullptr);
}

Reply late_reply() {
  return problem(SOUP_STATUS_SERVICE_UNAVAILABLE, "This has not come in time.");
}

void waits(const AnswerPtr& answer, LiveEdge& edge, LiveEdge::WaiterId waiter) {
  if (waiter == 0)
    return answer->send(problem(SOUP_STATUS_SERVICE_UNAVAILABLE, "Too many are waiting; try again."));
  answer->note_wait();
  answer->when_gone([&edge, waiter] { edge.cancel(waiter); });
}

TextPtr LiveEnd::playlist(const LiveEdge::Which& which) const {
  if (index_->segments().empty()) return nullptr;
  return edge_->playlist(which, state() == State::ended, stream_->version(),
                         [this, &which] { return reports(which.view); });
}

LiveEdge::Reports LiveEnd::reports(playlist::View view) const {
  using playlist::View;
  LiveEdge::Reports out;
  const bool own = index_ == &stream_->index();
  const auto add = [&](const std::string& uri, const playlist::StreamIndex& index) {
    const uint64_t next = index.next_msn().value_or(0);
    const uint64_t last = index.parts_of(next).empty() && next > 0 ? next - 1 : next;
    const size_t parts = index.part_target_ms() > 0 ? index.parts_of(last).size() : 0;
    out.push_back({own ? uri : "../" + uri, last,
                   parts > 0 ? std::optional(static_cast<uint32_t>(parts - 1)) : std::nullopt});
  };
  const playlist::InitRecord* init = stream_->index().newest_init();
  const bool both = init && init->width > 0 && init->channels > 0;
  if (!own || view != View::whole) add("media.m3u8", stream_->index());
  if (both && (!own || view != View::audio)) add("audio.m3u8", stream_->index());
  if (both && !stream_->renditions().empty() && (!own || view != View::video))
    add("video.m3u8", stream_->index());
  // None of I-frame playlists: of them it would have to be all (B.1).
  // One of each that index.m3u8 lists, also of those that nobody has asked for yet.
  for (const auto& [name, one] : stream_->renditions()) {
    const playlist::RenditionIndex& rung = one->live;
    if (index_ == &rung.index() || name == kPictures) continue;
    const std::string uri = name + "/media.m3u8";
    if (!rung.index().segments().empty())
      add(uri, rung.index());
    else if (const auto part = rung.will_reach(); part && rung.told())
      out.push_back({own ? uri : "../" + uri, part->msn, part->index});
  }
  return out;
}

std::optional<PartRequest> part_request(const std::string& name) {
  PartRequest out;
  std::string_view text = name;
  if (take(text, "v"))
    out.view = playlist::View::video;
  else if (take(text, "a"))
    out.view = playlist::View::audio;
  const bool good = take_number(text, out.name.msn) && take(text, ".") && take_number(text, out.name.index) &&
                    text == ".m4s";
  return good ? std::optional(out) : std::nullopt;
}

void Live::send_playlist(const AnswerPtr& answer, const LiveEnd& stream, const LiveEdge::Which& which,
                         bool unique) {
  Reply reply = playlist_reply(stream.playlist(which));
  // A stream that has ended may go on.
  if (reply.text) reply.cache = unique && stream.state() != State::ended ? kCacheBlocked : kCacheShort;
  answer->send(std::move(reply));
}

void Live::when_there(const AnswerPtr& answer, const LiveEnd& stream, const std::string& query, Send send) {
  const auto directives = playlist::parse_directives(query);
  if (!directives) return answer->send(problem(SOUP_STATUS_BAD_REQUEST, directives.error().message));
  const auto& index = stream.index();
  const bool skip = directives->skip;
  // Without any media there is nothing to list, whoever waits.
  if (!directives->msn || stream.state() == State::ended || index.segments().empty())
    return send(skip, false);
  const uint64_t msn = *directives->msn;
  if (playlist::has(index, msn, directives->part)) return send(skip, true);
  if (playlist::too_far_ahead(index, msn, directives->part))
    return answer->send(problem(SOUP_STATUS_BAD_REQUEST, "This is too far ahead of the stream."));
  const auto waiter = stream.edge().wait(msn, directives->part, answer->whose(),
                                         [answer, skip, send = std::move(send)](auto outcome) {
                                           if (outcome == LiveEdge::Outcome::late)
                                             return answer->send(late_reply());
                                           send(skip, true);
                                         });
  waits(answer, stream.edge(), waiter);
}

void Live::part(const AnswerPtr& answer, const LiveEnd& stream, const PartRequest& request) {
  const auto& [view, name] = request;
  if (const auto* part = stream.index().find_part(name.msn, name.index))
    return part->length > 0 ? send_part(answer, stream.index(), *part, view)
                            : answer->send(not_there_reply(kNotToBe));
  if (stream.state() == State::ended || playlist::next_part(stream.index()) != name)
    return answer->send(not_there_reply("There is no such part."));
  const auto waiter = stream.edge().wait_for_hinted(
      name, answer->whose(), [this, answer, stream, request](LiveEdge::Outcome outcome) {
        if (outcome == LiveEdge::Outcome::late) return answer->send(late_reply());
        const auto* part = stream.index().find_part(request.name.msn, request.name.index);
        if (!part || part->length == 0) return answer->send(not_there_reply(kNotToBe));
        send_part(answer, stream.index(), *part, request.view);
      });
  waits(answer, stream.edge(), waiter);
}

void Live::send_part(const AnswerPtr& answer, const playlist::StreamIndex& index,
                     const playlist::PartRecord& part, playlist::View view) {
  std::vector<fmp4::ByteRange> pieces = pieces_of({&part, 1}, view);
  std::string etag = "\"" + std::to_string(part.utc_us) + "-" + std::to_string(part.length);
  if (view != playlist::View::whole) etag += view == playlist::View::audio ? "a" : "v";
  if (pieces.empty()) return answer->send(not_there_reply("The part has nothing of this track."));
  answer->send(media_reply(media_.find(part.file, std::move(pieces)), media_type(index.newest_init(), view),
                           etag + "\""));
}

}  // namespace headgate::origin
