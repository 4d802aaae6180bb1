// SPDX-License-Identifier: LGPL-2.1-or-later
// One publisher's connection as the publisher sees it, without the socket: bytes in, bytes out. It shakes
// hands, connects (with the adobe exchange of adobe_auth.h when the server asks for it, which takes three
// connections), creates the stream and publishes; from then on the owner sends its own chunks and the client
// answers pings.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <rtmp/amf0.h>
#include <rtmp/chunk_reader.h>
#include <rtmp/chunk_writer.h>
#include <rtmp/handshake.h>
#include <rtmp/limits.h>

namespace headgate::rtmp {

struct PublishTarget {
  std::string tc_url;          // "rtmp://host:port/app", no user and no password in it
  std::string app;             // what follows the authority in tc_url, without the leading '/'
  std::string stream_key;      // may carry a query
  std::string user, password;  // empty: the server may not ask for them
  uint32_t chunk_size = 4096;  // announced before connect
  std::string flash_ver = "FMLE/3.0 (compatible; headgate)";
  bool enhanced = false;  // says in connect what enhanced.h has
};

// Not thread-safe. Movable. The target must outlive it.
class Client {
 public:
  enum class Phase {
    kHandshake,
    kConnect,       // connect is sent
    kCreateStream,  // releaseStream, FCPublish and createStream are sent
    kPublish,       // publish is sent
    kPublishing,    // accepted: send media on stream_id()
    kReconnect,     // the server wants the next step of its challenge on a new connection: restart()
    kRefused,       // by the server, before or after it accepted; refusal() says why
  };
  struct Refusal {
    std::string code;  // "NetStream.Publish.BadName", …
    std::string text;  // the server's description
  };

  // The server asks to connect anew (Enhanced RTMP), while it publishes.
  struct Reconnect {
    std::string tc_url;  // empty: where it is
    std::string text;
  };

  // Has output at once: C0 and C1.
  explicit Client(const PublishTarget& target, FillRandom random = system_random);

  // Takes all of `data`. Errors are final: close.
  Result<void> feed(Bytes data);
  // In kReconnect: the state of a new connection that has just been made. The old one's output is dropped.
  void restart();
  // In kPublishing, between two messages: says that the stream is at its end (FCUnpublish, deleteStream).
  void unpublish();

  bool has_output() const { return !output_.empty(); }
  ByteVector take_output() { return std::exchange(output_, {}); }

  Phase phase() const { return phase_; }
  uint32_t stream_id() const { return stream_id_; }  // from kPublish on
  const Refusal& refusal() const { return refusal_; }
  // The last such request; none came.
  const std::optional<Reconnect>& reconnect() const { return reconnect_; }
  // Whether the server knows Enhanced RTMP: what it said of itself in answer to connect.
  std::optional<uint32_t> server_caps() const { return server_caps_; }

 private:
  class Inbox;

  void begin();
  Result<size_t> take_handshake(Bytes data);
  Result<void> on_message(const MessageHeader& header, Bytes payload);
  Result<void> on_command(const MessageHeader& header, Bytes payload);
  void on_status(const AmfValue& info);
  Result<void> on_error(const AmfValue& info, bool to_connect);
  Result<void> answer_rejection(const std::string& description);
  void send_connect();
  void send_create_stream();
  void send_publish();
  void send_name_command(std::string_view command, double transaction);
  void send(uint32_t stream_id, Bytes command);

  const PublishTarget* target_;
  FillRandom random_;
  Phase phase_ = Phase::kHandshake;
  std::string auth_query_;  // what this connection's app ends with: "?authmod=adobe&…"
  int attempts_ = 0;        // connections that asked for another one
  ByteVector handshake_;    // S0 S1 S2 until complete
  ChunkReader reader_;
  ChunkWriter writer_;
  std::vector<std::pair<uint32_t, ByteVector>> open_;  // messages coming in, by csid
  ByteVector output_;
  uint32_t stream_id_ = 0;
  Refusal refusal_;
  std::optional<Reconnect> reconnect_;
  std::optional<uint32_t> server_caps_;
};

}  // namespace headgate::rtmp
