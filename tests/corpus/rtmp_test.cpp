// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that stock clients sent over RTMP and RTMPS, through the server: challenge and response, ticket,
// commands, and every frame, however the bytes are cut.
#include <gtest/gtest.h>

#include <map>

#include <base/encoding.h>
#include <rtmp/adobe_auth.h>
#include <rtmp/server.h>
#include <ticket/verifier.h>

#include "replay.h"

namespace headgate::corpus {
namespace {

constexpr size_t kResponse = 24;  // characters of the response; librtmp sends more (docs/rtmp.md)

// Takes frames as a recording archive would.
class Media : public rtmp::MessageSink {
 public:
  Found video, audio;

  std::span<std::byte> begin(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix) override {
    ByteVector& room = open_[csid];
    room.resize(header.length - prefix.size());
    return room;
  }
  void complete(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix,
                std::span<std::byte> payload) override {
    if (header.type == rtmp::kVideo) {
      const rtmp::VideoHeader parsed = rtmp::parse_video_header(prefix);
      take(video, parsed, parsed.keyframe, header, payload);
    } else if (header.type == rtmp::kAudio) {
      take(audio, rtmp::parse_audio_header(prefix), true, header, payload);
    }
    open_.erase(csid);
  }
  void abandon(uint32_t csid) override { open_.erase(csid); }
  bool anything_open() const { return !open_.empty(); }

 private:
  static void take(Found& found, const rtmp::MediaHeader& parsed, bool key, const rtmp::MessageHeader& header,
                   Bytes payload) {
    EXPECT_NE(parsed.kind, rtmp::PacketKind::kMalformed);
    EXPECT_NE(parsed.kind, rtmp::PacketKind::kUnsupported);
    if (parsed.kind == rtmp::PacketKind::kSequenceHeader) ++found.configs;
    if (parsed.kind != rtmp::PacketKind::kFrame) return;
    found.frame(header.timestamp, key);
    found.bytes.update(payload);
  }
  std::map<uint32_t, ByteVector> open_;
};

// What a gate does about `connect`.
class Gate : public rtmp::ServerHandler {
 public:
  explicit Gate(const Recording& recording) : recording_(recording) {}

  std::optional<std::string> on_connect(const rtmp::ConnectRequest& request) override {
    if (recording_.protocol == "rtmps") return std::nullopt;
    const auto query = rtmp::parse_adobe_query(request.query);
    if (!query) return rtmp::AdobeAuth::need_auth("");
    EXPECT_EQ(query->user, recording_.user);
    if (query->response.empty()) return "challenge";
    EXPECT_EQ(query->opaque, recording_.opaque);
    EXPECT_EQ(query->response.substr(0, kResponse),
              rtmp::adobe_response(query->user, recording_.salt, recording_.password, query->opaque,
                                   query->challenge));
    ++responses;
    return std::nullopt;
  }
  void on_metadata(const rtmp::Metadata& told) override {
    ++descriptions;
    metadata = told;
  }
  void on_end(rtmp::End) override { ++ends; }

  int responses = 0, descriptions = 0, ends = 0;
  rtmp::Metadata metadata;

 private:
  const Recording& recording_;
};

void expect_track(const std::string& what, const std::optional<Track>& sent, Found& found) {
  SCOPED_TRACE(what);
  if (!sent) {
    EXPECT_EQ(found.frames, 0U);
    EXPECT_EQ(found.configs, 0U);
    return;
  }
  EXPECT_GE(found.frames, 1U);
  EXPECT_GE(found.configs, 1U);
  if (sent->frames) {
    EXPECT_EQ(found.frames, *sent->frames);
  }
  if (sent->keys) {
    EXPECT_EQ(found.keys, *sent->keys);
  }
  if (sent->first_dts_ms) {
    EXPECT_EQ(found.first_dts, *sent->first_dts_ms);
  }
  if (sent->last_dts_ms) {
    EXPECT_EQ(found.last_dts, *sent->last_dts_ms);
  }
  if (sent->sha256.empty()) return;
  EXPECT_EQ(to_hex(found.bytes.finish()), sent->sha256);
}

void expect_number(const char* name, const std::optional<Track>& track, const std::optional<double>& told) {
  if (track && told && track->numbers.contains(name)) {
    EXPECT_EQ(*told, track->numbers.at(name)) << name;
  }
}

// The connection that publishes, through the hand-over to another process.
void replay_publisher(const Recording& recording, const ticket::Verifier& verifier, Cut cut, uint32_t seed) {
  Gate gate(recording);
  Media media;
  rtmp::Server server;
  int asked = 0;
  feed(recording.connections.back(), cut, seed, [&](Bytes piece) {
    auto fed = server.feed(piece, gate, &media);
    EXPECT_TRUE(fed.has_value()) << fed.error().message;
    if (!fed) return false;
    server.take_output();
    if (server.phase() != rtmp::Server::Phase::kPublishAsked) return true;
    ++asked;
    const std::string key = server.publish_request().name.substr(0, server.publish_request().name.find('.'));
    auto good = verifier.verify(key, recording.recorded, recording.station);
    EXPECT_TRUE(good.has_value()) << good.error().message;
    auto restored = rtmp::Server::restore(server.save());
    EXPECT_TRUE(restored.has_value()) << restored.error().message;
    if (!restored) return false;
    server = *std::move(restored);
    server.accept_publish();
    server.take_output();
    fed = server.feed({}, gate, &media);
    EXPECT_TRUE(fed.has_value()) << fed.error().message;
    return fed.has_value();
  });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(gate.responses, recording.protocol == "rtmps" ? 0 : 1);
  EXPECT_FALSE(media.anything_open());
  expect_track("video", recording.video, media.video);
  expect_track("audio", recording.audio, media.audio);
  EXPECT_GE(gate.descriptions, 1);
  EXPECT_EQ(gate.ends, recording.farewell ? 1 : 0);
  expect_number("width", recording.video, gate.metadata.width);
  expect_number("height", recording.video, gate.metadata.height);
  expect_number("sample_rate", recording.audio, gate.metadata.sample_rate);
}

class Rtmp : public testing::TestWithParam<std::string> {
 protected:
  Recording recording_ = load(CORPUS, GetParam());
};

TEST_P(Rtmp, EveryFrameComesOut) {
  auto keys = ticket::load_node_keys(std::string(CORPUS) + "/keys/node");
  ASSERT_TRUE(keys.has_value()) << keys.error().message;
  const ticket::Verifier verifier(*keys);
  for (Cut cut : kCuts) {
    for (uint32_t seed = 1; seed <= (cut == Cut::random ? 8U : 1U); ++seed) {
      SCOPED_TRACE(std::string(name_of(cut)) + ", seed " + std::to_string(seed));
      replay_publisher(recording_, verifier, cut, seed);
    }
  }
}

TEST_P(Rtmp, ConnectionsBeforeItAskForTheChallenge) {
  if (recording_.protocol == "rtmps") {
    EXPECT_EQ(recording_.connections.size(), 1U);
    return;
  }
  ASSERT_EQ(recording_.connections.size(), 3U);
  for (size_t number = 0; number < 2; ++number) {
    for (Cut cut : kCuts) {
      SCOPED_TRACE(std::to_string(number) + ", " + name_of(cut));
      Gate gate(recording_);
      rtmp::Server server;
      feed(recording_.connections[number], cut, 1, [&](Bytes piece) {
        auto fed = server.feed(piece, gate);
        EXPECT_TRUE(fed.has_value()) << fed.error().message;
        return fed.has_value();
      });
      EXPECT_EQ(server.phase(), rtmp::Server::Phase::kEnded);
      EXPECT_EQ(server.connect_request().query.find("response="), std::string::npos);
      EXPECT_EQ(server.connect_request().query.find("user=") != std::string::npos, number == 1);
    }
  }
}

// Behind the handshake, without a server: chunks alone.
TEST_P(Rtmp, ChunksAlone) {
  const ByteVector all = recording_.bytes(recording_.connections.size() - 1);
  ASSERT_GT(all.size(), 1 + 2 * rtmp::kHandshakeBlock);
  for (Cut cut : kCuts) {
    SCOPED_TRACE(name_of(cut));
    const ByteVector chunks(all.begin() + 1 + 2 * rtmp::kHandshakeBlock, all.end());
    Media media;
    rtmp::ChunkReader reader;
    feed({chunks}, cut, 7, [&](Bytes piece) {
      auto fed = reader.feed(piece, media);
      EXPECT_TRUE(fed.has_value()) << fed.error().message;
      return fed.has_value();
    });
    EXPECT_EQ(reader.bytes_received(), chunks.size());
    expect_track("video", recording_.video, media.video);
    expect_track("audio", recording_.audio, media.audio);
  }
}

std::vector<std::string> recordings() {
  std::vector<std::string> out;
  for (const std::string& name : names(CORPUS))
    if (name.rfind("rtmp", 0) == 0) out.push_back(name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Corpus, Rtmp, testing::ValuesIn(recordings()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
});

}  // namespace
}  // namespace headgate::corpus
