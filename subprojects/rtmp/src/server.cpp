// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes in, messages out, phases. What commands mean is in commands.cpp.
#include <rtmp/server.h>

#include <algorithm>
#include <cassert>

#include "aggregate.h"
#include "media_prefix.h"
#include "router.h"

namespace headgate::rtmp {
namespace {

constexpr uint32_t kDefaultAckWindow = 2'500'000;  // bytes; for clients that do not say theirs

bool is_collected(uint8_t type) {
  switch (type) {
    case kUserControl:
    case kWindowAckSize:
    case kDataAmf0:
    case kDataAmf3:
    case kCommandAmf0:
    case kCommandAmf3:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<uint32_t>* Server::Router::open_slot(uint8_t type) const {
  if (type == kAudio) return &server_.open_audio_;
  if (type == kVideo) return &server_.open_video_;
  return nullptr;
}

std::span<std::byte> Server::Router::begin(uint32_t csid, const MessageHeader& header, Bytes prefix) {
  if (auto* slot = open_slot(header.type)) {
    if (!takes_media()) return {};
    if (*slot) {
      // Two frames of one track in pieces at once: nobody sends that, and sinks may rely on it.
      if (result) result = Unexpected("RTMP: a second audio or video message begins inside another");
      return {};
    }
    *slot = csid;
    return media_->begin(csid, header, prefix);
  }
  if (header.type == kAggregate) return takes_media() ? collect(csid, header.length) : std::span<std::byte>();
  bool data = header.type == kDataAmf0 || header.type == kDataAmf3;
  if (!is_collected(header.type) || (data && server_.phase_ != Phase::kPublishing)) return {};
  return collect(csid, header.length);
}

std::span<std::byte> Server::Router::collect(uint32_t csid, uint32_t length) {
  auto inbox = std::ranges::find(server_.inboxes_, false, &Inbox::used);
  if (inbox == server_.inboxes_.end()) inbox = server_.inboxes_.emplace(inbox);
  inbox->csid = csid;
  inbox->used = true;
  inbox->bytes.resize(length);
  return inbox->bytes;
}

void Server::Router::complete(uint32_t csid, const MessageHeader& header, Bytes prefix,
                              std::span<std::byte> payload) {
  if (auto* slot = open_slot(header.type)) {
    if (*slot == csid) {
      slot->reset();
      if (takes_media()) media_->complete(csid, header, prefix, payload);
    }
  } else {
    auto inbox = std::find_if(server_.inboxes_.begin(), server_.inboxes_.end(),
                              [&](const Inbox& box) { return box.used && box.csid == csid; });
    if (inbox == server_.inboxes_.end()) return;
    inbox->used = false;
    if (result && header.type == kAggregate) {
      const ByteVector whole = std::exchange(inbox->bytes, {});  // large, and what is in it wants inboxes
      result = take_apart(csid, header, whole);
    } else if (result && server_.phase_ != Phase::kEnded) {
      result = server_.on_message(header, payload, handler_);
    }
  }
  if (!result || server_.phase_ == Phase::kPublishAsked || server_.phase_ == Phase::kEnded)
    server_.reader_.stop();
}

// Audio, video and data, which is what there can be: as if each had come by itself.
Result<void> Server::Router::take_apart(uint32_t csid, const MessageHeader& header, Bytes payload) {
  Aggregate aggregate(header, payload);
  while (takes_media()) {
    const auto next = aggregate.next();
    if (!next) return Unexpected(next.error());
    if (!*next) break;
    const auto& [inner, bytes] = **next;
    if (!open_slot(inner.type) && inner.type != kDataAmf0 && inner.type != kDataAmf3) continue;
    if (!open_slot(inner.type) && inner.length > server_.limits_.max_data_bytes)
      return Unexpected("RTMP: limit max_data_bytes (" + std::to_string(server_.limits_.max_data_bytes) +
                        ") exceeded");
    const Bytes prefix = media_prefix(inner.type, bytes);
    std::span<std::byte> target = begin(csid, inner, prefix);
    if (!result) return result;
    if (target.size() == bytes.size() - prefix.size())
      std::ranges::copy(bytes.subspan(prefix.size()), target.begin());
    else
      target = {};
    complete(csid, inner, prefix, target);
    if (!result) return result;
  }
  return {};
}

void Server::Router::abandon(uint32_t csid) {
  for (auto* slot : {&server_.open_audio_, &server_.open_video_}) {
    if (*slot != csid) continue;
    slot->reset();
    if (takes_media()) media_->abandon(csid);
  }
  for (Inbox& inbox : server_.inboxes_)
    if (inbox.csid == csid) inbox.used = false;
}

Server::Server(const Limits& limits, FillRandom random)
    : limits_(limits), handshake_(random), reader_(limits), ack_window_(kDefaultAckWindow) {}

Result<void> Server::feed(Bytes data, ServerHandler& handler, MessageSink* media) {
  if (phase_ == Phase::kHandshake) {
    auto used = handshake_.feed(data, output_);
    if (!used) return Unexpected(used.error());
    handshake_bytes_ += *used;
    data = data.subspan(*used);
    if (!handshake_.done()) return {};
    phase_ = Phase::kCommands;
  }
  if (!pending_.empty() && phase_ == Phase::kPublishing) {
    ByteVector pending = std::exchange(pending_, {});
    if (auto fed = feed_chunks(pending, handler, media); !fed) return fed;
  }
  if (auto fed = feed_chunks(data, handler, media); !fed) return fed;
  acknowledge();
  if (output_.size() > limits_.max_output_bytes)
    return Unexpected("RTMP: limit max_output_bytes (" + std::to_string(limits_.max_output_bytes) +
                      ") exceeded");
  return {};
}

Result<void> Server::feed_chunks(Bytes data, ServerHandler& handler, MessageSink* media) {
  if (phase_ == Phase::kCommands || phase_ == Phase::kPublishing) {
    Router router(*this, handler, media);
    auto used = reader_.feed(data, router);
    if (!used) return Unexpected(used.error());
    if (!router.result) return router.result;
    data = data.subspan(*used);
    if (phase_ == Phase::kCommands && reader_.bytes_received() > limits_.max_bytes_before_publish)
      return Unexpected("RTMP: limit max_bytes_before_publish (" +
                        std::to_string(limits_.max_bytes_before_publish) + ") exceeded");
  }
  if (phase_ != Phase::kPublishAsked) return {};
  if (pending_.size() + data.size() > limits_.max_pending_bytes)
    return Unexpected("RTMP: limit max_pending_bytes (" + std::to_string(limits_.max_pending_bytes) +
                      ") exceeded");
  pending_.insert(pending_.end(), data.begin(), data.end());
  return {};
}

Result<void> Server::on_message(const MessageHeader& header, Bytes payload, ServerHandler& handler) {
  switch (header.type) {
    case kUserControl:
      on_user_control(payload);
      return {};
    case kWindowAckSize: {
      ByteReader reader(payload);
      uint32_t window = reader.u32();
      if (reader.ok() && window > 0) ack_window_ = window;
      return {};
    }
    case kDataAmf0:
    case kDataAmf3:
      on_data(header, payload, handler);
      return {};
    default:
      return on_command(header, payload, handler);
  }
}

void Server::on_user_control(Bytes payload) {
  ByteReader reader(payload);
  uint16_t event = reader.u16();
  uint32_t value = reader.u32();
  if (reader.ok() && event == kPingRequest) write_user_control(writer_, output_, kPingResponse, value);
}

// At most one for each feed(), however small a window the client asks for.
void Server::acknowledge() {
  if (!connected_ || bytes_received() - acknowledged_ < ack_window_) return;
  acknowledged_ = bytes_received();
  write_acknowledgement(writer_, output_, static_cast<uint32_t>(acknowledged_));
}

}  // namespace headgate::rtmp
