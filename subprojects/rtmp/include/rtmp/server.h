// SPDX-License-Identifier: LGPL-2.1-or-later
// One publisher's connection as the server sees it, without the socket: bytes in, replies out, and the media
// to a sink. It begins with the handshake, stops by itself when `publish` has been read, and can then be
// saved and restored in another process, which answers. Clients' quirks that shaped it are in docs/rtmp.md.
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
#include <rtmp/enhanced.h>
#include <rtmp/flv.h>
#include <rtmp/handshake.h>
#include <rtmp/limits.h>

namespace headgate::rtmp {

struct ConnectRequest {
  std::string app;                  // without its query
  std::string query;                // what followed '?' in the app or, if nothing did, in tcUrl
  std::string tc_url;               // as sent
  std::string flash_ver;            // the client's name for itself: "FMLE/3.0 (compatible; Lavf59…)"
  std::optional<uint32_t> caps_ex;  // Enhanced RTMP's (enhanced.h); none: it knows nothing of it
};

struct PublishRequest {
  std::string name;  // the stream key as sent, with its query if it has one
  std::string type;  // "live", …
};

enum class End { kUnpublish, kDeleteStream, kCloseStream };

// Called from Server::feed.
class ServerHandler {
 public:
  virtual ~ServerHandler() = default;
  // Nothing: go on. A text: _error NetConnection.Connect.Rejected with it, and the server is ended.
  virtual std::optional<std::string> on_connect(const ConnectRequest&) { return std::nullopt; }
  // onMetaData, when it differs from the one before.
  virtual void on_metadata(const Metadata&) {}
  // The publisher says that it has finished. Once; media that follows is dropped.
  virtual void on_end(End) {}
};

// Not thread-safe. Movable.
class Server {
 public:
  enum class Phase {
    kHandshake,
    kCommands,      // connect, createStream, …
    kPublishAsked,  // accept_publish(), refuse_publish() or save() is next; input is kept unparsed
    kPublishing,
    kEnded,  // refused, or unpublished: input is ignored; send the output and close
  };

  explicit Server(const Limits& limits = {}, FillRandom random = system_random);

  // Takes all of `data`. Audio and video go to `media` in kPublishing, at most one message of each of the two
  // open at a time; without a sink, and before, they are skipped. What an aggregate message holds comes as
  // messages of their own, with times of their own (RTMP 1.0, 7.1.6). Errors are final: close.
  Result<void> feed(Bytes data, ServerHandler& handler, MessageSink* media = nullptr);

  // In kPublishAsked. After accept_publish() call feed() with nothing, for what came behind `publish`.
  void accept_publish();
  // onStatus NetStream.Publish.BadName with level error. The text is cut to 255 bytes.
  void refuse_publish(int code, std::string_view text);
  // In kPublishing: no more of it. onStatus as for a refusal; media that is there is skipped.
  void end_publish(std::string_view text);
  // In kPublishing: an onStatus that ends nothing; clients pass over codes that they do not know. `level` is
  // "status" or "warning": "error" makes clients give up. The text is cut to 255 bytes.
  void send_notice(std::string_view level, std::string_view code, std::string_view text);

  // In kPublishing: asks the client to connect anew, to `tc_url` (a URI reference; empty: where it is) at a
  // key frame of its choice; until it leaves it is served as before. False, and nothing is sent, to clients
  // that did not announce that they would (Enhanced RTMP: Reconnect Request). The description is cut to 255
  // bytes.
  bool request_reconnect(std::string_view tc_url, std::string_view description);

  // What has to be sent: take it after feed() and after each answer and send it with one write, because some
  // clients do not join what comes in pieces (docs/rtmp.md).
  bool has_output() const { return !output_.empty(); }
  ByteVector take_output() { return std::exchange(output_, {}); }

  Phase phase() const { return phase_; }
  const ConnectRequest& connect_request() const { return connect_; }
  const PublishRequest& publish_request() const { return publish_; }
  uint64_t bytes_received() const { return handshake_bytes_ + reader_.bytes_received(); }

  // In kPublishAsked, with the output taken. The saved bytes end with what was read and not parsed.
  ByteVector save() const;
  static Result<Server> restore(Bytes saved, const Limits& limits = {});

 private:
  class Router;
  friend class Router;
  // A message that is not media, while it comes in.
  struct Inbox {
    uint32_t csid = 0;
    bool used = false;
    ByteVector bytes;
  };
  struct Command {
    std::string name;
    double transaction = 0;
    std::vector<AmfValue> arguments;  // behind the transaction: command object first
    uint32_t stream_id = 0;
  };

  Result<void> feed_chunks(Bytes data, ServerHandler& handler, MessageSink* media);
  Result<void> on_message(const MessageHeader& header, Bytes payload, ServerHandler& handler);
  Result<void> on_command(const MessageHeader& header, Bytes payload, ServerHandler& handler);
  void on_connect(const Command& command, ServerHandler& handler);
  void on_stream_command(const Command& command, ServerHandler& handler);
  void on_publish(const Command& command);
  void on_end(End end, ServerHandler& handler);
  void on_data(const MessageHeader& header, Bytes payload, ServerHandler& handler);
  void on_user_control(Bytes payload);
  void acknowledge();
  void reply_result(double transaction, std::optional<double> value);
  void send_status(std::string_view level, std::string_view code, std::string_view description);
  void send_command(uint32_t stream_id, Bytes payload);

  Limits limits_;
  Phase phase_ = Phase::kHandshake;
  ServerHandshake handshake_;
  uint64_t handshake_bytes_ = 0;
  ChunkReader reader_;
  ChunkWriter writer_;
  ByteVector output_;
  ByteVector pending_;  // behind `publish`
  std::vector<Inbox> inboxes_;
  bool connected_ = false;
  bool fc_publish_seen_ = false;
  uint32_t commands_ = 0;                            // before publish
  uint32_t last_stream_id_ = 0;                      // given out by createStream
  uint32_t publish_stream_ = 0;                      // the one that publishes
  uint32_t ack_window_;                              // bytes between two acknowledgements
  uint64_t acknowledged_ = 0;                        // bytes_received() at the last one
  ByteVector last_metadata_;                         // as received
  std::optional<uint32_t> open_audio_, open_video_;  // csids
  ConnectRequest connect_;
  PublishRequest publish_;
};

}  // namespace headgate::rtmp
