// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/server.h>

#include "client.h"

namespace headgate::rtmp::test {
namespace {

using Phase = Server::Phase;

// A server past its handshake.
class ServerTest : public testing::Test {
 protected:
  void start(const Limits& limits = {}) {
    server_.emplace(limits);
    ASSERT_TRUE(server_->feed(plain_handshake(), handler_, &sink_));
    EXPECT_EQ(server_->take_output().size(), 1 + 2 * kHandshakeBlock);
    EXPECT_EQ(server_->phase(), Phase::kCommands);
  }
  Replies send(const ByteVector& bytes) {
    auto fed = server_->feed(bytes, handler_, &sink_);
    EXPECT_TRUE(fed) << fed.error().message;
    return replies_.read(server_->take_output());
  }
  std::string error_of(const ByteVector& bytes) {
    auto fed = server_->feed(bytes, handler_, &sink_);
    EXPECT_FALSE(fed);
    return fed ? "" : fed.error().message;
  }
  void publish() {
    start();
    send(connect_command("lt"));
    send(plain_command("createStream", 2));
    send(publish_command(3, "key"));
    ASSERT_EQ(server_->phase(), Phase::kPublishAsked);
    server_->accept_publish();
    replies_.read(server_->take_output());
  }

  std::optional<Server> server_;
  RecordingHandler handler_;
  RecordingSink sink_;
  ReplyReader replies_;
};

TEST_F(ServerTest, FfmpegSequence) {
  start();
  Replies r = send(connect_command("lt", "rtmp://h:1935/lt", "FMLE/3.0 (compatible; Lavf59.27.100)"));
  EXPECT_EQ(r.field("_result", "code"), "NetConnection.Connect.Success");
  ASSERT_EQ(r.messages.size(), 3u);  // Set Chunk Size is the reader's own
  EXPECT_EQ(r.messages[0].type, kWindowAckSize);
  EXPECT_EQ(r.messages[1].type, kSetPeerBandwidth);
  EXPECT_EQ(server_->connect_request().app, "lt");
  EXPECT_EQ(server_->connect_request().flash_ver, "FMLE/3.0 (compatible; Lavf59.27.100)");

  r = send(joined({name_command("releaseStream", 2, "k?ticket=abc"),
                   name_command("FCPublish", 3, "k?ticket=abc"), plain_command("createStream", 4)}));
  ASSERT_EQ(r.commands.size(), 3u);
  EXPECT_EQ(r.commands[0][1].number, 2);
  EXPECT_EQ(r.commands[1][1].number, 3);
  EXPECT_EQ(r.commands[2][1].number, 4);
  EXPECT_EQ(r.commands[2][3].number, 1);  // the stream's number

  r = send(joined({plain_command("_checkbw", 5), publish_command(6, "k?ticket=abc", 8)}));
  EXPECT_EQ(server_->phase(), Phase::kPublishAsked);
  EXPECT_EQ(server_->publish_request().name, "k?ticket=abc");
  EXPECT_EQ(server_->publish_request().type, "live");
  server_->accept_publish();
  r = replies_.read(server_->take_output());
  EXPECT_EQ(r.field("onStatus", "code"), "NetStream.Publish.Start");
  EXPECT_EQ(r.field("onStatus", "level"), "status");
  EXPECT_EQ(r.field("onFCPublish", "code"), "NetStream.Publish.Start");
  EXPECT_EQ(r.messages.front(), (Seen{2, kUserControl, 0, 0, "000000000001"}));  // StreamBegin 1
  EXPECT_EQ(r.messages.back().stream_id, 1u);

  r = send(joined({message(kVideo, 6, 0, hex("1700000000 01")), message(kAudio, 4, 23, hex("af00 1210")),
                   message(kVideo, 6, 40, hex("1702000000")), name_command("FCUnpublish", 6, "k"),
                   delete_stream_command(7, 1)}));
  ASSERT_EQ(sink_.seen.size(), 3u);
  EXPECT_EQ(sink_.seen[0].body, "170000000001");
  EXPECT_EQ(sink_.seen[1].timestamp, 23u);
  EXPECT_EQ(handler_.ends, std::vector{End::kUnpublish});
  EXPECT_EQ(server_->phase(), Phase::kEnded);
  EXPECT_EQ(r.field("onStatus", "code"), "NetStream.Unpublish.Success");
}

TEST_F(ServerTest, Rtmp2sinkSequence) {  // transaction 0 almost everywhere, window and chunk size first
  start();
  Replies r = send(joined(
      {hex("42 000000 000004 05 002625a0"), hex("42 000000 000004 01 00000080"), connect_command("lt")}));
  EXPECT_EQ(r.field("_result", "code"), "NetConnection.Connect.Success");
  r = send(joined({name_command("releaseStream", 0, "k"), name_command("FCPublish", 0, "k"),
                   plain_command("createStream", 2)}));
  ASSERT_EQ(r.commands.size(), 1u) << "nothing is replied to transaction 0";
  EXPECT_EQ(r.commands[0][1].number, 2);
  send(publish_command(0, "k"));
  ASSERT_EQ(server_->phase(), Phase::kPublishAsked);
  server_->accept_publish();
  EXPECT_EQ(replies_.read(server_->take_output()).field("onStatus", "code"), "NetStream.Publish.Start");
}

TEST_F(ServerTest, LibrtmpSequence) {  // publish, data and media all on chunk stream 4
  start();
  send(connect_command("lt"));
  send(joined({name_command("releaseStream", 2, "k"), name_command("FCPublish", 3, "k"),
               plain_command("createStream", 4)}));
  send(publish_command(5, "k", 4));
  server_->accept_publish();
  server_->take_output();
  ByteVector meta;
  AmfWriter(meta)
      .string("@setDataFrame")
      .string("onMetaData")
      .begin_ecma_array(1)
      .key("width")
      .number(640)
      .end();
  ByteVector again = message(kDataAmf0, 4, 0, meta);
  send(joined({again, message(kVideo, 4, 0, hex("1701000000 aa")), again, again,
               message(kAudio, 4, 5, hex("af01 bb"))}));
  EXPECT_EQ(handler_.metadata.size(), 1u) << "repeated metadata is no news";
  EXPECT_EQ(handler_.metadata[0].width, 640);
  ASSERT_EQ(sink_.seen.size(), 2u);
}

TEST_F(ServerTest, AMessageThatBeginsBehindPublishWaits) {
  start();
  send(connect_command("lt"));
  send(joined({plain_command("createStream", 2), publish_command(3, "k"),
               message(kVideo, 6, 7, hex("1700000000 01")), message(kAudio, 4, 7, hex("af00 12"))}));
  EXPECT_TRUE(sink_.seen.empty());
  server_->accept_publish();
  ASSERT_TRUE(server_->feed({}, handler_, &sink_));
  ASSERT_EQ(sink_.seen.size(), 2u);
  EXPECT_EQ(sink_.seen[0].body, "170000000001");
}

TEST_F(ServerTest, PublishIsRefusedWithText) {
  start();
  send(connect_command("lt"));
  send(joined({plain_command("createStream", 2), publish_command(3, "k")}));
  server_->refuse_publish(1403, "EXPIRED: " + std::string(400, 'x'));
  Replies r = replies_.read(server_->take_output());
  EXPECT_EQ(r.field("onStatus", "code"), "NetStream.Publish.BadName");
  EXPECT_EQ(r.field("onStatus", "level"), "error");
  std::string text = r.field("onStatus", "description");
  EXPECT_TRUE(text.starts_with("1403 EXPIRED: xx")) << text;
  EXPECT_EQ(text.size(), 255u);
  EXPECT_EQ(server_->phase(), Phase::kEnded);
  EXPECT_TRUE(send(message(kVideo, 6, 7, hex("1700000000 01"))).messages.empty());
}

TEST_F(ServerTest, APublisherIsToldWhyItIsOver) {
  start();
  send(connect_command("lt"));
  send(joined({plain_command("createStream", 2), publish_command(3, "k")}));
  server_->accept_publish();
  send(message(kVideo, 6, 0, hex("1700000000 01")));
  ASSERT_EQ(sink_.seen.size(), 1u);
  replies_.read(server_->take_output());
  server_->end_publish("1406 OVER-RATE: " + std::string(400, 'x'));
  Replies r = replies_.read(server_->take_output());
  EXPECT_EQ(r.field("onStatus", "code"), "NetStream.Publish.BadName");
  EXPECT_EQ(r.field("onStatus", "level"), "error");
  EXPECT_TRUE(r.field("onStatus", "description").starts_with("1406 OVER-RATE: xx"));
  EXPECT_EQ(r.field("onStatus", "description").size(), 255u);
  EXPECT_EQ(r.messages.back().stream_id, 1u);
  EXPECT_EQ(server_->phase(), Phase::kEnded);
  send(message(kVideo, 6, 40, hex("1700000000 01")));
  EXPECT_EQ(sink_.seen.size(), 1u) << "media that was on its way";
}

TEST_F(ServerTest, ConnectIsRejectedWithText) {
  start();
  handler_.rejection = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
  Replies r = send(connect_command("lt?authmod=adobe&user=u"));
  EXPECT_EQ(r.field("_error", "code"), "NetConnection.Connect.Rejected");
  EXPECT_EQ(r.field("_error", "description"), *handler_.rejection);
  ASSERT_EQ(r.commands.size(), 1u);
  EXPECT_EQ(r.commands[0][1].number, 1);
  EXPECT_EQ(r.messages[0].body, "000600000000") << "the ping before it (docs/rtmp.md, librtmp)";
  EXPECT_EQ(handler_.connects[0].app, "lt");
  EXPECT_EQ(handler_.connects[0].query, "authmod=adobe&user=u");
  EXPECT_EQ(server_->phase(), Phase::kEnded);
}

TEST_F(ServerTest, AppMayBeEmptyOrCarryAPathAndTheQueryMayBeInTcUrl) {
  start();
  send(connect_command("", "rtmp://h/?authmod=adobe&user=u"));
  EXPECT_EQ(server_->connect_request().app, "");
  EXPECT_EQ(server_->connect_request().query, "authmod=adobe&user=u");
  start();
  replies_ = {};
  send(connect_command("live/inst/", "rtmp://h/live/inst"));
  EXPECT_EQ(server_->connect_request().app, "live/inst");
  EXPECT_EQ(server_->connect_request().query, "");
}

TEST_F(ServerTest, Amf3Commands) {  // a format byte, then AMF0 with AMF3 where 0x11 says so
  start();
  ByteVector amf = hex("00");
  append(amf, hex("02 0007 636f6e6e656374 00 3ff0000000000000 03 0003 617070 02 0002 6c74 000009"));
  Replies r = send(command(amf, 3, 0, kCommandAmf3));
  EXPECT_EQ(r.field("_result", "code"), "NetConnection.Connect.Success");
  send(command(hex("00 02 0007 7075626c697368 00 0000000000000000 11 01 11 06 05 6b31 11 06 09 6c697665"), 3,
               1, kCommandAmf3));
  EXPECT_EQ(server_->phase(), Phase::kPublishAsked);
  EXPECT_EQ(server_->publish_request().name, "k1");
}

TEST_F(ServerTest, SecondPublishIsIgnored) {
  publish();
  EXPECT_TRUE(send(publish_command(8, "other")).commands.empty());
  EXPECT_EQ(server_->phase(), Phase::kPublishing);
  EXPECT_EQ(server_->publish_request().name, "key");
  send(name_command("FCPublish", 9, "other"));
  EXPECT_EQ(server_->phase(), Phase::kPublishing);
}

TEST_F(ServerTest, EndsByDeleteOrClose) {
  publish();
  send(delete_stream_command(0, 2));  // another stream
  EXPECT_EQ(server_->phase(), Phase::kPublishing);
  send(delete_stream_command(0, 1));
  EXPECT_EQ(handler_.ends, std::vector{End::kDeleteStream});
  handler_.ends.clear();
  replies_ = {};
  publish();
  send(plain_command("closeStream", 0, 3, 1));
  EXPECT_EQ(handler_.ends, std::vector{End::kCloseStream});
}

TEST_F(ServerTest, EndCommandsBeforePublishAreIgnored) {
  start();
  send(connect_command("lt"));
  send(joined(
      {delete_stream_command(2, 0), plain_command("closeStream", 3), name_command("FCUnpublish", 4, "k")}));
  EXPECT_EQ(server_->phase(), Phase::kCommands);
  EXPECT_TRUE(handler_.ends.empty());
}

TEST_F(ServerTest, PingsAreAnswered) {
  publish();
  Replies r = send(message(kUserControl, 2, 0, hex("0006 01020304")));
  ASSERT_EQ(r.messages.size(), 1u);
  EXPECT_EQ(r.messages[0].body, "000701020304");
  EXPECT_TRUE(send(message(kUserControl, 2, 0, hex("0003 00000001 0000012c"))).messages.empty());
  EXPECT_TRUE(send(message(kUserControl, 2, 0, hex("00ff"))).messages.empty());
  EXPECT_TRUE(send(message(kUserControl, 2, 0, hex("06"))).messages.empty());
}

TEST_F(ServerTest, AcknowledgesOncePerWindow) {
  publish();
  send(message(kWindowAckSize, 2, 0, hex("00002710")));  // 10,000
  int acknowledged = 0;
  uint64_t last = 0;
  for (int i = 0; i < 50; ++i) {
    for (const Seen& seen : send(message(kAudio, 4, 0, filled(1000))).messages) {
      ASSERT_EQ(seen.type, kAcknowledgement);
      uint64_t value = ByteReader(hex(seen.body)).u32();
      EXPECT_EQ(value, server_->bytes_received());
      EXPECT_GE(value - last, 10000u);
      last = value;
      ++acknowledged;
    }
  }
  EXPECT_EQ(acknowledged, 5);
}

TEST_F(ServerTest, UnreadableMetadataAndCommandsDoNotEndAStream) {
  publish();
  send(message(kDataAmf0, 4, 0, hex("02 00ff 61")));
  send(message(kDataAmf0, 4, 0, hex("05")));
  send(message(kCommandAmf0, 3, 0, hex("02 00ff 61")));
  send(message(kCommandAmf0, 3, 0, hex("05")));
  send(message(99, 3, 0, hex("0505")));
  EXPECT_EQ(server_->phase(), Phase::kPublishing);
  EXPECT_TRUE(handler_.metadata.empty());
}

TEST_F(ServerTest, MetadataWithoutSetDataFrameAndChanging) {
  publish();
  for (double width : {640, 640, 1280}) {
    ByteVector meta;
    AmfWriter(meta).string("onMetaData").begin_object().key("width").number(width).end();
    send(message(kDataAmf0, 4, 0, meta));
  }
  ASSERT_EQ(handler_.metadata.size(), 2u);
  EXPECT_EQ(handler_.metadata[1].width, 1280);
}

TEST_F(ServerTest, MediaBeforePublishIsDropped) {
  start();
  send(connect_command("lt"));
  send(message(kVideo, 6, 7, filled(1000)));
  EXPECT_TRUE(sink_.seen.empty());
  EXPECT_TRUE(sink_.open.empty());
}

TEST_F(ServerTest, TwoOpenMessagesOfOneTrackAreAnError) {
  publish();
  ByteVector data = joined(
      {hex("06 000000 00012c 09 01000000"), filled(128), hex("07 000000 00012c 09 01000000"), filled(128)});
  EXPECT_NE(error_of(data), "");
  EXPECT_EQ(sink_.open.size(), 1u);
}

TEST_F(ServerTest, AbortedMediaIsAbandoned) {
  publish();
  send(joined({hex("06 000000 00012c 09 01000000"), filled(128), message(kAbort, 2, 0, hex("00000006"))}));
  EXPECT_EQ(sink_.abandoned, 1);
  send(message(kVideo, 7, 0, hex("1701000000 aa")));
  EXPECT_EQ(sink_.seen.size(), 1u);
}

TEST_F(ServerTest, PlayIsRefused) {
  start();
  send(connect_command("lt"));
  Replies r = send(name_command("play", 0, "k", 3, 1));
  EXPECT_EQ(r.field("onStatus", "level"), "error");
  EXPECT_EQ(server_->phase(), Phase::kEnded);
}

TEST_F(ServerTest, CommandsOutOfOrderOrWithoutAName) {
  start();
  EXPECT_NE(error_of(plain_command("createStream", 1)), "");
  start();
  EXPECT_NE(error_of(command(hex("05"))), "");
  start();
  EXPECT_NE(error_of(command(hex("02 00ff 61"))), "");
  start();
  EXPECT_NE(error_of(command({})), "");
}

TEST_F(ServerTest, LimitsBeforePublish) {
  Limits limits;
  limits.max_commands_before_publish = 5;
  start(limits);
  send(connect_command("lt"));
  ByteVector many;
  for (int i = 0; i < 4; ++i) append(many, plain_command("createStream", 2));
  send(many);
  EXPECT_NE(error_of(plain_command("createStream", 2)).find("max_commands_before_publish"),
            std::string::npos);

  limits = {};
  limits.max_bytes_before_publish = 2000;
  start(limits);
  replies_ = {};
  send(connect_command("lt"));
  send(message(kVideo, 6, 0, filled(1000)));
  EXPECT_NE(error_of(message(kVideo, 6, 0, filled(1000))).find("max_bytes_before_publish"),
            std::string::npos);

  limits = {};
  limits.max_pending_bytes = 1000;
  start(limits);
  replies_ = {};
  send(connect_command("lt"));
  send(publish_command(3, "k"));
  send(filled(1000));
  EXPECT_NE(error_of(filled(1)).find("max_pending_bytes"), std::string::npos);
}

TEST_F(ServerTest, OutputLimit) {
  Limits limits;
  limits.max_output_bytes = 6000;
  limits.max_commands_before_publish = 1000;
  start(limits);
  send(connect_command("lt"));
  ByteVector many;
  for (int i = 0; i < 200; ++i) append(many, plain_command("createStream", 2));
  EXPECT_NE(error_of(many).find("max_output_bytes"), std::string::npos);
}

TEST_F(ServerTest, EverySplitGivesTheSameMessagesAndTheStateTravels) {
  ByteVector before = joined({plain_handshake(), connect_command("lt"), name_command("FCPublish", 3, "k"),
                              plain_command("createStream", 4), publish_command(5, "k")});
  ByteVector media = joined({message(kVideo, 6, 7, joined({hex("1700000000"), filled(300)})),
                             message(kAudio, 4, 9, hex("af00 12")), delete_stream_command(0, 1)});
  ByteVector all = joined({before, media});
  for (size_t split = 1 + 2 * kHandshakeBlock; split <= all.size(); ++split) {
    Server server;
    RecordingHandler handler;
    ASSERT_TRUE(server.feed(Bytes(all).first(split), handler)) << split;
    if (server.phase() != Phase::kPublishAsked) {
      ASSERT_TRUE(server.feed(Bytes(all).subspan(split), handler));
      split = std::max(split, before.size() - 200);  // the early splits need not all be tried
      continue;
    }
    server.take_output();
    auto other = Server::restore(server.save());
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(other->publish_request().name, "k");
    EXPECT_EQ(other->bytes_received(), server.bytes_received());
    RecordingSink sink;
    other->accept_publish();
    Replies r;
    ASSERT_TRUE(other->feed({}, handler, &sink));
    ASSERT_TRUE(other->feed(Bytes(all).subspan(split), handler, &sink));
    ASSERT_EQ(sink.seen.size(), 2u) << split;
    EXPECT_EQ(sink.seen[0].body, "1700000000" + to_hex(filled(300)));
    EXPECT_EQ(handler.ends.size(), 1u);
  }
}

TEST_F(ServerTest, RepliesGoOnInTheChunkSizeThatWasAnnounced) {
  start();
  send(connect_command("lt"));
  send(joined({plain_command("createStream", 2), publish_command(3, "k")}));
  auto other = Server::restore(server_->save());
  ASSERT_TRUE(other);
  other->refuse_publish(1507, "no storage space " + std::string(200, 'x'));
  EXPECT_EQ(replies_.read(other->take_output()).field("onStatus", "code"), "NetStream.Publish.BadName");
}

TEST_F(ServerTest, DamagedStatesAreRefusedOrHarmless) {
  start();
  send(connect_command("lt"));
  send(joined({publish_command(3, "k"), message(kVideo, 6, 7, filled(300))}));
  ByteVector state = server_->save();
  size_t shortest = 0;
  for (size_t size = 0; size < state.size(); ++size) {
    auto restored = Server::restore(Bytes(state).first(size));
    if (!restored) {
      EXPECT_EQ(shortest, 0u) << size << " bytes are refused";
      continue;
    }
    if (shortest == 0) shortest = size;
    (void)restored->feed(filled(100), handler_).has_value();
  }
  // The last part, bytes that were not looked at yet, may be of any length.
  EXPECT_GT(shortest, 100u);
  size_t refused = 0;
  for (size_t bit = 0; bit < 8 * state.size(); ++bit) {
    ByteVector damaged = state;
    damaged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    auto restored = Server::restore(damaged);
    if (!restored) {
      ++refused;
      continue;
    }
    // What a flipped bit says is not known; that nothing is read or kept beyond the limits is.
    restored->accept_publish();
    RecordingSink sink;
    (void)restored->feed(message(kVideo, 6, 7, filled(300)), handler_, &sink).has_value();
    EXPECT_LE(sink.seen.size(), 2u) << "bit " << bit;
  }
  EXPECT_GT(refused, 8u) << "the state's version and lengths are looked at";
}

}  // namespace
}  // namespace headgate::rtmp::test
