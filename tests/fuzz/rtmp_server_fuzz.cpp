// SPDX-License-Identifier: LGPL-2.1-or-later
// A publisher's connection: commands and media behind the handshake, or the handshake itself; through a
// hand-over, or refused; and states as such.
#include <rtmp/adobe_auth.h>
#include <rtmp/server.h>

#include <cstdio>
#include <cstdlib>
#include <map>

namespace {

using namespace headgate;
using namespace headgate::rtmp;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void not_random(std::span<std::byte> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i);
}

class Media : public MessageSink {
 public:
  std::span<std::byte> begin(uint32_t csid, const MessageHeader& header, Bytes prefix) override {
    for (auto& [other, message] : open_) require(message.first != header.type, "two open of one track");
    require(header.type == kAudio || header.type == kVideo, "not media");
    auto& message = open_[csid];
    message.first = header.type;
    message.second.resize(header.length - prefix.size());
    return message.second;
  }
  void complete(uint32_t csid, const MessageHeader&, Bytes prefix, std::span<std::byte> payload) override {
    require(open_.contains(csid), "completed without a beginning");
    require(payload.size() == open_[csid].second.size(), "payload of another size");
    (void)parse_video_header(prefix);
    open_.erase(csid);
  }
  void abandon(uint32_t csid) override { require(open_.erase(csid) == 1, "abandoned without a beginning"); }

 private:
  std::map<uint32_t, std::pair<uint8_t, ByteVector>> open_;
};

enum Flag : uint8_t { kRaw = 1, kRejects = 2, kRefuses = 4, kHandsOver = 8, kState = 16, kTrusts = 32 };

class Handler : public ServerHandler {
 public:
  explicit Handler(uint8_t flags) : flags_(flags) {}
  std::optional<std::string> on_connect(const ConnectRequest& request) override {
    auto query = parse_adobe_query(request.query);
    if (query && !(flags_ & kTrusts)) {
      auto checked = auth_.check(*query, "peer", 1, {{1, "password"}});
      require(!checked, "nobody knows the password");
      return auth_.challenge(query->user, "peer", 1);
    }
    if (flags_ & kRejects) return AdobeAuth::need_auth(request.app);
    return std::nullopt;
  }
  void on_end(End) override { require(++ends_ == 1, "ended twice"); }

 private:
  uint8_t flags_;
  AdobeAuth auth_{not_random};
  int ends_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  uint8_t flags = data[0];
  size_t step = 16 * (data[1] + size_t{1});
  Bytes input = std::as_bytes(std::span(data + 2, size - 2));
  Handler handler(flags);
  Media media;
  std::optional<Server> server;
  if (flags & kState) {
    auto restored = Server::restore(input);
    if (!restored) return 0;
    server.emplace(*std::move(restored));
  } else {
    server.emplace(Limits(), not_random);
    ByteVector handshake(1 + 2 * kHandshakeBlock);
    handshake[0] = std::byte{3};
    if (!(flags & kRaw)) require(server->feed(handshake, handler).has_value(), "handshake");
  }
  for (size_t at = 0; at < input.size(); at += step) {
    if (!server->feed(input.subspan(at, std::min(step, input.size() - at)), handler, &media)) return 0;
    require(server->take_output().size() <= Limits().max_output_bytes, "too much output");
    if (server->phase() != Server::Phase::kPublishAsked) continue;
    if (flags & kHandsOver) {
      auto restored = Server::restore(server->save());
      require(restored.has_value(), "its own state is refused");
      server.emplace(*std::move(restored));
    }
    if (flags & kRefuses)
      server->refuse_publish(1403, server->publish_request().name);
    else
      server->accept_publish();
    if (!server->feed({}, handler, &media)) return 0;
  }
  return 0;
}
