// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session.h"

#include <base/room.h>

#include <algorithm>

#include "rtmp_session.h"
#include "ts_session.h"

namespace headgate::ticketsrc {
namespace {

// A part of 2 Mbit/s takes two or three blocks of video, which it shares with nobody, and one of audio.
constexpr size_t kVideoBlockBytes = 64 * 1024, kAudioBlockBytes = 8 * 1024;

// Media time between the first and the last frame.
int64_t span_us(const std::vector<Item>& items) {
  const auto first = std::find_if(items.begin(), items.end(), [](const Item& item) { return !item.config; });
  if (first == items.end() || items.back().config) return 0;
  return (items.back().sender_ns - first->sender_ns) / 1000;
}

}  // namespace

Result<std::unique_ptr<Session>> open_session(UniqueFd socket, Bytes state, const std::string& protocol,
                                              Now now) {
  if (protocol.empty() || protocol == "rtmp" || protocol == "rtmps")
    return RtmpSession::open(std::move(socket), state, now);
  if (protocol == "srt") return TsSession::open(std::move(socket), now);
  return Unexpected("sessions of protocol \"" + protocol + "\" are not known here");
}

Session::Session(Now now)
    : tracks_{Track(kVideoBlockBytes), Track(kAudioBlockBytes)}, now_(now), last_frame_us_(now.mono_us) {}

void Session::serve(std::span<std::byte> scratch, Now now) {
  now_ = now;
  read(scratch);
}

bool Session::ask_to_reconnect(const std::string&, const std::string&) {
  return false;
}

void Session::end(std::string reason) {
  if (ended_) return;
  ended_ = std::move(reason);
}

void Session::announce(bool video, bool audio) {
  announced_ = true;
  tracks_[kVideoTrack].announced = video;
  tracks_[kAudioTrack].announced = audio;
}

void Session::take_frame(TrackId id, Item item) {
  Track& track = tracks_[id];
  if (first_media_us_ == 0) first_media_us_ = now_.mono_us;
  last_media_us_ = last_frame_us_ = now_.mono_us;
  item.memory = track.arena.commit();
  item.arrival_us = now_.mono_us;
  item.utc_us = now_.utc_us;
  track.item_bytes += gst_memory_get_sizes(item.memory.get(), nullptr, nullptr);
  track.items.push_back(std::move(item));
}

void Session::take_config(TrackId id, Result<codec::Track> config) {
  Track& track = tracks_[id];
  if (first_media_us_ == 0) first_media_us_ = now_.mono_us;
  last_media_us_ = now_.mono_us;
  if (!config) {
    warn("decoder configuration not understood: " + config.error().message);
    track.unusable = !track.config;
    return;
  }
  if (track.config == *config) return;
  track.config = *config;
  track.unusable = false;
  // One that no frame stands behind has no effect.
  if (!track.items.empty() && track.items.back().config) {
    track.items.back().config = std::move(config).value();
    return;
  }
  Item item;
  item.config = std::move(config).value();
  track.item_bytes += sizeof(Item) + item.config->config.size();
  track.items.push_back(std::move(item));
}

void Session::warn(std::string text) {
  if (warned_.size() >= kMaxWarnings || std::find(warned_.begin(), warned_.end(), text) != warned_.end())
    return;
  warned_.push_back(text);
  warnings_.push_back(std::move(text));
}

void Session::leave_out(TrackId id, const std::string& codec) {
  if (tracks_[id].unusable) return;
  tracks_[id].unusable = true;
  warn("the publisher sends " + codec +
       ", which is left out: H.264, H.265, VP9 and AV1, AAC, Opus, FLAC, AC-3 and E-AC-3 are taken");
}

void Session::clear_items(TrackId id) {
  Track& track = tracks_[id];
  track.item_bytes = 0;
  clear_keeping(track.items, kKeptItems);
}

bool Session::decided(Now now) const {
  bool any = false, all = true, long_enough = false;
  size_t bytes = 0;
  for (const Track& track : tracks_) {
    any |= track.config.has_value();
    all &= track.config || track.unusable || (announced_ && !track.announced);
    bytes += track.item_bytes;
    long_enough |= span_us(track.items) >= kDecideUs;
  }
  if (!any) return false;
  return all || long_enough || ended_ || now.mono_us - first_media_us_ >= kDecideUs || bytes >= kDecideBytes;
}

}  // namespace headgate::ticketsrc
