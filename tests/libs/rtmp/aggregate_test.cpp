// SPDX-License-Identifier: LGPL-2.1-or-later
// Aggregate messages (RTMP 1.0, 7.1.6), through Server.
#include <rtmp/server.h>

#include "client.h"

namespace headgate::rtmp::test {
namespace {

// One message in an aggregate, with its back pointer.
ByteVector tag(uint8_t type, uint32_t ms, Bytes body, uint32_t stream = 0) {
  ByteVector out;
  ByteWriter writer(out);
  writer.u8(type);
  writer.u24(body.size());
  writer.u24(ms & 0xffffff);
  writer.u8(ms >> 24);
  writer.u24(stream);
  writer.bytes(body);
  writer.u32(11 + body.size());
  return out;
}

class AggregateTest : public testing::Test {
 protected:
  void SetUp() override { publish(); }
  void publish(const Limits& limits = {}) {
    server_.emplace(limits);
    feed(plain_handshake());
    for (const ByteVector& one :
         {connect_command("lt"), plain_command("createStream", 2), publish_command(3, "key")})
      feed(one);
    ASSERT_EQ(server_->phase(), Server::Phase::kPublishAsked);
    server_->accept_publish();
    server_->take_output();
  }
  void feed(const ByteVector& bytes) {
    const auto fed = server_->feed(bytes, handler_, &sink_);
    EXPECT_TRUE(fed) << fed.error().message;
    server_->take_output();
  }
  std::string error_of(const ByteVector& bytes) {
    const auto fed = server_->feed(bytes, handler_, &sink_);
    EXPECT_FALSE(fed);
    return fed ? "" : fed.error().message;
  }

  std::optional<Server> server_;
  RecordingHandler handler_;
  RecordingSink sink_;
};

const ByteVector kKey = hex("1701000000 aabbcc"), kDelta = hex("2701000028 dd"), kSound = hex("af01 ee");

TEST_F(AggregateTest, ComesApartWithTimesOfItsOwn) {
  // Its own time is that of the first in it, whatever that says; its stream is that of all.
  feed(message(kAggregate, 6, 1000,
               joined({tag(kVideo, 40, kKey, 9), tag(kAudio, 63, kSound), tag(kVideo, 80, kDelta)})));
  EXPECT_EQ(sink_.seen, (std::vector<Seen>{{6, kVideo, 1, 1000, to_hex(kKey)},
                                           {6, kAudio, 1, 1023, to_hex(kSound)},
                                           {6, kVideo, 1, 1040, to_hex(kDelta)}}));
  feed(message(kVideo, 6, 1080, kDelta));
  EXPECT_EQ(sink_.seen.back().timestamp, 1080u);
}

TEST_F(AggregateTest, TimesWrapAndMayGoBack) {
  feed(message(
      kAggregate, 6, 5,
      joined({tag(kVideo, 0xfffffff0, kKey), tag(kAudio, 0xffffffe8, kSound), tag(kVideo, 24, kDelta)})));
  ASSERT_EQ(sink_.seen.size(), 3u);
  EXPECT_EQ(sink_.seen[0].timestamp, 5u);
  EXPECT_EQ(sink_.seen[1].timestamp, 0xfffffffdu);
  EXPECT_EQ(sink_.seen[2].timestamp, 45u);
}

TEST_F(AggregateTest, ComesInPiecesAndBesideOthers) {
  const ByteVector large = filled(1000, 3);
  const ByteVector whole = message(
      kAggregate, 6, 0, joined({tag(kVideo, 0, joined({hex("1701000000"), large})), tag(kAudio, 0, kSound)}));
  for (const std::byte& byte : whole) feed(ByteVector{byte});
  ASSERT_EQ(sink_.seen.size(), 2u);
  EXPECT_EQ(sink_.seen[0].body, "1701000000" + to_hex(large));
  EXPECT_EQ(sink_.seen[1].body, to_hex(kSound));
}

TEST_F(AggregateTest, WhatIsNoMediaIsPassedOver) {
  ByteVector metadata;
  AmfWriter(metadata).string("onMetaData").begin_object().key("width").number(640).end();
  const ByteVector inner = tag(kVideo, 0, kKey);
  feed(message(kAggregate, 6, 0,
               joined({tag(kDataAmf0, 0, metadata), tag(kAggregate, 0, inner),
                       tag(kCommandAmf0, 0, hex("02")), tag(kSetChunkSize, 0, hex("00000001")),
                       tag(99, 0, hex("00")), tag(kAudio, 7, {}), tag(kAudio, 9, kSound)})));
  EXPECT_EQ(handler_.metadata.size(), 1u);
  EXPECT_EQ(sink_.seen, (std::vector<Seen>{{6, kAudio, 1, 7, ""}, {6, kAudio, 1, 9, to_hex(kSound)}}));
  feed(message(kAggregate, 6, 50, {}));
  EXPECT_EQ(sink_.seen.size(), 2u);
}

TEST_F(AggregateTest, TheLastBackPointerMayBeMissing) {
  ByteVector whole = joined({tag(kVideo, 0, kKey), tag(kAudio, 0, kSound)});
  whole.resize(whole.size() - 4);
  feed(message(kAggregate, 6, 0, whole));
  whole.resize(whole.size() + 2);  // or half of it
  feed(message(kAggregate, 6, 0, whole));
  EXPECT_EQ(sink_.seen.size(), 4u);
}

TEST_F(AggregateTest, CutShortEndsTheConnection) {
  ByteVector whole = tag(kVideo, 0, kKey);
  whole.resize(11 + kKey.size() - 1);
  EXPECT_EQ(error_of(message(kAggregate, 6, 0, whole)),
            "RTMP: a message in an aggregate message is longer than this");
  publish();
  EXPECT_EQ(error_of(message(kAggregate, 6, 0, joined({tag(kVideo, 0, kKey), hex("08")}))),
            "RTMP: an aggregate message is cut short");
  EXPECT_EQ(sink_.seen.size(), 1u) << "what came before is whole";
}

TEST_F(AggregateTest, NoTrackBeginsInsideAnotherMessageOfIts) {
  ByteVector begun = message(kVideo, 7, 0, filled(500));
  begun.resize(140);  // a chunk
  feed(begun);
  EXPECT_EQ(error_of(message(kAggregate, 6, 0, tag(kVideo, 0, kKey))),
            "RTMP: a second audio or video message begins inside another");
}

TEST_F(AggregateTest, HasALimit) {
  Limits limits;
  limits.max_aggregate_bytes = 100;
  limits.max_data_bytes = 20;
  publish(limits);
  EXPECT_EQ(error_of(message(kAggregate, 6, 0, filled(101))),
            "RTMP: limit max_aggregate_bytes (100) exceeded");
  publish(limits);
  EXPECT_EQ(error_of(message(kAggregate, 6, 0, tag(kDataAmf0, 0, filled(21)))),
            "RTMP: limit max_data_bytes (20) exceeded");
}

TEST_F(AggregateTest, IsSkippedBeforeItMayCome) {
  server_.emplace();
  feed(plain_handshake());
  feed(connect_command("lt"));
  feed(message(kAggregate, 6, 0, joined({tag(kVideo, 0, kKey), hex("08")})));
  EXPECT_TRUE(sink_.seen.empty());
}

}  // namespace
}  // namespace headgate::rtmp::test
