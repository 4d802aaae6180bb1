// SPDX-License-Identifier: LGPL-2.1-or-later
// An RTMP publisher's connection: reads the socket and answers the protocol. The socket is the publisher's
// own or, where a gate has ended TLS, one end of a pair.
#pragma once

#include <optional>

#include <rtmp/server.h>
#include <timeline/unwrapper.h>

#include "session.h"

namespace headgate::ticketsrc {

class RtmpSession : public Session, private rtmp::ServerHandler, private rtmp::MessageSink {
 public:
  // `state` is what rtmp::Server::save() gave; `publish` is answered with yes here.
  static Result<std::unique_ptr<Session>> open(UniqueFd socket, Bytes state, Now now);

  void say_goodbye(const std::string& reason, std::span<std::byte> scratch) override;
  uint64_t bytes() const override { return server_.bytes_received(); }

 private:
  RtmpSession(UniqueFd socket, rtmp::Server server, Now now);
  void read(std::span<std::byte> scratch) override;
  void on_metadata(const rtmp::Metadata& metadata) override;
  void on_end(rtmp::End end) override;
  std::span<std::byte> begin(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix) override;
  void complete(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix,
                std::span<std::byte> payload) override;
  void abandon(uint32_t csid) override;

  void feed(Bytes data);
  void send_output();

  UniqueFd socket_;
  rtmp::Server server_;
  ByteVector unsent_;
  ByteVector config_bytes_[kTracks];  // payload of a sequence header that is coming in
  timeline::Unwrapper clock_ = timeline::Unwrapper::rtmp();
};

}  // namespace headgate::ticketsrc
