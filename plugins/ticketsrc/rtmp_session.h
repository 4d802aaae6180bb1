// SPDX-License-Identifier: LGPL-2.1-or-later
// An RTMP publisher's connection: reads the socket and answers the protocol. The socket is the publisher's
// own or, where a gate has ended TLS, one end of a pair.
#pragma once

#include <optional>

#include <codec/parameter_sets.h>
#include <rtmp/server.h>
#include <timeline/unwrapper.h>

#include "message_buffer.h"
#include "session.h"

namespace headgate::ticketsrc {

class RtmpSession : public Session, private rtmp::ServerHandler, private rtmp::MessageSink {
 public:
  // `state` is what rtmp::Server::save() gave; `publish` is answered with yes here.
  static Result<std::unique_ptr<Session>> open(UniqueFd socket, Bytes state, Now now);

  void say_goodbye(const std::string& reason, std::span<std::byte> scratch) override;
  void tell_uplink(bool late, int64_t late_ms) override;
  bool ask_to_reconnect(const std::string& url, const std::string& text) override;
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

  // What is known of a kind's messages (rtmp_media.cpp).
  struct Media {
    enum State : uint8_t { kNone, kFromFrame, kReady };
    State state = kNone;       // the configuration: none, in a frame that will come, known
    uint32_t codec = 0;        // its fourcc
    unsigned length_size = 4;  // of NAL units, by the configuration
    // Of H.264 and H.265: as the configuration has them, and as they stand in the stream since.
    std::optional<codec::ParameterSets> sets;
    ByteVector record;                // as sent last
    std::optional<uint8_t> number;    // of the track that is taken, once one is
    std::optional<uint8_t> channels;  // MultichannelConfig
    bool others_told = false;         // that there are more tracks
    MessageBuffer buffer;             // the message that comes in, when it is no frame
    void forget_track();              // another one takes its place
  };

  void take_several(TrackId id, uint32_t timestamp);
  void take_packet(TrackId id, uint32_t timestamp, const rtmp::VideoHeader& header, Bytes payload);
  void take_record(TrackId id, const rtmp::VideoHeader& header, Bytes record);
  static void judge_key(const Media& media, const rtmp::VideoHeader& header, Bytes frame, Item& item);
  void take_frame_of(TrackId id, uint32_t timestamp, const rtmp::VideoHeader& header, Bytes frame);
  void take_sets(TrackId id, Bytes frame);
  bool describe(TrackId id, const rtmp::VideoHeader& header, bool key, Bytes frame);
  static bool is_wanted(const Media& media, const rtmp::VideoHeader& header);

  void feed(Bytes data);
  void send_output();

  UniqueFd socket_;
  rtmp::Server server_;
  ByteVector unsent_;
  Media media_[kTracks];
  timeline::Unwrapper clock_ = timeline::Unwrapper::rtmp();
};

}  // namespace headgate::ticketsrc
