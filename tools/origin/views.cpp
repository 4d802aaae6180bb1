// SPDX-License-Identifier: LGPL-2.1-or-later
#include "views.h"

#include <base/clock.h>
#include <playlist/dash.h>
#include <playlist/views.h>

#include <algorithm>
#include <utility>

#include "pictures.h"
#include "renditions.h"

namespace headgate::origin {
namespace {

using playlist::View;

constexpr char kDashTime[] = "time";  // the node's clock

const playlist::StreamIndex& index_of(Stream& stream, bool everything) {
  return everything ? *stream.replay() : stream.index();
}

const fmp4::TrackView& track_of(const fmp4::SegmentView& segment, View view) {
  return view == View::audio ? segment.audio : segment.video;
}

Reply too_much_reply() {
  Reply reply = text_reply(SOUP_STATUS_SERVICE_UNAVAILABLE, "Too many replays are being read; try again.");
  reply.any_origin = true;
  return reply;
}

}  // namespace

struct Views::Listing {
  enum class Kind { media, multivariant, dash };
  Kind kind = Kind::media;
  bool everything = false;  // what the archive has; otherwise what is live
  View view = View::whole;
};

bool Views::answer(const AnswerPtr& answer, uint32_t station, const std::string& name,
                   const std::string& query) {
  using Kind = Listing::Kind;
  static const std::map<std::string, Listing> kListings = {
      {"index.m3u8", {Kind::multivariant, false, View::whole}},
      {"audio.m3u8", {Kind::media, false, View::audio}},
      {"video.m3u8", {Kind::media, false, View::video}},
      {"iframes.m3u8", {Kind::media, false, View::key_frames}},
      {"replay-index.m3u8", {Kind::multivariant, true, View::whole}},
      {"replay-audio.m3u8", {Kind::media, true, View::audio}},
      {"replay-video.m3u8", {Kind::media, true, View::video}},
      {"replay-iframes.m3u8", {Kind::media, true, View::key_frames}},
  };
  const auto found = kListings.find(name);
  if (found == kListings.end()) return false;
  const Listing& listing = found->second;
  if (listing.kind == Kind::media && !listing.everything)
    live(answer, station, listing.view, query);
  else
    list(answer, station, name, listing);
  return true;
}

void Views::answer_dash(const AnswerPtr& answer, uint32_t station, const std::string& name) {
  if (name == kDashTime) {
    // The time alone: Date.parse(), with which players read it, takes no end of line.
    Reply reply;
    reply.any_origin = true;
    reply.body = bytes_of(playlist::dash_time(system_clock().utc_us()));
    return answer->send(std::move(reply));
  }
  if (name != "manifest.mpd" && name != "replay.mpd") return answer->send(not_there_reply(kNothingHere));
  list(answer, station, name, {Listing::Kind::dash, name == "replay.mpd", View::whole});
}

void Views::list(const AnswerPtr& answer, uint32_t station, const std::string& name, const Listing& listing) {
  with_facts(answer, station, listing.everything, kMaxLearnRounds,
             [this, answer, station, name, listing](Stream* stream) {
               if (!stream) return answer->send(not_there_reply(kNoStream));
               Reply reply = playlist_reply(text(*stream, name, listing));
               if (listing.kind == Listing::Kind::dash && reply.text) {
                 const std::string time = "../../dash/" + std::to_string(station) + "/" + kDashTime;
                 reply.type = kTypeManifest;
                 reply.end = playlist::dash_end(system_clock().utc_us(), time);
               }
               answer->send(std::move(reply));
             });
}

// Of the video, its parts tell what the newest segments have of it; of the audio, how long it lasts, and of
// key frames only their boxes do.
void Views::live(const AnswerPtr& answer, uint32_t station, View view, const std::string& query) {
  with_facts(answer, station, false, kMaxLearnRounds, [this, answer, station, view, query](Stream* stream) {
    if (!stream) return answer->send(not_there_reply(kNoStream));
    live_.when_there(answer, *stream, query, [this, answer, station, view](bool skip, bool unique) {
      const int rounds = view == View::video ? 0 : kMaxLearnRounds;
      with_facts(answer, station, false, rounds, [this, answer, station, view, skip, unique](Stream* again) {
        const LiveEdge::Which which{view, &stations_[station].facts, skip};
        Live::send_playlist(answer, *again, which, unique);
      });
    });
  });
}

void Views::with_stream(uint32_t station, bool everything, OnStream ready) {
  if (everything) return catalog_.with_replay(station, std::move(ready));
  catalog_.with_loaded(station, std::move(ready));
}

std::vector<playlist::SegmentRecord> Views::unknown(Stream& stream, bool everything) {
  Station& one = stations_[stream.station()];
  const playlist::StreamIndex& index = index_of(stream, everything);
  auto& [epoch, replay, before] = one.known[everything ? 1 : 0];
  if (epoch != index.epoch() || replay != stream.replays_read()) before = 0;
  epoch = index.epoch();
  replay = stream.replays_read();
  const auto& segments = index.segments();
  auto segment =
      std::lower_bound(segments.begin(), segments.end(), before,
                       [](const playlist::Segment& known, uint64_t msn) { return known.record.msn < msn; });
  std::vector<playlist::SegmentRecord> out;
  for (; segment != segments.end(); ++segment) {
    const bool known = one.facts.find(segment->record) != nullptr;
    if (!known) out.push_back(segment->record);
    if (out.empty()) before = segment->record.msn + 1;
  }
  return out;
}

void Views::read_few(uint32_t station, std::vector<playlist::SegmentRecord> wanted) {
  boxes_.learn(std::move(wanted), true, [this, station](const SegmentBoxes::Facts& facts) {
    learned(station, facts);
    for (auto& go_on : std::exchange(stations_[station].want_few, {})) go_on();
  });
}

// So that nobody has to wait for the disk's thread who asks when a segment has just come.
void Views::learn_ahead(Stream& stream) {
  const auto found = stations_.find(stream.station());
  if (found == stations_.end() || !stream.loaded()) return;
  Station& one = found->second;
  const bool wanted_lately =
      one.wanted_us != INT64_MIN && system_clock().mono_us() - one.wanted_us < kFactsWantedUs;
  if (!wanted_lately || !one.want_few.empty()) return;
  std::vector<playlist::SegmentRecord> wanted = unknown(stream, false);
  if (wanted.empty() || wanted.size() > kSegmentsInAStep) return;
  one.want_few.push_back([] {});  // whoever asks meanwhile waits for the same
  read_few(stream.station(), std::move(wanted));
}

playlist::ViewMeters& Views::meters(Stream& stream, bool everything) {
  auto& [replay, meters] = stations_[stream.station()].meters[everything ? 1 : 0];
  const uint64_t now = everything ? stream.replays_read() : 0;
  if (std::exchange(replay, now) != now) meters.forget();
  return meters;
}

// Viewers of what is live, and of a replay that has grown by a few segments, do not wait for other replays.
void Views::with_facts(const AnswerPtr& answer, uint32_t station, bool everything, int rounds,
                       OnStream ready) {
  with_stream(station, everything,
              [this, answer, station, everything, rounds, ready = std::move(ready)](Stream* stream) {
                if (!stream || rounds == 0) return ready(stream);
                if (!everything) stations_[station].wanted_us = system_clock().mono_us();
                std::vector<playlist::SegmentRecord> wanted = unknown(*stream, everything);
                if (wanted.empty()) return ready(stream);
                const bool few = !everything || wanted.size() <= kSegmentsInAStep;
                Station& one = stations_[station];
                auto& waiting = few ? one.want_few : one.want_replay;
                if (!few && waiting.empty() && replays_to_read_.size() >= kMaxReplaysToRead)
                  return answer->send(too_much_reply());
                waiting.push_back([this, answer, station, everything, rounds, ready] {
                  with_facts(answer, station, everything, rounds - 1, ready);
                });
                if (waiting.size() > 1) return;
                if (few) return read_few(station, std::move(wanted));
                replays_to_read_.push_back(station);
                if (replays_to_read_.size() == 1) read_next_replay();
              });
}

// Of the first of them. Its index may have gone while it waited: then it is read anew.
void Views::read_next_replay() {
  const uint32_t station = replays_to_read_.front();
  with_stream(station, true, [this, station](Stream* stream) {
    auto wanted = stream ? unknown(*stream, true) : std::vector<playlist::SegmentRecord>();
    boxes_.learn(std::move(wanted), false, [this, station](const SegmentBoxes::Facts& facts) {
      learned(station, facts);
      replays_to_read_.pop_front();
      if (!replays_to_read_.empty()) read_next_replay();
      for (auto& go_on : std::exchange(stations_[station].want_replay, {})) go_on();
    });
  });
}

void Views::learned(uint32_t station, const SegmentBoxes::Facts& facts) {
  Station& one = stations_[station];
  for (const auto& [msn, known] : facts) one.facts.put(msn, known);
  size_t all = 0;
  for (const auto& entry : stations_) all += entry.second.facts.size();
  // A replay that was read may have taken another one's place.
  for (const auto& entry : stations_) trim(entry.first, all > kMaxKnownFacts);
}

// What nobody can list at once any more goes.
void Views::trim(uint32_t station, bool facts) {
  Station& one = stations_[station];
  Stream* stream = catalog_.find(station);
  if (!stream || stream->replay()) return;
  std::erase_if(one.texts, [](const auto& entry) { return entry.first.starts_with("replay"); });
  if (!facts || !one.want_replay.empty() || stream->index().segments().empty()) return;
  one.facts.forget_before(stream->index().segments().front().record.msn);
}

// As it is now, computed once for each change.
const TextPtr& Views::text(Stream& stream, const std::string& name, const Listing& listing) {
  Station& one = stations_[stream.station()];
  Kept& kept = one.texts[name];
  const playlist::StreamIndex& index = index_of(stream, listing.everything);
  // Not only its end: while nobody publishes, a manifest waits for no rung.
  const auto state = static_cast<uint64_t>(stream.state());
  const uint64_t replay = listing.everything ? stream.replays_read() : 0;
  // Only a live manifest has parts.
  const bool parts = listing.kind == Listing::Kind::dash && !listing.everything;
  const bool one_index = listing.kind == Listing::Kind::media;
  const uint64_t version =
      (parts ? index.version() : index.segments_version()) + (one_index ? 0
                                                              : parts   ? stream.version()
                                                                        : stream.segments_version());
  const KeptText::Version all{version, replay * kStates + state, one.facts.size(), index.epoch()};
  return kept.text.get(all, [&] { return made(stream, one, listing, kept); });
}

std::string Views::made(Stream& stream, Station& one, const Listing& listing, Kept& kept) {
  const playlist::StreamIndex& index = index_of(stream, listing.everything);
  const bool ended = stream.state() == State::ended;
  if (index.segments().empty()) return {};
  if (listing.kind == Listing::Kind::multivariant) {
    playlist::ViewMeters& rates = meters(stream, listing.everything);
    std::string ladder = ladder_playlist(stream, one.facts, listing.everything, rates);
    if (!ladder.empty()) return ladder;
    if (!listing.everything)
      return playlist::multivariant_playlist(index, {.ended = ended}) +
             playlist::view_variants(index, one.facts, {}, ended, rates);
    return playlist::multivariant_playlist(index, {.media_uri = "replay.m3u8", .ended = ended}) +
           playlist::view_variants(index, one.facts,
                                   {.audio = "replay-audio.m3u8", .key_frames = "replay-iframes.m3u8"}, ended,
                                   rates);
  }
  const uint64_t replay = listing.everything ? stream.replays_read() : 0;
  const bool another = std::exchange(kept.replay, replay) != replay;
  if (listing.kind == Listing::Kind::media) {
    playlist::MediaPlaylistSettings settings;
    if (listing.everything)
      settings.type = ended ? playlist::PlaylistType::vod : playlist::PlaylistType::event;
    settings.ended = ended;
    settings.view = listing.view;
    settings.facts = &one.facts;
    if (another) kept.lines.forget();
    return kept.lines.text(index, settings);
  }
  // It stays what it was (ISO/IEC 23009-1, 5.4): players hold on to it.
  const int64_t zero = playlist::timeline_zero_utc_us(stream.index());
  if (!one.zero_utc_us && zero > 0) one.zero_utc_us = zero;
  playlist::DashSettings settings;
  settings.everything = listing.everything;
  settings.ended = ended;
  settings.zero_utc_us = one.zero_utc_us.value_or(zero);
  settings.base = "../../hls/" + std::to_string(stream.station()) + "/";
  if (const Rendition* pictures = stream.rendition(kPictures))
    settings.pictures = !listing.everything ? &pictures->live.index()
                        : pictures->replay  ? &pictures->replay->index()
                                            : nullptr;
  for (const auto& [name, rendition] : stream.renditions()) {
    const playlist::RenditionIndex* of = index_of(*rendition, listing.everything);
    const auto& told = rendition->live.told();
    const bool running =
        stream.state() == State::live && told && told->state == playlist::RenditionState::running;
    const playlist::InitRecord* init = of ? of->index().newest_init() : nullptr;
    const bool has_picture = told ? told->width > 0 : init && init->width > 0;
    if (of && name != kPictures && has_picture)
      settings.renditions.push_back({name, &of->index(), running, of, of->bandwidth()});
  }
  if (another) kept.periods.forget();
  return playlist::dash_manifest(index, one.facts, settings, kept.periods,
                                 meters(stream, listing.everything));
}

void Views::send_segment(const AnswerPtr& answer, const playlist::SegmentRecord& record, View view) {
  const std::string etag = "\"" + std::to_string(record.utc_us) + "-" + std::to_string(record.length) + "-" +
                           (view == View::audio ? "a" : "v") + "\"";
  boxes_.find(record, [this, answer, file = record.file, etag, view](Result<SegmentBoxes::ViewPtr> segment) {
    if (!segment) return answer->send(media_error_reply(segment.error()));
    const fmp4::TrackView& track = track_of(**segment, view);
    if (track.chunks.empty()) return answer->send(not_there_reply("This segment has nothing of that."));
    answer->send(media_reply(media_.find(file, track.chunks), media_type(nullptr, view), etag));
  });
}

void Views::send_init(const AnswerPtr& answer, const playlist::InitRecord& record, View view) {
  const std::string name = (view == View::audio ? "a" : "v") + record.id;
  auto send = [answer, name, view](GBytes* bytes) {
    Reply reply;
    reply.type = media_type(nullptr, view);
    reply.cache = kCacheForever;
    reply.any_origin = true;
    reply.etag = "\"" + name + "\"";
    reply.body.reset(g_bytes_ref(bytes));
    answer->send(std::move(reply));
  };
  if (const auto known = inits_.find(name); known != inits_.end()) return send(known->second.get());
  auto range = record.length > fmp4::kMaxInitBytes
                   ? Result<FileRange>(Unexpected(ENODATA, record.file + ": no initialisation segment"))
                   : media_.find(record.file, record.offset, record.length);
  if (!range) return answer->send(media_error_reply(range.error()));
  media_.read(*range, [this, answer, name, view, send](Result<BytesPtr> whole) {
    if (!whole) return answer->send(media_error_reply(whole.error()));
    gsize size = 0;
    const void* data = g_bytes_get_data(whole->get(), &size);
    const auto kind = view == View::audio ? codec::Kind::audio : codec::Kind::video;
    auto made = fmp4::single_track_init({static_cast<const std::byte*>(data), size}, kind);
    if (!made) return answer->send(not_there_reply("This initialisation segment has nothing of that."));
    if (inits_.size() >= kMaxViewInits) inits_.clear();
    BytesPtr& kept = inits_[name];
    kept.reset(g_bytes_new(made->data(), made->size()));
    send(kept.get());
  });
}

}  // namespace headgate::origin
