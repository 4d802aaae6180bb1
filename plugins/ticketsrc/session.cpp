// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <rtmp/flv.h>

namespace headgate::ticketsrc {
namespace {

// A part of 2 Mbit/s takes two or three blocks of video, which it shares with nobody, and one of audio.
constexpr size_t kVideoBlockBytes = 64 * 1024, kAudioBlockBytes = 8 * 1024;
// Reads of one wake-up: a publisher that has 2 MB waiting is served the rest on the next one.
constexpr int kMaxReads = 8;

// Media time between the first and the last frame.
int64_t span_us(const std::vector<Item>& items) {
  const auto first = std::find_if(items.begin(), items.end(), [](const Item& item) { return !item.config; });
  if (first == items.end() || items.back().config) return 0;
  return int64_t{static_cast<int32_t>(items.back().sender_ms - first->sender_ms)} * 1000;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(UniqueFd socket, Bytes state, Now now) {
  auto server = rtmp::Server::restore(state);
  if (!server) return Unexpected(server.error());
  if (server->phase() != rtmp::Server::Phase::kPublishAsked)
    return Unexpected("the session's saved state does not wait for an answer to `publish`");
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    return Unexpected(errno, std::string("the session's descriptor: ") + std::strerror(errno));
  return std::unique_ptr<Session>(new Session(std::move(socket), std::move(server).value(), now));
}

Session::Session(UniqueFd socket, rtmp::Server server, Now now)
    : socket_(std::move(socket)),
      server_(std::move(server)),
      tracks_{Track(kVideoBlockBytes), Track(kAudioBlockBytes)},
      now_(now),
      last_frame_us_(now.mono_us) {
  server_.accept_publish();
  feed({});  // what came behind `publish`
  send_output();
}

void Session::serve(std::span<std::byte> scratch, Now now) {
  now_ = now;
  for (int reads = 0; reads < kMaxReads && !ended_; ++reads) {
    const ssize_t got = recv(socket_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (got == 0) return end("disconnect");
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) end("disconnect");
      break;
    }
    feed({scratch.data(), static_cast<size_t>(got)});
    if (static_cast<size_t>(got) < scratch.size()) break;
  }
  send_output();
}

void Session::feed(Bytes data) {
  if (auto fed = server_.feed(data, *this, this); !fed) end("error:" + fed.error().message);
}

// Acks and the answer to `publish`: what the socket does not take now is sent on the next wake-up.
void Session::send_output() {
  if (server_.has_output()) {
    const ByteVector output = server_.take_output();
    unsent_.insert(unsent_.end(), output.begin(), output.end());
  }
  if (unsent_.empty() || !socket_) return;
  const ssize_t sent = send(socket_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) end("disconnect");
  if (unsent_.size() > rtmp::Limits{}.max_output_bytes)
    end("error:the publisher does not read what it is answered");
}

void Session::say_goodbye(const std::string& reason, std::span<std::byte> scratch) {
  if (server_.phase() != rtmp::Server::Phase::kPublishing) return;
  server_.end_publish(reason);
  send_output();
  shutdown(socket_.get(), SHUT_WR);
  // What is left unread when the socket is closed resets the connection, and may overtake what was said.
  for (int reads = 0; reads < kMaxReads; ++reads)
    if (recv(socket_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT) <= 0) return;
}

void Session::end(std::string reason) {
  if (ended_) return;
  ended_ = std::move(reason);
}

void Session::on_end(rtmp::End) {
  end("unpublish");
}

void Session::on_metadata(const rtmp::Metadata& metadata) {
  if (!metadata.has_video && !metadata.has_audio) return;
  metadata_seen_ = true;
  tracks_[kVideoTrack].announced = metadata.has_video.value_or(false);
  tracks_[kAudioTrack].announced = metadata.has_audio.value_or(false);
}

std::span<std::byte> Session::begin(uint32_t, const rtmp::MessageHeader& header, Bytes prefix) {
  const bool video = header.type == rtmp::kVideo;
  if (!video && header.type != rtmp::kAudio) return {};
  Track& track = tracks_[video ? kVideoTrack : kAudioTrack];
  const size_t size = header.length - prefix.size();
  const rtmp::PacketKind kind =
      video ? rtmp::parse_video_header(prefix).kind : rtmp::parse_audio_header(prefix).kind;
  if (kind == rtmp::PacketKind::kSequenceHeader && size <= codec::kMaxConfigBytes) {
    track.config_bytes.resize(size);
    return track.config_bytes;
  }
  // Frames before their configuration cannot be described to anybody.
  if (kind != rtmp::PacketKind::kFrame || !track.config || size == 0) return {};
  last_frame_us_ = now_.mono_us;
  return track.arena.reserve(size);
}

void Session::complete(uint32_t, const rtmp::MessageHeader& header, Bytes prefix,
                       std::span<std::byte> payload) {
  Item item;
  rtmp::PacketKind kind;
  TrackId id;
  std::string codec;
  if (header.type == rtmp::kVideo) {
    const auto parsed = rtmp::parse_video_header(prefix);
    id = kVideoTrack;
    kind = parsed.kind;
    item.composition_ms = parsed.composition_ms;
    item.key = parsed.keyframe;
    if (kind == rtmp::PacketKind::kUnsupported) codec = rtmp::codec_name(parsed);
  } else if (header.type == rtmp::kAudio) {
    const auto parsed = rtmp::parse_audio_header(prefix);
    id = kAudioTrack;
    kind = parsed.kind;
    item.key = true;
    if (kind == rtmp::PacketKind::kUnsupported) codec = rtmp::codec_name(parsed);
  } else {
    return;
  }
  if (kind == rtmp::PacketKind::kUnsupported) return leave_out(id, codec);
  if (payload.empty()) return;
  Track& track = tracks_[id];
  if (first_media_us_ == 0) first_media_us_ = now_.mono_us;
  last_media_us_ = now_.mono_us;
  if (kind == rtmp::PacketKind::kSequenceHeader) return take_config(id, payload);
  last_frame_us_ = now_.mono_us;
  item.memory = track.arena.commit();
  item.sender_ms = header.timestamp;
  item.arrival_us = now_.mono_us;
  item.utc_us = now_.utc_us;
  track.item_bytes += payload.size();
  track.items.push_back(std::move(item));
}

void Session::abandon(uint32_t) {}  // the arena's next reservation takes its place

void Session::take_config(TrackId id, Bytes bytes) {
  Track& track = tracks_[id];
  auto config = id == kVideoTrack ? codec::track_from_avcc(bytes) : codec::track_from_asc(bytes);
  if (!config) {
    if (!track.unusable) warnings_.push_back("sequence header not understood: " + config.error().message);
    track.unusable = !track.config;
    return;
  }
  if (track.config == *config) return;
  track.config = *config;
  track.unusable = false;
  Item item;
  item.config = std::move(config).value();
  track.items.push_back(std::move(item));
}

void Session::leave_out(TrackId id, const std::string& codec) {
  if (tracks_[id].unusable) return;
  tracks_[id].unusable = true;
  warnings_.push_back("the publisher sends " + codec + ", which is left out: H.264 and AAC are taken");
}

bool Session::decided(Now now) const {
  bool any = false, all = true, long_enough = false;
  size_t bytes = 0;
  for (const Track& track : tracks_) {
    any |= track.config.has_value();
    all &= track.config || track.unusable || (metadata_seen_ && !track.announced);
    bytes += track.item_bytes;
    long_enough |= span_us(track.items) >= kDecideUs;
  }
  if (!any) return false;
  return all || long_enough || ended_ || now.mono_us - first_media_us_ >= kDecideUs || bytes >= kDecideBytes;
}

}  // namespace headgate::ticketsrc
