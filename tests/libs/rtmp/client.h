// SPDX-License-Identifier: LGPL-2.1-or-later
// A publisher's bytes, made by hand: handshake and commands in the forms that clients in the field use.
#pragma once

#include <optional>
#include <string>

#include <rtmp/server.h>

#include "rtmp_support.h"

namespace headgate::rtmp::test {

inline ByteVector command(const ByteVector& amf, uint32_t csid = 3, uint32_t stream = 0,
                          uint8_t type = kCommandAmf0) {
  ByteVector out;
  ChunkWriter().write(out, csid, {.type = type, .stream_id = stream}, amf);
  return out;
}

// C0 C1, C2: zeros are as good as random here.
inline ByteVector plain_handshake() {
  ByteVector out(1 + 2 * kHandshakeBlock);
  out[0] = std::byte{3};
  return out;
}

inline ByteVector connect_command(std::string_view app, std::string_view tc_url = "rtmp://h/lt",
                                  std::string_view flash_ver = "FMLE/3.0 (compatible; test)") {
  ByteVector amf;
  AmfWriter writer(amf);
  writer.string("connect").number(1).begin_object();
  writer.key("app").string(app).key("type").string("nonprivate");
  writer.key("flashVer").string(flash_ver).key("tcUrl").string(tc_url).end();
  return command(amf);
}

// A command with a name as its argument: releaseStream, FCPublish, …
inline ByteVector name_command(std::string_view name, double transaction, std::string_view argument,
                               uint32_t csid = 3, uint32_t stream = 0) {
  ByteVector amf;
  AmfWriter(amf).string(name).number(transaction).null().string(argument);
  return command(amf, csid, stream);
}

inline ByteVector plain_command(std::string_view name, double transaction, uint32_t csid = 3,
                                uint32_t stream = 0) {
  ByteVector amf;
  AmfWriter(amf).string(name).number(transaction).null();
  return command(amf, csid, stream);
}

inline ByteVector publish_command(double transaction, std::string_view key, uint32_t csid = 3,
                                  uint32_t stream = 1) {
  ByteVector amf;
  AmfWriter(amf).string("publish").number(transaction).null().string(key).string("live");
  return command(amf, csid, stream);
}

inline ByteVector delete_stream_command(double transaction, double stream) {
  ByteVector amf;
  AmfWriter(amf).string("deleteStream").number(transaction).null().number(stream);
  return command(amf);
}

inline ByteVector message(uint8_t type, uint32_t csid, uint32_t timestamp, const ByteVector& body) {
  ByteVector out;
  ChunkWriter().write(out, csid, {.type = type, .stream_id = 1, .timestamp = timestamp}, body);
  return out;
}

// What a server sent, read as a client would, behind its handshake.
struct Replies {
  std::vector<Seen> messages;
  std::vector<std::vector<AmfValue>> commands;

  // The first command with that name.
  const std::vector<AmfValue>* find(std::string_view name) const {
    for (const auto& values : commands)
      if (!values.empty() && values[0].string == name) return &values;
    return nullptr;
  }
  // Of the first command with that name: its status object's field.
  std::string field(std::string_view name, std::string_view key) const {
    const auto* values = find(name);
    if (!values) return {};
    for (const AmfValue& value : *values)
      if (value.find(key)) return std::string(value.text(key));
    return {};
  }
};

class ReplyReader {
 public:
  Replies read(Bytes bytes) {
    Replies out;
    RecordingSink sink;
    EXPECT_TRUE(reader_.feed(bytes, sink));
    for (const Seen& seen : sink.seen) {
      if (seen.type == kCommandAmf0) {
        auto values = read_amf0(hex(seen.body));
        EXPECT_TRUE(values);
        if (values) out.commands.push_back(*values);
      }
    }
    out.messages = std::move(sink.seen);
    return out;
  }

 private:
  ChunkReader reader_;
};

class RecordingHandler : public ServerHandler {
 public:
  std::optional<std::string> on_connect(const ConnectRequest& request) override {
    connects.push_back(request);
    return rejection;
  }
  void on_metadata(const Metadata& data) override { metadata.push_back(data); }
  void on_end(End end) override { ends.push_back(end); }

  std::optional<std::string> rejection;
  std::vector<ConnectRequest> connects;
  std::vector<Metadata> metadata;
  std::vector<End> ends;
};

}  // namespace headgate::rtmp::test
