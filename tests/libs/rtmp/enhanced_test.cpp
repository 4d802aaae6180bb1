// SPDX-License-Identifier: LGPL-2.1-or-later
// Enhanced RTMP v2 in commands, and its packets that are no media.
#include <rtmp/client.h>
#include <rtmp/enhanced.h>
#include <rtmp/server.h>

#include <bit>

#include "client.h"

namespace headgate::rtmp::test {
namespace {

// As OBS 30 sends it.
const char* const kObsConnect =
    "02 0007 636f6e6e656374 00 3ff0000000000000 03"
    "0003 617070 02 0002 6c74"
    "000a 666f757243634c697374 0a 00000003 02 0004 61763031 02 0004 68766331 02 0004 4f707573"
    "000009";
// videoFourCcInfoMap {"*": 4}, capsEx 1 | 8
const char* const kMapConnect =
    "02 0007 636f6e6e656374 00 3ff0000000000000 03"
    "0003 617070 02 0002 6c74"
    "0012 766964656f466f75724363496e666f4d6170 03 0001 2a 00 4010000000000000 000009"
    "0006 636170734578 00 4022000000000000"
    "000009";

class Enhanced : public testing::Test {
 protected:
  Replies connect(const ByteVector& connect_message) {
    server_.emplace();
    replies_ = {};
    EXPECT_TRUE(server_->feed(plain_handshake(), handler_));
    server_->take_output();
    EXPECT_TRUE(server_->feed(connect_message, handler_));
    return replies_.read(server_->take_output());
  }
  void publish() {
    EXPECT_TRUE(server_->feed(joined({plain_command("createStream", 2), publish_command(3, "k")}), handler_));
    ASSERT_EQ(server_->phase(), Server::Phase::kPublishAsked);
    server_->take_output();
  }

  std::optional<Server> server_;
  RecordingHandler handler_;
  ReplyReader replies_;
};

TEST_F(Enhanced, ConnectIsAnsweredWithWhatIsTaken) {
  for (const char* bytes : {kObsConnect, kMapConnect}) {
    Replies r = connect(command(hex(bytes)));
    const auto* result = r.find("_result");
    ASSERT_TRUE(result);
    ASSERT_EQ(result->size(), 4u);
    for (size_t i : {2u, 3u}) {  // properties and information
      const AmfValue& object = (*result)[i];
      EXPECT_EQ(object.real("capsEx"), 13) << "no multitrack";
      const AmfValue* list = object.find("fourCcList");
      ASSERT_TRUE(list);
      std::string all;
      for (const AmfValue& codec : list->elements) all += codec.string + " ";
      EXPECT_EQ(all, "avc1 hvc1 vp09 av01 mp4a Opus fLaC ac-3 ec-3 ");
      const AmfValue* video = object.find("videoFourCcInfoMap");
      const AmfValue* audio = object.find("audioFourCcInfoMap");
      ASSERT_TRUE(video && audio);
      EXPECT_EQ(video->properties.size(), 4u);
      EXPECT_EQ(video->real("hvc1"), 4);
      EXPECT_EQ(audio->properties.size(), 5u);
      EXPECT_EQ(audio->real("ec-3"), 4);
    }
    EXPECT_EQ((*result)[3].real("objectEncoding", -1), 0);
  }
}

TEST_F(Enhanced, OldClientsAreAnsweredAsEver) {
  Replies r = connect(connect_command("lt"));
  const auto* result = r.find("_result");
  ASSERT_TRUE(result);
  for (const AmfValue& object : *result) EXPECT_FALSE(read_caps_ex(object));
  EXPECT_FALSE(server_->connect_request().caps_ex);
}

TEST_F(Enhanced, CapabilitiesOfStrangers) {
  const auto caps = [](double value) {
    ByteVector bytes;
    AmfWriter(bytes).begin_object().key("capsEx").number(value).end();
    return read_caps_ex(read_amf0(bytes)->front());
  };
  EXPECT_EQ(caps(15), 15u);
  EXPECT_EQ(caps(0), 0u);
  EXPECT_EQ(caps(-1), 0u);
  EXPECT_EQ(caps(4294967295.0), 4294967295u);
  EXPECT_EQ(caps(1e300), 0u);
  EXPECT_EQ(caps(std::bit_cast<double>(0x7ff8000000000000u)), 0u);
}

TEST_F(Enhanced, WhoAnnouncedItIsAskedToReconnect) {
  connect(command(hex(kMapConnect)));
  EXPECT_EQ(server_->connect_request().caps_ex, 9u);
  publish();
  EXPECT_FALSE(server_->request_reconnect("", "too early"));
  // Behind a hand-over, too.
  auto other = Server::restore(server_->save());
  ASSERT_TRUE(other);
  EXPECT_EQ(other->connect_request().caps_ex, 9u);
  other->accept_publish();
  other->take_output();
  ASSERT_TRUE(other->request_reconnect("rtmp://other/lt", "This node is going away."));
  // onStatus, 0, null, {tcUrl, code, description, level} on message stream 0.
  EXPECT_EQ(to_hex(other->take_output()),
            to_hex(joined(
                {hex("03 000000 000099 14 00000000 02 0008 6f6e537461747573 00 0000000000000000 05 03"
                     "0005 746355726c 02 000f 72746d703a2f2f6f746865722f6c74"
                     "0004 636f6465 02 0026"),
                 hex("4e6574436f6e6e656374696f6e2e436f6e6e6563742e5265636f6e6e65637452657175657374"
                     "000b 6465736372697074696f6e 02 0018 54686973206e6f646520697320676f696e6720617761792e"
                     "0005 6c6576656c 02 0006 737461747573 000009")})));
  EXPECT_EQ(other->phase(), Server::Phase::kPublishing) << "it is served until it leaves";
  ASSERT_TRUE(other->request_reconnect("", ""));
  Replies r = replies_.read(other->take_output());
  EXPECT_EQ(r.field("onStatus", "code"), "NetConnection.Connect.ReconnectRequest");
  EXPECT_FALSE(r.find("onStatus")->at(3).find("tcUrl"));
}

TEST_F(Enhanced, OthersAreNotAskedToReconnect) {
  for (const ByteVector& bytes : {connect_command("lt"), command(hex(kObsConnect))}) {
    connect(bytes);
    publish();
    server_->accept_publish();
    server_->take_output();
    EXPECT_FALSE(server_->request_reconnect("", "x"));
    EXPECT_FALSE(server_->has_output());
  }
}

TEST_F(Enhanced, TheClientHearsOfIt) {
  for (bool enhanced : {true, false}) {
    PublishTarget target;
    target.tc_url = "rtmp://h/lt";
    target.app = "lt";
    target.stream_key = "k";
    target.enhanced = enhanced;
    Client client(target);
    Server server;
    const auto exchange = [&] {
      while (client.has_output() || server.has_output()) {
        ASSERT_TRUE(server.feed(client.take_output(), handler_));
        if (server.phase() == Server::Phase::kPublishAsked) server.accept_publish();
        ASSERT_TRUE(client.feed(server.take_output()));
      }
    };
    exchange();
    ASSERT_EQ(client.phase(), Client::Phase::kPublishing);
    EXPECT_EQ(client.server_caps(), enhanced ? std::optional(kOwnCaps) : std::nullopt);
    EXPECT_FALSE(client.reconnect());
    EXPECT_EQ(server.request_reconnect("/other", "why"), enhanced);
    exchange();
    ASSERT_EQ(client.reconnect().has_value(), enhanced);
    EXPECT_EQ(client.phase(), Client::Phase::kPublishing);
    if (!enhanced) continue;
    EXPECT_EQ(client.reconnect()->tc_url, "/other");
    EXPECT_EQ(client.reconnect()->text, "why");
  }
}

TEST_F(Enhanced, ColorInfo) {
  // "colorInfo" {colorConfig: {bitDepth 10, colorPrimaries 9}, hdrCll: {maxCLL 1000}}
  const ByteVector bytes = hex(
      "02 0009 636f6c6f72496e666f 03"
      "000b 636f6c6f72436f6e666967 03"
      "0008 6269744465707468 00 4024000000000000 000e 636f6c6f725072696d6172696573 00 4022000000000000 000009"
      "0006 686472436c6c 03 0006 6d6178434c4c 00 408f400000000000 000009"
      "000009");
  auto info = read_color_info(bytes);
  ASSERT_TRUE(info);
  ASSERT_TRUE(*info);
  ColorInfo expected;
  expected.bit_depth = 10;
  expected.primaries = 9;
  expected.max_cll = 1000;
  EXPECT_EQ(**info, expected);
  for (size_t size = 1; size < bytes.size(); ++size) {
    auto cut = read_color_info(Bytes(bytes).first(size));
    EXPECT_TRUE(!cut || !*cut) << size;
  }
  // Taken back: by undefined, or by an empty object.
  EXPECT_EQ(read_color_info(hex("02 0009 636f6c6f72496e666f 06"))->value(), ColorInfo());
  EXPECT_EQ(read_color_info(hex("02 0009 636f6c6f72496e666f 03 000009"))->value(), ColorInfo());
  EXPECT_FALSE(read_color_info(hex("02 0005 6f74686572 03 000009"))->has_value());
  EXPECT_FALSE(read_color_info({})->has_value());
  EXPECT_FALSE(read_color_info(ByteVector(65 * 1024, std::byte{5}))) << "max_data_bytes";
}

TEST_F(Enhanced, ColorInfoWhole) {
  ByteVector bytes;
  AmfWriter writer(bytes);
  writer.string("other").number(1).string("colorInfo").begin_object().key("hdrMdcv").begin_object();
  const std::string_view names[] = {"redX",  "redY",        "greenX",      "greenY",       "blueX",
                                    "blueY", "whitePointX", "whitePointY", "maxLuminance", "minLuminance"};
  double value = 0;
  for (std::string_view name : names) writer.key(name).number(++value);
  writer.end().end();
  auto info = read_color_info(bytes);
  ASSERT_TRUE(info && *info);
  const ColorInfo& c = **info;
  value = 0;
  for (const auto& field : {c.red_x, c.red_y, c.green_x, c.green_y, c.blue_x, c.blue_y, c.white_x, c.white_y,
                            c.max_luminance, c.min_luminance})
    EXPECT_EQ(field, ++value);
}

TEST_F(Enhanced, MultichannelConfig) {
  auto config = read_multichannel(hex("00 02"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->order, Multichannel::kUnspecified);
  EXPECT_EQ(config->channels, 2);
  config = read_multichannel(hex("01 06 0000060f"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->order, Multichannel::kNative);
  EXPECT_EQ(config->mask, 0x60fu);
  config = read_multichannel(hex("02 03 0001fe"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->order, Multichannel::kCustom);
  EXPECT_EQ(config->mapping, (std::vector<uint8_t>{0, 1, 0xfe}));
  for (const char* bad : {"", "00", "01 06 00060f", "02 03 0001", "03 02", "00 00"})
    EXPECT_FALSE(read_multichannel(hex(bad))) << bad;
}

}  // namespace
}  // namespace headgate::rtmp::test
