// SPDX-License-Identifier: LGPL-2.1-or-later
// Enhanced RTMP from real encoders' output: what comes out of ticketsrc, and what stands in the archive.
#include <codec/access_unit.h>
#include <rtmp/chunk_reader.h>

#include "enhanced.h"
#include "handed_over.h"

namespace headgate::test {
namespace {

struct Form {
  const char* name;
  const char* encoders;  // ffmpeg's
  const char* video_caps;
  const char* audio_caps;
  bool legacy = false;
};

const Form kForms[] = {
    {"HevcOpus",
     "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:bframes=2 -c:a libopus",
     "video/x-h265", "audio/x-opus"},
    {"LegacyHevcAac",
     "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:bframes=2 -c:a aac",
     "video/x-h265", "audio/mpeg", true},
    {"Av1Ac3", "-c:v libaom-av1 -cpu-used 8 -usage realtime -row-mt 0 -b:v 200k -g 25 -c:a ac3",
     "video/x-av1", "audio/x-ac3"},
    {"Vp9Flac", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k -g 25 -c:a flac -strict -2",
     "video/x-vp9", "audio/x-flac"},
    {"AvcEac3", "-c:v libx264 -preset ultrafast -g 25 -bf 2 -c:a eac3", "video/x-h264", "audio/x-eac3"},
};

MediaFile encoded(const Form& form) {
  return encode("-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 2 " +
                std::string(form.encoders));
}

size_t frames_of(const MediaFile& media, codec::Kind kind) {
  return static_cast<size_t>(std::count_if(media.packets.begin(), media.packets.end(),
                                           [kind](const Packet& packet) { return packet.kind == kind; }));
}

class Enhanced : public HandedOver, public ::testing::WithParamInterface<Form> {
 protected:
  void start_archiving() {
    pipeline_ = std::make_unique<Pipeline>(
        "ticketsrc name=source tick-ms=10 segmentarchiver name=archive root=" + scratch_.path() +
        " source.video_0 ! archive.video source.audio_0 ! archive.audio_0");
    publisher_.hand_over(pipeline_->element("source").get());
    pipeline_->play();
  }
  ScratchDirectory scratch_;
};

TEST_P(Enhanced, EveryFrameIsArchived) {
  const MediaFile media = encoded(GetParam());
  ASSERT_TRUE(media.video && media.audio);
  start_archiving();
  send_enhanced(publisher_, media, {}, GetParam().legacy);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  pipeline_->stop();
  const auto files = files_under(scratch_.path(), ".mp4");
  EXPECT_EQ(files.size(), 1u);
  EXPECT_EQ(count_packets(files, codec::Kind::video), frames_of(media, codec::Kind::video));
  EXPECT_EQ(count_packets(files, codec::Kind::audio), frames_of(media, codec::Kind::audio));
  // And an independent decoder reads them without a complaint.
  for (const std::string& file : files)
    EXPECT_EQ(output_of("ffmpeg -nostdin -v warning -i " + file + " -f null - 2>&1"), "");
}

TEST_P(Enhanced, EveryFrameComesOutWithItsBytesTimesAndCaps) {
  const MediaFile media = encoded(GetParam());
  start();
  publisher_.metadata(true, true);
  send_enhanced(publisher_, media, {.nano = 250'000, .track = {}}, GetParam().legacy);
  publisher_.unpublish();
  EXPECT_EQ(close_reason(), "unpublish");
  size_t next[2] = {};
  for (const Packet& packet : media.packets) {
    const bool video = packet.kind == codec::Kind::video;
    Passed& passed = video ? *video_ : *audio_;
    size_t& i = next[video ? 0 : 1];
    ASSERT_LT(i, passed.buffers.size());
    GstBuffer* buffer = passed.buffers[i++].get();
    GstMapInfo info;
    ASSERT_TRUE(gst_buffer_map(buffer, &info, GST_MAP_READ));
    const Bytes bytes{reinterpret_cast<const std::byte*>(info.data), info.size};
    const Bytes stored = media.video->codec == codec::Codec::av1 && video
                             ? codec::without_temporal_delimiter(packet.data)
                             : packet.data;
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), stored.begin(), stored.end())) << i;
    gst_buffer_unmap(buffer, &info);
    EXPECT_EQ(!GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT), packet.key || !video) << i;
  }
  EXPECT_EQ(next[0], video_->count());
  EXPECT_EQ(next[1], audio_->count());
  EXPECT_EQ(next[0] + next[1], media.packets.size());
  const auto caps = caps_of(*video_), audio = caps_of(*audio_);
  ASSERT_TRUE(caps && audio);
  EXPECT_STREQ(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)), GetParam().video_caps);
  EXPECT_STREQ(gst_structure_get_name(gst_caps_get_structure(audio.get(), 0)), GetParam().audio_caps);
  int width = 0, rate = 0;
  EXPECT_TRUE(gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "width", &width));
  EXPECT_TRUE(gst_structure_get_int(gst_caps_get_structure(audio.get(), 0), "rate", &rate));
  EXPECT_EQ(width, 160);
  EXPECT_EQ(rate, 48000);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Enhanced, ::testing::ValuesIn(kForms),
                         [](const auto& info) { return std::string(info.param.name); });

class EnhancedForms : public HandedOver {
 protected:
  static void SetUpTestSuite() {
    HandedOver::SetUpTestSuite();
    hevc_ = new MediaFile(
        encode("-f lavfi -i testsrc2=s=160x120:r=25 -t 1 -c:v libx265 -preset ultrafast -x265-params "
               "log-level=error:keyint=25:bframes=0"));
    vp9_ =
        new MediaFile(encode("-f lavfi -i testsrc2=s=160x120:r=25 -t 1 -c:v libvpx-vp9 -deadline realtime "
                             "-cpu-used 8 -b:v 200k -g 5"));
  }
  static void TearDownTestSuite() {
    delete hevc_;
    delete vp9_;
    HandedOver::TearDownTestSuite();
  }
  static Bytes hevc_frame(size_t index) { return hevc_->packets.at(index).data; }
  void hevc_start(const ExOptions& options = {}) {
    publisher_.message(rtmp::kVideo, 0,
                       ex_video(ExVideo::start, true, "hvc1", hevc_->video->config, {}, options));
  }
  void hevc(size_t index, uint32_t ms, const ExOptions& options = {}) {
    publisher_.message(rtmp::kVideo, ms,
                       ex_video(ExVideo::frames_x, index == 0, "hvc1", hevc_frame(index), {}, options));
  }
  // About tracks that are left out.
  int warnings() {
    return pipeline_->count([](GstMessage* message) {
      if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_WARNING) return false;
      GError* error = nullptr;
      gst_message_parse_warning(message, &error, nullptr);
      const bool found = g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND);
      g_clear_error(&error);
      return found;
    });
  }
  void finish() {
    publisher_.unpublish();
    EXPECT_EQ(close_reason(), "unpublish");
  }

  static inline MediaFile* hevc_ = nullptr;
  static inline MediaFile* vp9_ = nullptr;
};

TEST_F(EnhancedForms, NanosecondsAreAddedToTheTime) {
  start();
  publisher_.metadata(true, false);
  hevc_start();
  hevc(0, 0);
  hevc(1, 16, {.nano = 666'667, .track = {}});
  hevc(2, 33, {.nano = 333'333, .track = {}});
  finish();
  ASSERT_EQ(video_->count(), 3u);
  EXPECT_EQ(GST_BUFFER_DTS(video_->buffers[0].get()), 0u);
  EXPECT_EQ(GST_BUFFER_DTS(video_->buffers[1].get()), 16'666'667u);
  EXPECT_EQ(GST_BUFFER_DTS(video_->buffers[2].get()), 33'333'333u);
}

TEST_F(EnhancedForms, OneTrackOfSeveralIsTakenAndTheOthersAreToldOnce) {
  start();
  publisher_.metadata(true, false);
  hevc_start({.nano = {}, .track = 0});
  hevc_start({.nano = {}, .track = 1});
  for (uint32_t i = 0; i < 5; ++i)
    for (uint8_t track : {0, 1, 2}) hevc(i, i * 40, {.nano = {}, .track = track});
  finish();
  EXPECT_EQ(video_->count(), 5u);
  EXPECT_EQ(warnings(), 1);
}

TEST_F(EnhancedForms, SeveralTracksInOneMessageAreSplit) {
  start();
  publisher_.metadata(true, false);
  const auto several = [&](uint8_t type, uint32_t ms, Bytes first, Bytes second) {
    ByteVector out;
    ByteWriter writer(out);
    writer.u8(ms == 0 ? 0x96 : 0xa6);
    writer.u8(0x10 | type);  // ManyTracks
    writer.text("hvc1");
    uint8_t track = 0;
    for (Bytes one : {first, second}) {
      writer.u8(track++);
      writer.u24(one.size());
      writer.bytes(one);
    }
    publisher_.message(rtmp::kVideo, ms, out);
  };
  several(0, 0, hevc_->video->config, hevc_->video->config);
  for (uint32_t i = 0; i < 5; ++i) several(3, i * 40, hevc_frame(i), hevc_frame(0));
  finish();
  ASSERT_EQ(video_->count(), 5u);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(gst_buffer_get_size(video_->buffers[i].get()), hevc_frame(i).size());
  EXPECT_EQ(warnings(), 1);
}

TEST_F(EnhancedForms, TheDefaultTrackIsTakenWhenItComesLate) {
  start();
  publisher_.metadata(true, false);
  const ExOptions second{.nano = {}, .track = 1}, first{.nano = {}, .track = 0};
  const auto avc = [&](ExVideo type, uint32_t ms, Bytes payload) {
    publisher_.message(rtmp::kVideo, ms, ex_video(type, true, "avc1", payload, {}, first));
  };
  hevc_start(second);
  hevc(0, 0, second);
  avc(ExVideo::frames_x, 40, video_frame());  // nobody knows yet what it is
  hevc(1, 40, second);
  const std::byte broken[] = {std::byte{1}, std::byte{2}};
  avc(ExVideo::start, 60, broken);
  hevc(2, 80, second);
  avc(ExVideo::start, 100, media_->video->config);
  for (uint32_t ms = 120; ms < 240; ms += 40) {
    avc(ExVideo::frames_x, ms, video_frame());
    hevc(3, ms, second);
  }
  hevc_start(second);  // is not taken again
  hevc(0, 240, second);
  avc(ExVideo::frames_x, 240, video_frame());
  finish();
  ASSERT_EQ(video_->count(), 7u);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(gst_buffer_get_size(video_->buffers[i].get()), hevc_frame(i).size());
  for (size_t i = 3; i < 7; ++i)
    EXPECT_EQ(gst_buffer_get_size(video_->buffers[i].get()), video_frame().size());
  const auto caps = caps_of(*video_, 1);
  ASSERT_TRUE(caps);
  EXPECT_STREQ(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)), "video/x-h264");
  EXPECT_EQ(warnings(), 2) << "that there are two, and that the other is taken";
}

TEST_F(EnhancedForms, AMessageOfMessagesComesApart) {
  start();
  publisher_.metadata(true, false);
  hevc_start();
  ByteVector aggregate;
  ByteWriter writer(aggregate);
  for (uint32_t i = 0; i < 5; ++i) {
    const ByteVector body = ex_video(ExVideo::frames_x, i == 0, "hvc1", hevc_frame(i), {}, {});
    writer.u8(rtmp::kVideo);
    writer.u24(body.size());
    writer.u24(500 + i * 40);
    writer.u32(0);  // the rest of the time, and the stream
    writer.bytes(body);
    writer.u32(11 + body.size());
  }
  publisher_.message(rtmp::kAggregate, 1000, aggregate);
  hevc(5, 1200);
  finish();
  ASSERT_EQ(video_->count(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(gst_buffer_get_size(video_->buffers[i].get()), hevc_frame(i).size());
    EXPECT_EQ(GST_BUFFER_DTS(video_->buffers[i].get()),
              GST_BUFFER_DTS(video_->buffers[0].get()) + i * 40 * GST_MSECOND);
  }
}

TEST_F(EnhancedForms, WithoutOpusHeadThePacketsSayMonoOrStereo) {
  const MediaFile opus = encode("-f lavfi -i sine=r=48000 -ac 2 -t 1 -c:a libopus");
  start();
  publisher_.metadata(false, true);
  publisher_.message(rtmp::kAudio, 0, ex_audio(ExAudio::start, "Opus", {}));
  for (const Packet& packet : opus.packets) send_enhanced(publisher_, opus, packet);
  finish();
  EXPECT_EQ(audio_->count(), opus.packets.size());
  const auto caps = caps_of(*audio_);
  ASSERT_TRUE(caps);
  int channels = 0;
  EXPECT_TRUE(gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "channels", &channels));
  EXPECT_EQ(channels, 2);
}

TEST_F(EnhancedForms, TheCodecMayChangeInMidStream) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  publisher_.video(video_frame(false), 40, false);
  hevc(1, 80);  // of a codec that has no configuration yet
  hevc_start();
  hevc(0, 120);
  publisher_.video(video_frame(false), 160, false);  // of the codec before
  hevc(1, 200);
  finish();
  ASSERT_EQ(video_->count(), 4u);
  const auto caps = caps_of(*video_, 1);
  ASSERT_TRUE(caps);
  EXPECT_STREQ(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)), "video/x-h265");
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(video_->buffers[2].get(), GST_BUFFER_FLAG_DISCONT));
}

TEST_F(EnhancedForms, Vp9HasItsSizeFromTheKeyFrame) {
  start();
  publisher_.metadata(true, false);
  const auto vp9 = [&](size_t index, uint32_t ms) {
    const Packet& packet = vp9_->packets.at(index);
    publisher_.message(rtmp::kVideo, ms, ex_video(ExVideo::frames, packet.key, "vp09", packet.data));
  };
  publisher_.message(rtmp::kVideo, 0, ex_video(ExVideo::start, true, "vp09", vp9_->video->config));
  ASSERT_FALSE(vp9_->packets[1].key);
  vp9(1, 0);  // cannot be decoded
  for (size_t i = 0; i < 5; ++i) vp9(i, static_cast<uint32_t>(40 + 40 * i));
  // The same record again, between two key frames, costs nothing.
  publisher_.message(rtmp::kVideo, 240, ex_video(ExVideo::start, true, "vp09", vp9_->video->config));
  vp9(4, 240);
  finish();
  EXPECT_EQ(video_->count(), 6u);
  EXPECT_EQ(video_->events_of(GST_EVENT_CAPS).size(), 1u);
}

TEST_F(EnhancedForms, Av1WithoutASequenceHeaderHasItFromTheKeyFrame) {
  const MediaFile av1 = encode(
      "-f lavfi -i testsrc2=s=160x120:r=25 -t 1 -c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 200k -g 25");
  start();
  publisher_.metadata(true, false);
  // An AV1 video descriptor of MPEG-2 TS: tag, length, and av1C's first four bytes.
  ByteVector descriptor;
  ByteWriter writer(descriptor);
  writer.u16(0x8004);
  writer.bytes(Bytes(av1.video->config).first(4));
  publisher_.message(rtmp::kVideo, 0, ex_video(ExVideo::ts_start, true, "av01", descriptor));
  for (const Packet& packet : av1.packets) send_enhanced(publisher_, av1, packet);
  finish();
  EXPECT_EQ(video_->count(), av1.packets.size());
}

TEST_F(EnhancedForms, WhatIsNoFrameDoesNotDisturb) {
  start();
  publisher_.metadata(true, true);
  hevc_start();
  hevc(0, 0);
  const std::byte amf[] = {std::byte{2}, std::byte{0}, std::byte{1}, std::byte{0x61}, std::byte{5}};
  publisher_.message(rtmp::kVideo, 10, ex_video(ExVideo::metadata, true, "hvc1", amf));
  publisher_.message(rtmp::kVideo, 10, ex_video(ExVideo::end, true, "hvc1", {}));
  publisher_.message(rtmp::kVideo, 10, ex_video(ExVideo::frames_x, false, "hvc1", {}));  // empty
  publisher_.message(rtmp::kVideo, 10, ex_video(static_cast<ExVideo>(12), true, "hvc1", amf));
  publisher_.message(rtmp::kVideo, 10, ex_video(ExVideo::start, true, "hvc1", amf));  // unreadable
  publisher_.message(rtmp::kAudio, 10, ex_audio(ExAudio::multichannel, "Opus", amf));
  publisher_.message(rtmp::kAudio, 10, ex_audio(ExAudio::end, "Opus", {}));
  const std::byte command[] = {std::byte{0xd1}, std::byte{0}};
  publisher_.message(rtmp::kVideo, 10, command);
  hevc(1, 40);
  finish();
  EXPECT_EQ(video_->count(), 2u);
  EXPECT_EQ(audio_->count(), 0u);
}

TEST_F(EnhancedForms, WhoAnnouncedItIsAskedToReconnect) {
  for (const bool enhanced : {true, false}) {
    publisher_ = AdmittedPublisher(enhanced);
    start();
    publisher_.metadata(true, false);
    hevc_start();
    hevc(0, 0);
    ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
    g_signal_emit_by_name(pipeline_->element("source").get(), "request-reconnect", "rtmp://other/lt",
                          "This server is going away.");
    const auto told = pipeline_->wait(Pipeline::is_element("headgate-session", "action", "reconnect"));
    ASSERT_TRUE(told);
    EXPECT_EQ(text_field(told.get(), "reason"), enhanced ? "asked" : "not-announced");
    if (enhanced) {
      EXPECT_TRUE(publisher_.is_told("rtmp://other/lt"));
      EXPECT_TRUE(publisher_.is_told("NetConnection.Connect.ReconnectRequest"));
    }
    hevc(1, 40);  // it is served until it leaves
    finish();
    EXPECT_EQ(video_->count(), 2u);
  }
}

// A configuration is no way to a large allocation, not even among several tracks.
TEST_F(EnhancedForms, OversizedConfigurationsArePassedOver) {
  start();
  publisher_.metadata(true, false);
  const ByteVector large(codec::kMaxConfigBytes + 1);
  publisher_.message(rtmp::kVideo, 0, ex_video(ExVideo::start, true, "hvc1", large));
  ByteVector several;
  ByteWriter writer(several);
  writer.u8(0x96);
  writer.u8(0x10);
  writer.text("hvc1");
  writer.u8(0);
  writer.u24(large.size());
  writer.bytes(large);
  publisher_.message(rtmp::kVideo, 0, several);
  hevc_start();
  hevc(0, 0);
  finish();
  EXPECT_EQ(video_->count(), 1u);
  EXPECT_EQ(warnings(), 0);
}

TEST_F(EnhancedForms, CodecsThatAreNotTakenAreNamed) {
  start();
  const std::byte frame[] = {std::byte{1}, std::byte{2}};
  hevc_start();
  for (uint32_t i = 0; i < 10; ++i) {
    hevc(i, i * 40);
    publisher_.message(rtmp::kAudio, i * 40, ex_audio(ExAudio::frames, ".mp3", frame));
  }
  ASSERT_TRUE(eventually([&] { return video_->count() == 10; }, 1500)) << "it is not waited for";
  finish();
  EXPECT_EQ(warnings(), 1);
}

}  // namespace
}  // namespace headgate::test
