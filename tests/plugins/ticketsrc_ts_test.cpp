// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions whose media comes as MPEG-TS by SRT, relayed over a SEQPACKET pair: real muxers' streams into the
// archive, where an independent reader counts their frames.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
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
    pipeline_ =
        std::make_unique<Pipeline>("ticketsrc name=source tick-ms=10 " + properties +
                                   " segmentarchiver name=archive root=" + folder_.path() +
                                   (video ? " source.video_0 ! identity name=v ! archive.video" : "") +
                                   (audio ? " source.audio_0 ! identity name=a ! archive.audio_0" : ""));
    if (video) pictures_ = watch_pad(*pipeline_, "v", "src");
    if (audio) sound_ = watch_pad(*pipeline_, "a", "src");
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
  uint64_t stat_of(const char* field) {
    GstStructure* raw = nullptr;
    g_object_get(pipeline_->element("source").get(), "stats", &raw, nullptr);
    const gst::StructurePtr stats(raw);
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(raw, field, &value)) << field;
    return value;
  }
  int warnings() { return pipeline_->count(Pipeline::is_type(GST_MESSAGE_WARNING)); }
  // Of the archive's one file, in decoding order.
  std::vector<Packet> archived_packets(codec::Kind kind) {
    const auto files = files_under(folder_.path(), ".mp4");
    EXPECT_EQ(files.size(), 1u);
    return files.empty() ? std::vector<Packet>() : only(kind, probe_packets(files[0]));
  }
  std::vector<Packet> probed_packets(codec::Kind kind) { return only(kind, probed_); }
  static std::vector<Packet> only(codec::Kind kind, std::vector<Packet> packets) {
    std::erase_if(packets, [kind](const Packet& packet) { return packet.kind != kind; });
    return packets;
  }
  // Pictures are shown when the source says, from the `from`th on, and in step with the sound.
  void expect_times_of_the_source(size_t from = 0) {
    const auto sent = probed_packets(codec::Kind::video), got = archived_packets(codec::Kind::video);
    const auto sound = probed_packets(codec::Kind::audio);
    ASSERT_EQ(got.size(), sent.size());
    ASSERT_EQ(pictures_->count(), sent.size());
    ASSERT_EQ(sound_->count(), sound.size());
    const auto ticks = [](const gst::Ref<GstBuffer>& buffer) {
      return static_cast<double>(GST_BUFFER_PTS(buffer.get())) * 90'000 / GST_SECOND;
    };
    EXPECT_NEAR(ticks(pictures_->buffers[from]) - ticks(sound_->buffers[0]),
                static_cast<double>(sent[from].pts - sound[0].pts), 2 * 90);
    for (size_t i = from; i < sent.size(); ++i)
      EXPECT_NEAR(static_cast<double>(got[i].pts - got[from].pts),
                  static_cast<double>(sent[i].pts - sent[from].pts), 2)
          << i;
  }
  // Decoding what was archived finds nothing wrong.
  void expect_decodable() {
    for (const std::string& file : files_under(folder_.path(), ".mp4"))
      EXPECT_EQ(output_of("ffmpeg -nostdin -v error -xerror -i " + file + " -f null - 2>&1"), "") << file;
  }

  ScratchDirectory folder_;
  UniqueFd mine_, theirs_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<Packet> probed_;
  std::shared_ptr<Passed> pictures_, sound_;  // into the archive
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

template <typename Do>
void for_each_video_pes(ByteVector& stream, Do&& change) {
  constexpr size_t kPacket = 188, kHeader = 9;
  const auto number = [&](size_t at) { return std::to_integer<unsigned>(stream[at]); };
  for (size_t at = 0; at + kPacket <= stream.size(); at += kPacket) {
    const size_t pes = at + 4 + (number(at + 3) & 0x20 ? 1 + number(at + 4) : 0);
    if (!(number(at + 1) & 0x40) || pes + kHeader > at + kPacket) continue;
    const bool video =
        number(pes) == 0 && number(pes + 1) == 0 && number(pes + 2) == 1 && (number(pes + 3) & 0xf0) == 0xe0;
    if (video) change(stream.data() + pes);
  }
}

void leave_out_dts(ByteVector& stream) {
  for_each_video_pes(stream, [](std::byte* pes) {
    constexpr size_t kTimeBytes = 5;
    if ((pes[7] & std::byte{0xc0}) != std::byte{0xc0}) return;
    pes[7] &= std::byte{0xbf};
    pes[9] = (pes[9] & std::byte{0x0f}) | std::byte{0x20};
    std::fill_n(pes + 9 + kTimeBytes, kTimeBytes, std::byte{0xff});
  });
}

class NoDts : public TsSession, public testing::WithParamInterface<Case> {};

TEST_P(NoDts, PicturesAreShownWhenTheirSenderSays) {
  ByteVector stream = make(GetParam().arguments);
  leave_out_dts(stream);
  start();
  send_stream(stream);
  finish();
  expect_times_of_the_source();
  const auto got = archived_packets(codec::Kind::video);
  // Once decoding times have caught up, none is behind its picture's.
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(i == 0 || got[i].dts > got[i - 1].dts) << i;
    EXPECT_TRUE(i < 16 || got[i].dts <= got[i].pts) << i;
  }
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-timestamps")), 0);
  expect_decodable();
}
constexpr Case kReordered[] = {
    {"none", VIDEO TONE "-t 2 " X264 "-bf 0 -c:a aac"},
    {"two", VIDEO TONE "-t 3 " X264 "-bf 2 -b_strategy 0 -c:a aac"},
    {"pyramid", VIDEO TONE "-t 3 " X264 "-bf 7 -b_strategy 0 -b-pyramid normal -refs 4 -c:a aac"},
    {"open_gop", VIDEO TONE "-t 3 " X264 "-bf 3 -b_strategy 0 -x264-params open-gop=1 -c:a aac"},
    {"h265", VIDEO TONE "-t 3 " X265 "-c:a aac"},
    {"over_the_wrap", VIDEO TONE "-t 3 " X264 "-bf 2 -b_strategy 0 -c:a aac -output_ts_offset 95442.7"},
};
INSTANTIATE_TEST_SUITE_P(All, NoDts, testing::ValuesIn(kReordered),
                         [](const auto& info) { return std::string(info.param.name); });

// Two pictures in each PES packet, or two fields: the second one has no time.
void leave_out_every_second_time(ByteVector& stream) {
  bool leave_out = true;
  for_each_video_pes(stream, [&](std::byte* pes) {
    leave_out = !leave_out;
    if (!leave_out) return;
    pes[7] &= std::byte{0x3f};
    std::fill_n(pes + 9, std::to_integer<size_t>(pes[8]), std::byte{0xff});
  });
}

class EverySecondTime : public TsSession, public testing::WithParamInterface<Case> {};

TEST_P(EverySecondTime, IsInTheMiddle) {
  ByteVector stream = make(GetParam().arguments);
  leave_out_every_second_time(stream);
  start();
  send_stream(stream);
  finish();
  expect_times_of_the_source(2);  // before that nothing says how far pictures are apart
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-timestamps")), 0);
}
#define FIFTY "-f lavfi -i testsrc2=s=160x120:r=50 "
constexpr Case kPairs[] = {
    {"without_dts", FIFTY TONE "-t 2 " X264 "-bf 0 -c:a aac"},
    {"shown_later", FIFTY TONE "-t 2 " X264 "-bf 0 -c:a aac -bsf:v setts=pts=PTS+0.04/TB"},
};
INSTANTIATE_TEST_SUITE_P(All, EverySecondTime, testing::ValuesIn(kPairs),
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
  // It is in the archive, on the bus and on the buffer behind it, and is no repair of a time.
  const auto told = Pipeline::is_element("headgate-timestamps", "kind", "loss");
  EXPECT_GE(pipeline_->count(told), 1);
  EXPECT_EQ(chain_lines(folder_.path(), R"("t":"repair")"),
            static_cast<size_t>(pipeline_->count(Pipeline::is_element("headgate-timestamps"))));
  EXPECT_EQ(chain_lines(folder_.path(), R"("track":"video","kind":"loss","count":1,)"), 1u);
  size_t after = 0;
  for (size_t i = 1; i < pictures_->buffers.size(); ++i) {
    if (!GST_BUFFER_FLAG_IS_SET(pictures_->buffers[i].get(), GST_BUFFER_FLAG_DISCONT)) continue;
    EXPECT_EQ(after, 0u);
    after = i;
  }
  ASSERT_GT(after, 0u);
  const auto ms = [&](size_t i) { return GST_BUFFER_DTS(pictures_->buffers[i].get()) / GST_MSECOND; };
  EXPECT_GE(ms(after) - ms(after - 1), 79u);
  const auto message =
      pipeline_->wait([&](GstMessage* one) { return told(one) && text_field(one, "track") == "video"; });
  gint64 before_ms = 0, after_ms = 0;
  const GstStructure* fields = gst_message_get_structure(message.get());
  ASSERT_TRUE(gst_structure_get_int64(fields, "before-ms", &before_ms));
  ASSERT_TRUE(gst_structure_get_int64(fields, "after-ms", &after_ms));
  EXPECT_NEAR(static_cast<double>(after_ms - before_ms), static_cast<double>(ms(after) - ms(after - 1)), 1);
  EXPECT_EQ(stat_of("repairs"), 0u);
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
  // The relay reads that it is over, and whether something was left unread.
  std::byte byte;
  const ssize_t got = ::recv(mine_.get(), &byte, 1, 0);
  EXPECT_TRUE(got == 0 || (got < 0 && errno == ECONNRESET)) << got << ", errno " << errno;
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
