// SPDX-License-Identifier: LGPL-2.1-or-later
#include "renditions.h"

#include <playlist/expected_rates.h>
#include <playlist/multivariant.h>
#include <playlist/rendition.h>
#include <playlist/storyboard.h>
#include <playlist/views.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "pictures.h"

namespace headgate::origin {
namespace {

using playlist::View;

constexpr char kNoRendition[] = "There is no such rendition of this stream.";
constexpr char kGap[] = "This rendition has a gap there.";
constexpr char kNoRoom[] =
    "This rendition is encoded on demand, and the node encodes as much as it can. The stream goes on as it "
    "was sent: see index.m3u8.";
constexpr char kNotStarted[] = "This rendition is encoded on demand, and has not begun in time. Ask again.";

// 503 with Retry-After: players take another variant, caches keep nothing.
Reply unavailable_reply(const char* why) {
  Reply reply = text_reply(SOUP_STATUS_SERVICE_UNAVAILABLE, why);
  reply.any_origin = true;
  return reply;
}

// "<front><middle><back>": the middle, as our own names have it.
std::optional<std::string> between(const std::string& name, std::string_view front, std::string_view back) {
  if (name.size() <= front.size() + back.size() || !name.starts_with(front) || !name.ends_with(back))
    return std::nullopt;
  return name.substr(front.size(), name.size() - front.size() - back.size());
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && (text.size() == 1 || text[0] != '0') ? std::optional(value) : std::nullopt;
}

// Also what playlists call a gap, unless more of it comes: docs/delivery.md, DASH.
std::optional<playlist::SegmentRecord> segment_of(const playlist::RenditionIndex& rendition, uint64_t msn) {
  const playlist::StreamIndex& index = rendition.index();
  const playlist::Segment* found = index.find_segment(msn);
  if (found && found->record.length > 0) return found->record;
  if (const playlist::Unlisted* late = rendition.find_unlisted(msn))
    return late->kind != playlist::Unlisted::Kind::growing ? std::optional(late->segment) : std::nullopt;
  const bool left = !index.run_open() && index.next_msn() == msn;
  const auto open = left ? index.open_segment() : std::nullopt;
  return open && open->record.length > 0 ? std::optional(open->record) : std::nullopt;
}

// The source, without its audio where it has some; `rates` are then its video's.
std::optional<playlist::Variant> source_variant(const playlist::StreamIndex& index,
                                                const playlist::Rates& rates, bool apart, bool ended,
                                                const std::string& front) {
  const std::string whole = front.empty() ? "media.m3u8" : "replay.m3u8";
  auto variant = playlist::variant_of(index, apart ? front + "video.m3u8" : whole, ended);
  if (!variant || !apart) return variant;
  if (rates.peak > 0) {
    variant->bandwidth = rates.peak;
    variant->average_bandwidth = rates.average;
  }
  variant->codecs = playlist::view_codecs(*index.newest_init(), View::video);
  variant->takes_audio = true;
  return variant;
}

}  // namespace

const playlist::RenditionIndex* index_of(const Rendition& one, bool everything) {
  if (!everything) return &one.live;
  return one.replay ? &*one.replay : nullptr;
}

std::string ladder_playlist(Stream& stream, const playlist::TrackFacts& facts, bool everything,
                            playlist::ViewMeters& meters) {
  const playlist::StreamIndex& index = everything ? *stream.replay() : stream.index();
  const playlist::InitRecord* init = index.newest_init();
  if (!init || index.segments().empty()) return {};
  const std::string front = everything ? "replay-" : "";
  const bool apart = init->width > 0 && init->channels > 0, ended = stream.state() == State::ended;
  const auto rates_of = [&](View view) {
    const playlist::Rates seen = meters.rates(index, facts, view);
    return ended ? seen : playlist::expected_rates(seen);
  };
  playlist::Multivariant out;
  for (const auto& [name, one] : stream.renditions()) {
    const playlist::RenditionIndex* rung = index_of(*one, everything);
    if (!rung || name == kPictures) continue;
    auto variant = playlist::variant_of(*rung, name + (everything ? "/replay.m3u8" : "/media.m3u8"), ended);
    if (!variant) continue;
    variant->takes_audio = apart && variant->width > 0;
    out.variants.push_back(*std::move(variant));
  }
  if (out.variants.empty()) return {};
  std::stable_sort(out.variants.begin(), out.variants.end(),
                   [](const auto& a, const auto& b) { return a.bandwidth > b.bandwidth; });
  if (apart) {
    const playlist::Rates rates = rates_of(View::audio);
    out.audio = playlist::AudioRendition{front + "audio.m3u8", rates.peak, rates.average,
                                         playlist::view_codecs(*init, View::audio), init->channels};
  }
  if (auto source = source_variant(index, rates_of(View::video), apart, ended, front)) {
    // Not every publisher promises a rate. No rung has more pictures than its source, and hls.js does not
    // climb to a variant with fewer, or with none said.
    for (const playlist::Variant& rung : out.variants)
      source->frame_rate_milli = std::max(source->frame_rate_milli, rung.frame_rate_milli);
    out.variants.insert(out.variants.begin(), *std::move(source));
  }
  out.more = playlist::view_variants(
      index, facts, {.audio = front + "audio.m3u8", .key_frames = front + "iframes.m3u8"}, ended, meters);
  const Rendition* pictures = stream.rendition(kPictures);
  const playlist::RenditionIndex* track = pictures ? index_of(*pictures, everything) : nullptr;
  if (track)
    out.more += playlist::picture_variant(
        index, track->index(), std::string(kPictures) + (everything ? "/replay.m3u8" : "/media.m3u8"), ended);
  return playlist::multivariant_playlist(out);
}

void RenditionSite::answer(const AnswerPtr& answer, uint32_t station, const std::string& rendition,
                           const std::string& name, const std::string& query) {
  if (!playlist::valid_rendition(rendition)) return answer->send(not_there_reply(kNothingHere));
  if (name == "media.m3u8" || part_request(name)) {
    return catalog_.with_loaded(station, [this, answer, rendition, name, query](Stream* stream) {
      Rendition* one = stream ? stream->rendition(rendition) : nullptr;
      if (!one) return answer->send(not_there_reply(stream ? kNoRendition : kNoStream));
      const LiveEnd end(*stream, *one);
      if (auto part = part_request(name)) return live_.part(answer, end, *part);
      const Demand::Answer demand = demand_.ask(*stream, rendition, *one);
      if (demand == Demand::Answer::refused) return answer->send(unavailable_reply(kNoRoom));
      auto send = [this, answer, end, query] {
        live_.when_there(answer, end, query, [answer, end](bool skip, bool unique) {
          Live::send_playlist(answer, end, {.skip = skip}, unique);
        });
      };
      demand == Demand::Answer::starts ? hold(answer, end, std::nullopt, send) : send();
    });
  }
  if (name == "replay.m3u8") {
    return catalog_.with_replay(station, [answer, rendition](Stream* stream) {
      Rendition* one = stream ? stream->rendition(rendition) : nullptr;
      if (!one || !one->replay) return answer->send(not_there_reply(stream ? kNoRendition : kNoStream));
      answer->send(playlist_reply(stream->replay_playlist(*one)));
    });
  }
  if (auto digits = between(name, "", ".m4s")) {
    const auto msn = number(*digits);
    if (!msn) return answer->send(not_there_reply(kNothingHere));
    return from_any(
        answer, station, rendition, msn, [this, answer, msn](const playlist::RenditionIndex& index) {
          const auto record = segment_of(index, *msn);
          if (!record) return false;
          answer->send(media_reply(
              media_.find(record->file, record->offset, record->length),
              media_type(index.index(), record->init_id),
              "\"" + std::to_string(record->utc_us) + "-" + std::to_string(record->length) + "\""));
          return true;
        });
  }
  if (auto id = between(name, "init-", ".mp4"))
    return from_any(answer, station, rendition, std::nullopt,
                    [this, answer, id = *id](const playlist::RenditionIndex& index) {
                      const auto found = index.index().inits().find(id);
                      if (found == index.index().inits().end()) return false;
                      const playlist::InitRecord& record = found->second;
                      answer->send(media_reply(media_.find(record.file, record.offset, record.length),
                                               media_type(&record), "\"" + id + "\""));
                      return true;
                    });
  answer->send(not_there_reply(kNothingHere));
}

void RenditionSite::hold(const AnswerPtr& answer, const LiveEnd& end, std::optional<uint64_t> until,
                         std::function<void()> send) {
  const playlist::StreamIndex& index = end.index();
  const uint64_t next = index.next_msn().value_or(0);
  // Without a segment there is no playlist, not even of parts.
  const bool listed = !index.segments().empty();
  const auto open = index.open_segment();
  const bool playable =
      listed && (index.segments().back().record.length > 0 || (open && open->record.length > 0));
  if (playable || end.state() != State::live) return send();
  // What has been listed goes on with gaps.
  const auto give_up = [answer, send, &index] {
    index.segments().empty() ? answer->send(unavailable_reply(kNotStarted)) : send();
  };
  if (listed && !until) until = next + kMaxHolds;
  if (until && next > *until) return give_up();
  const auto parts = static_cast<uint32_t>(index.parts_of(next).size());
  const auto waiter = end.edge().wait(next, listed ? std::optional(parts) : std::nullopt, answer->whose(),
                                      [answer, end, until, send, give_up](LiveEdge::Outcome outcome) {
                                        if (outcome == LiveEdge::Outcome::late) return give_up();
                                        hold(answer, end, until, send);
                                      });
  if (waiter == 0) return give_up();
  answer->note_wait();
  answer->when_gone([&edge = end.edge(), waiter] { edge.cancel(waiter); });
}

void RenditionSite::from_any(const AnswerPtr& answer, uint32_t station, const std::string& rendition,
                             std::optional<uint64_t> msn, Send send) {
  catalog_.with_loaded(station, [this, answer, station, rendition, msn, send](Stream* stream) {
    Rendition* one = stream ? stream->rendition(rendition) : nullptr;
    if (!one) return answer->send(not_there_reply(stream ? kNoRendition : kNoStream));
    if (msn) demand_.keep(*stream, rendition, *one, *msn);
    if (send(one->live)) return;
    if (msn && live_.open_segment(answer, {*stream, *one}, *msn, View::whole)) return;
    // The source's numbers: a rung has the same, and comes behind it.
    if (msn && *msn >= stream->index().next_msn().value_or(0))
      return answer->send(not_there_reply("This segment is not there yet."));
    // A gap to players of what is live: who plays the recording has had it read.
    if (msn && !one->replay && one->live.index().find_segment(*msn) != nullptr)
      return answer->send(not_there_reply(kGap));
    catalog_.with_replay(station, [answer, rendition, send](Stream* whole) {
      Rendition* all = whole ? whole->rendition(rendition) : nullptr;
      if (!all || !all->replay || !send(*all->replay))
        answer->send(not_there_reply("This rendition has not got that."));
    });
  });
}

}  // namespace headgate::origin
