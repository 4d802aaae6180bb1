// SPDX-License-Identifier: LGPL-2.1-or-later
// The publishing client against our own server, byte by byte and all at once.
#include <gtest/gtest.h>
#include <rtmp/adobe_auth.h>
#include <rtmp/client.h>
#include <rtmp/server.h>

#include "rtmp_support.h"

namespace headgate::rtmp::test {
namespace {

using Phase = Client::Phase;
constexpr const char* kPeer = "192.0.2.7";

// A server that wants a password, or none; one Server for each connection.
class Node : public ServerHandler {
 public:
  std::optional<std::string> on_connect(const ConnectRequest& request) override {
    requests.push_back(request);
    if (password.empty()) return std::nullopt;
    auto query = parse_adobe_query(request.query);
    if (!query) return AdobeAuth::need_auth("");
    if (query->response.empty()) return auth.challenge(query->user, kPeer, 1);
    if (auto checked = auth.check(*query, kPeer, 2, {{1, password}}); !checked)
      return AdobeAuth::failed(checked.error().message);
    return std::nullopt;
  }
  void on_end(End end) override { ends.push_back(end); }

  std::string password;
  AdobeAuth auth;
  std::vector<ConnectRequest> requests;
  std::vector<End> ends;
};

class ClientTest : public testing::Test {
 protected:
  // Passes bytes to and fro, `piece` at a time, until both are silent.
  void exchange(size_t piece = SIZE_MAX) {
    while (client_->has_output() || server_->has_output()) {
      ByteVector up = client_->take_output();
      for (size_t at = 0; at < up.size(); at += std::min(piece, up.size() - at)) {
        auto fed = server_->feed(Bytes(up).subspan(at, std::min(piece, up.size() - at)), node_, &sink_);
        ASSERT_TRUE(fed) << fed.error().message;
      }
      if (server_->phase() == Server::Phase::kPublishAsked && accept_) server_->accept_publish();
      ByteVector down = server_->take_output();
      for (size_t at = 0; at < down.size(); at += std::min(piece, down.size() - at)) {
        auto fed = client_->feed(Bytes(down).subspan(at, std::min(piece, down.size() - at)));
        ASSERT_TRUE(fed) << fed.error().message;
      }
    }
  }
  void connect() {
    server_.emplace();
    if (client_)
      client_->restart();
    else
      client_.emplace(target_);
  }

  PublishTarget target_{"rtmp://h:1935/lt", "lt", "key", "", "", 4096, "FMLE/3.0 (compatible; test)"};
  std::optional<Client> client_;
  std::optional<Server> server_;
  Node node_;
  RecordingSink sink_;
  bool accept_ = true;
};

TEST_F(ClientTest, PublishesAndSaysGoodbye) {
  connect();
  exchange();
  ASSERT_EQ(client_->phase(), Phase::kPublishing);
  EXPECT_EQ(server_->phase(), Server::Phase::kPublishing);
  EXPECT_EQ(server_->publish_request().name, "key");
  EXPECT_EQ(server_->publish_request().type, "live");
  EXPECT_EQ(node_.requests[0].app, "lt");
  EXPECT_EQ(node_.requests[0].tc_url, "rtmp://h:1935/lt");
  EXPECT_EQ(node_.requests[0].flash_ver, "FMLE/3.0 (compatible; test)");
  EXPECT_EQ(client_->stream_id(), 1u);
  client_->unpublish();
  exchange();
  EXPECT_EQ(node_.ends, std::vector{End::kUnpublish});
}

TEST_F(ClientTest, InSingleBytes) {
  connect();
  exchange(1);
  EXPECT_EQ(client_->phase(), Phase::kPublishing);
}

TEST_F(ClientTest, AnnouncesItsChunkSize) {
  target_.chunk_size = 60000;
  connect();
  exchange();
  // A message in one chunk of that size is understood.
  ByteVector out, body = filled(50000);
  ChunkWriter writer;
  writer.resume_chunk_size(60000);
  writer.write(out, 6, {.type = kVideo, .stream_id = client_->stream_id()}, body);
  ASSERT_TRUE(server_->feed(out, node_, &sink_));
  ASSERT_EQ(sink_.seen.size(), 1u);
  EXPECT_EQ(sink_.seen[0].body, to_hex(body));
}

TEST_F(ClientTest, AnswersTheChallengeOnThreeConnections) {
  node_.password = target_.password = "CORRECTHORSEBATTERYSTAPLE2";
  target_.user = "USER";
  for (Phase expected : {Phase::kReconnect, Phase::kReconnect, Phase::kPublishing}) {
    connect();
    exchange();
    ASSERT_EQ(client_->phase(), expected) << client_->refusal().text;
  }
  EXPECT_EQ(node_.requests.size(), 3u);
  EXPECT_EQ(node_.requests[1].query, "authmod=adobe&user=USER");
  EXPECT_EQ(server_->publish_request().name, "key");
}

TEST_F(ClientTest, AWrongPasswordIsRefusedOnce) {
  node_.password = "RIGHT";
  target_.user = "USER";
  target_.password = "WRONG";
  for (Phase expected : {Phase::kReconnect, Phase::kReconnect, Phase::kRefused}) {
    connect();
    exchange();
    ASSERT_EQ(client_->phase(), expected);
  }
  EXPECT_EQ(client_->refusal().code, "NetConnection.Connect.Rejected");
  EXPECT_NE(client_->refusal().text.find("authfailed"), std::string::npos) << client_->refusal().text;
}

TEST_F(ClientTest, WithoutAPasswordTheDemandIsARefusal) {
  node_.password = "RIGHT";
  connect();
  exchange();
  EXPECT_EQ(client_->phase(), Phase::kRefused);
  EXPECT_NE(client_->refusal().text.find("need auth"), std::string::npos);
}

TEST_F(ClientTest, TellsWhyItIsNotAccepted) {
  accept_ = false;
  connect();
  exchange();
  ASSERT_EQ(server_->phase(), Server::Phase::kPublishAsked);
  server_->refuse_publish(1403, "EXPIRED: this ticket ended yesterday");
  exchange();
  EXPECT_EQ(client_->phase(), Phase::kRefused);
  EXPECT_EQ(client_->refusal().code, "NetStream.Publish.BadName");
  EXPECT_NE(client_->refusal().text.find("EXPIRED"), std::string::npos);
}

TEST_F(ClientTest, AnswersPings) {
  connect();
  exchange();
  ByteVector ping;
  write_user_control(ChunkWriter(), ping, kPingRequest, 0x01020304);
  ASSERT_TRUE(client_->feed(ping));
  EXPECT_EQ(to_hex(client_->take_output()),
            "0200000000000604000000000007"
            "01020304");
}

TEST_F(ClientTest, AnotherVersionIsNoRtmpServer) {
  connect();
  auto fed = client_->feed(as_bytes("HTTP/1.1 400 Bad Request\r\n"));
  ASSERT_FALSE(fed);
  EXPECT_NE(fed.error().message.find("RTMP"), std::string::npos);
}

}  // namespace
}  // namespace headgate::rtmp::test
