// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: sends the messages of one feed() where they belong. Media goes to the owner's
// sink, everything else is collected in the server's inboxes.
#pragma once

#include <rtmp/server.h>

namespace headgate::rtmp {

class Server::Router : public MessageSink {
 public:
  Router(Server& server, ServerHandler& handler, MessageSink* media)
      : server_(server), handler_(handler), media_(media) {}

  std::span<std::byte> begin(uint32_t csid, const MessageHeader& header, Bytes prefix) override;
  void complete(uint32_t csid, const MessageHeader& header, Bytes prefix,
                std::span<std::byte> payload) override;
  void abandon(uint32_t csid) override;

  // The first error of a message; the reader was stopped behind it.
  Result<void> result = {};

 private:
  std::optional<uint32_t>* open_slot(uint8_t type) const;
  std::span<std::byte> collect(uint32_t csid, uint32_t length);
  Result<void> take_apart(uint32_t csid, const MessageHeader& header, Bytes payload);
  bool takes_media() const { return media_ && server_.phase_ == Phase::kPublishing; }

  Server& server_;
  ServerHandler& handler_;
  MessageSink* media_;
};

}  // namespace headgate::rtmp
