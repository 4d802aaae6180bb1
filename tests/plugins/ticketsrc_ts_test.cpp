// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions whose media comes as MPEG-TS by SRT, relayed over a SEQPACKET pair: real muxers' streams into the
// archive, where an independent reader counts their frames.
#include <sys/socket.h>

#include <algorithm>
#include <ostream>

#include <base/io.h>
#include <srt/relay.h>

#include "publisher.h"

namespace headgate::test {
namespace {

constexpr size_t kMessage = 7 * 188;
constexpr size_t kMaxFile = 64u << 20;

struct Case {
  const char* name;
  const char* arguments;  // of ffmpeg
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

#define VIDEO "-f lavfi -i testsrc2=s=160x120:r=25 "
#define TONE "-f lavfi -i sine=r=48000 "
#define X264 "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 "
#define X265 "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:keyint=25 "

constexpr Case kBoth{"h264_aac", VIDEO TONE "-t 3 " X264 "-bf 2 -c:a aac"};
constexpr Case kCases[] = {
    kBoth,
    {"h265_opus", VIDEO TONE "-t 3 " X265 "-c:a libopus"},
    {"h264_ac3", VIDEO TONE "-t 3 " X264 "-c:a ac3"},
    {"video_alone", VIDEO "-t 3 " X264},
    {"audio_alone", TONE "-t 3 -c:a aac"},
    {"over_the_wrap", VIDEO TONE "-t 3 " X264 "-c:a aac -output_ts_offset 95442.7"},
};

class TsSession : public testing::Test {
 protected:
  TsSession() {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    mine_.reset(pair[0]);
    theirs_.reset(pair[1]);
  }
  void start(bool video = true, bool audio = true, const std::string& properties = {}) {
    pipeline_ = std::make_unique<Pipeline>("ticketsrc name=source tick-ms=10 " + properties +
                                           " segmentarchiver name=archive root=" + folder_.path() +
                                           (video ? " source.video_0 ! archive.video" : "") +
                                           (audio ? " source.audio_0 ! archive.audio_0" : ""));
    hand_over();
  }
  void hand_over() {
    const gst::StructurePtr info(
        gst_structure_new("headgate-session", "event", G_TYPE_UINT, Keys::kEvent, "station", G_TYPE_UINT, 12,
                          "ticket-id", G_TYPE_STRING, "aa", "ticket", G_TYPE_STRING, "bb", "peer",
                          G_TYPE_STRING, "192.0.2.1:5", "protocol", G_TYPE_STRING, "srt", "user-agent",
                          G_TYPE_STRING, "SRT/1.5.1", "claim", G_TYPE_STRING, "first", nullptr));
    g_object_set(pipeline_->element("source").get(), "session-info", info.get(), "session-fd",
                 theirs_.release(), nullptr);
    pipeline_->play();
  }
  // What ffmpeg makes of it, and what ffprobe counts in that.
  ByteVector make(const char* arguments) {
    const std::string path = folder_.path() + "/source.ts";
    output_of(std::string("ffmpeg -nostdin -v error -y ") + arguments + " -f mpegts " + path);
    probed_ = probe_packets(path);
    ByteVector stream = read_file(path, kMaxFile).value();
    std::remove(path.c_str());
    return stream;
  }
  size_t probed(codec::Kind kind) const {
    return static_cast<size_t>(std::count_if(probed_.begin(), probed_.end(),
                                             [kind](const Packet& packet) { return packet.kind == kind; }));
  }
  size_t archived(codec::Kind kind) {
    const auto files = files_under(folder_.path(), ".mp4");
    return files.empty() ? 0 : count_packets(files, kind);
  }
  // False: the session is closed.
  bool send(Bytes packet) {
    return ::send(mine_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(packet.size());
  }
  void send_stream(Bytes stream, size_t size = kMessage) {
    for (; !stream.empty(); stream = stream.subspan(std::min(size, stream.size())))
      ASSERT_TRUE(send(stream.first(std::min(size, stream.size()))));
  }
  std::string close_reason() {
    const auto message = pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close"));
    return message ? text_field(message.get(), "reason") : "no close message";
  }
  void finish() {
    mine_.reset();
    EXPECT_EQ(close_reason(), "disconnect");
    ASSERT_TRUE(pipeline_->wait_eos());
    pipeline_->stop();
  }
  // A field of the statistics' part; 0 when it is not there.
  uint64_t stat(const char* part, const char* field) {
    GstStructure* raw = nullptr;
    g_object_get(pipeline_->element("source").get(), "stats", &raw, nullptr);
    const gst::StructurePtr stats(raw);
    GstStructure* inner = nullptr;
    if (!gst_structure_get(raw, part, GST_TYPE_STRUCTURE, &inner, nullptr)) return 0;
    const gst::StructurePtr owned(inner);
    guint64 value = 0;
    guint small = 0;
    if (gst_structure_get_uint64(inner, field, &value)) return value;
    return gst_structure_get_uint(inner, field, &small) ? small : 0;
  }
  int warnings() { return pipeline_->count(Pipeline::is_type(GST_MESSAGE_WARNING)); }
  // Decoding what was archived finds nothing wrong.
  void expect_decodable() {
    for (const std::string& file : files_under(folder_.path(), ".mp4"))
      EXPECT_EQ(output_of("ffmpeg -nostdin -v error -xerror -i " + file + " -f null - 2>&1"), "") << file;
  }

  ScratchDirectory folder_;
  UniqueFd mine_, theirs_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<Packet> probed_;
};

class TsStream : public TsSession, public testing::WithParamInterface<Case> {};

TEST_P(TsStream, EveryFrameIsArchived) {
  const ByteVector stream = make(GetParam().arguments);
  start(probed(codec::Kind::video) > 0, probed(codec::Kind::audio) > 0);
  send_stream(stream);
  finish();
  EXPECT_EQ(archived(codec::Kind::video), probed(codec::Kind::video));
  EXPECT_EQ(archived(codec::Kind::audio), probed(codec::Kind::audio));
  EXPECT_EQ(warnings(), 0);
  EXPECT_EQ(files_under(folder_.path(), "run.jl").size(), 1u);
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-timestamps")), 0);
  expect_decodable();
}
INSTANTIATE_TEST_SUITE_P(All, TsStream, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(TsSession, PayloadsThatAreCutAnywhere) {
  const ByteVector stream = make(kBoth.arguments);
  start();
  ByteVector packet;
  for (size_t at = 0; at < stream.size(); at += 1000) {
    const Bytes part = Bytes(stream).subspan(at, std::min<size_t>(1000, stream.size() - at));
    packet.clear();
    if (part[0] != srt::kTsSync) packet.push_back(srt::kUnalignedMark);
    packet.insert(packet.end(), part.begin(), part.end());
    ASSERT_TRUE(send(packet));
  }
  finish();
  EXPECT_EQ(archived(codec::Kind::video), probed(codec::Kind::video));
  EXPECT_EQ(archived(codec::Kind::audio), probed(codec::Kind::audio));
}

TEST_F(TsSession, AHoleCostsItsFramesAndIsCounted) {
  const ByteVector stream = make(kBoth.arguments);
  start();
  const size_t hole = stream.size() / kMessage / 2 * kMessage;
  send_stream(Bytes(stream).first(hole));
  // As the relay marks it.
  ByteVector behind = {srt::kHoleMark, std::byte{1}};
  const Bytes next = Bytes(stream).subspan(hole + kMessage, kMessage);
  behind.insert(behind.end(), next.begin(), next.end());
  ASSERT_TRUE(send(behind));
  send_stream(Bytes(stream).subspan(hole + 2 * kMessage));
  finish();
  EXPECT_LT(archived(codec::Kind::video), probed(codec::Kind::video));
  EXPECT_GE(archived(codec::Kind::video), probed(codec::Kind::video) - 8);
  EXPECT_GE(archived(codec::Kind::audio), probed(codec::Kind::audio) - 20);
  EXPECT_GE(stat("ts", "discontinuities"), 1u);
  EXPECT_GE(stat("ts", "dropped-units"), 1u);
}

// Of 16 packets of a stream the transport stream itself says nothing.
TEST_F(TsSession, AHoleThatOnlyTheRelayKnowsOf) {
  const ByteVector stream = make(VIDEO TONE "-t 2 " X264 "-c:a aac");
  start();
  const size_t half = stream.size() / kMessage / 2 * kMessage;
  send_stream(Bytes(stream).first(half));
  ByteVector behind = {srt::kHoleMark, static_cast<std::byte>(srt::kManyMissing)};
  const Bytes next = Bytes(stream).subspan(half, kMessage);
  behind.insert(behind.end(), next.begin(), next.end());
  ASSERT_TRUE(send(behind));
  send_stream(Bytes(stream).subspan(half + kMessage));
  finish();
  EXPECT_EQ(stat("ts", "discontinuities"), 0u);
  EXPECT_GE(stat("ts", "dropped-units"), 1u);  // what was open
  EXPECT_LT(archived(codec::Kind::video), probed(codec::Kind::video));
  EXPECT_GE(archived(codec::Kind::video) + 2, probed(codec::Kind::video));
  expect_decodable();
}

// An encoder that was told another size: a new program with the same numbers, and its clock begins anew.
TEST_F(TsSession, AnotherPictureSizeInMidStream) {
  const ByteVector first = make(VIDEO TONE "-t 2 " X264 "-c:a aac");
  const size_t video = probed(codec::Kind::video);
  const ByteVector second = make("-f lavfi -i testsrc2=s=320x240:r=25 " TONE "-t 2 " X264 "-c:a aac");
  start();
  send_stream(first);
  send_stream(second);
  finish();
  EXPECT_EQ(files_under(folder_.path(), ".mp4").size(), 2u);
  // The last picture of the first may have lost its end, for all that the reader knows.
  EXPECT_GE(archived(codec::Kind::video) + 1, video + probed(codec::Kind::video));
}

TEST_F(TsSession, WhatTheLinkIsLikeIsInTheStatistics) {
  start();
  srt::LinkStats link;
  link.rtt_us = 12'345;
  link.lost_packets = 7;
  ByteVector packet;
  srt::encode(link, packet);
  ASSERT_TRUE(send(packet));
  EXPECT_TRUE(
      eventually([&] { return stat("srt", "rtt-us") == 12'345 && stat("srt", "lost-packets") == 7; }));
  send_stream(make(kBoth.arguments));
  finish();
}

TEST_F(TsSession, WhatIsLeftOutIsTold) {
  const ByteVector stream = make(VIDEO TONE TONE "-t 2 -map 0 -map 1 -map 2 " X264 "-c:a:0 mp2 -c:a:1 aac");
  start();
  send_stream(stream);
  finish();
  EXPECT_EQ(archived(codec::Kind::video), probed(codec::Kind::video));
  EXPECT_GT(archived(codec::Kind::audio), 0u);
  EXPECT_EQ(warnings(), 1);
}

TEST_F(TsSession, AnUnknownCodecOnOneTrackLeavesTheOther) {
  const ByteVector stream = make(VIDEO TONE "-t 2 " X264 "-c:a mp2");
  start(true, false);
  send_stream(stream);
  finish();
  EXPECT_EQ(archived(codec::Kind::video), probed(codec::Kind::video));
  EXPECT_EQ(warnings(), 1);
}

TEST_F(TsSession, WhatIsNoTransportStreamEndsTheSession) {
  start();
  ByteVector packet(1 + srt::kMaxPayload, std::byte{0x55});
  packet[0] = srt::kUnalignedMark;
  while (send(packet)) {
  }
  EXPECT_EQ(close_reason(), "error:what comes is no MPEG-TS with a program of video or audio");
}

TEST_F(TsSession, APacketThatIsNoneOfTheRelaysEndsTheSession) {
  start();
  ASSERT_TRUE(send(as_bytes("?")));
  EXPECT_EQ(close_reason().substr(0, 6), "error:");
}

TEST_F(TsSession, AnotherKindOfDescriptorIsRefused) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  mine_.reset(pair[0]);
  theirs_.reset(pair[1]);
  start();
  EXPECT_EQ(close_reason(), "error:the session's descriptor is no SEQPACKET socket, as SRT's is");
}

TEST_F(TsSession, TheApplicationMayEndIt) {
  const ByteVector stream = make(kBoth.arguments);
  start();
  send_stream(stream);
  ASSERT_TRUE(eventually([&] { return stat("ts", "units") > 0; }));
  g_signal_emit_by_name(pipeline_->element("source").get(), "end-session", "superseded");
  EXPECT_EQ(close_reason(), "superseded");
  // The relay reads that it is over.
  std::byte byte;
  EXPECT_EQ(::recv(mine_.get(), &byte, 1, 0), 0);
}

TEST_F(TsSession, SilenceEndsIt) {
  start(true, true, "idle-timeout=1000000000");
  srt::LinkStats link;
  ByteVector packet;
  srt::encode(link, packet);
  ASSERT_TRUE(send(packet));  // says nothing of media
  EXPECT_EQ(close_reason(), "timeout");
}

}  // namespace
}  // namespace headgate::test
