// SPDX-License-Identifier: LGPL-2.1-or-later
// Real encoders into the archive; what is there is counted by ffprobe.
#include <filesystem>
#include <fstream>
#include <map>

#include <playlist/record.h>

#include "archiver_fixture.h"

namespace headgate::test {
namespace {

constexpr char kVideo[] =
    "videotestsrc num-buffers=120 ! video/x-raw,width=160,height=120,framerate=30/1 ! "
    "x264enc key-int-max=30 speed-preset=ultrafast bframes=2 ! h264parse name=vp ! archive.video ";
constexpr char kAudio[] =
    "audiotestsrc num-buffers=180 samplesperbuffer=1024 ! audio/x-raw,rate=44100 ! avenc_aac name=ap ! "
    "archive.audio_0 ";

TEST_F(Archiver, KeepsEveryFrameOfVideoAndAudio) {
  Pipeline pipeline(archiver() + kVideo + kAudio);
  const auto video = watch_pad(pipeline, "vp", "src");
  const auto audio = watch_pad(pipeline, "ap", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  EXPECT_EQ(pipeline.count([](GstMessage* message) {
    return GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS && GST_IS_PIPELINE(GST_MESSAGE_SRC(message)) == FALSE;
  }),
            0);  // the bin keeps the element's own
  pipeline.stop();
  ASSERT_EQ(media().size(), 1u);
  EXPECT_EQ(video->count(), 120u);
  EXPECT_EQ(count_packets(media(), codec::Kind::video), video->count());
  EXPECT_EQ(count_packets(media(), codec::Kind::audio), audio->count());
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"eos\""), 1u);
  expect_plays(media());
}

TEST_F(Archiver, KeepsTheSendersTimes) {
  Pipeline pipeline(archiver() + kVideo + kAudio);
  const auto video = watch_pad(pipeline, "vp", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  std::vector<Packet> packets;
  for (const Packet& packet : probe_packets(media().at(0)))
    if (packet.kind == codec::Kind::video) packets.push_back(packet);
  ASSERT_EQ(packets.size(), video->count());
  GstBuffer* first = video->buffers[0].get();
  for (size_t i = 0; i < packets.size(); ++i) {
    GstBuffer* buffer = video->buffers[i].get();
    const auto ticks = [](GstClockTime time, GstClockTime from) {
      return (static_cast<double>(time) - static_cast<double>(from)) * 90000 / 1e9;
    };
    EXPECT_NEAR(static_cast<double>(packets[i].dts - packets[0].dts),
                ticks(GST_BUFFER_DTS(buffer), GST_BUFFER_DTS(first)), 1.0);
    EXPECT_NEAR(static_cast<double>(packets[i].pts - packets[0].dts),
                ticks(GST_BUFFER_PTS(buffer), GST_BUFFER_DTS(first)), 1.0);
    EXPECT_EQ(packets[i].key, !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT));
  }
}

TEST_F(Archiver, TakesVideoAlone) {
  Pipeline pipeline(archiver() + kVideo);
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(count_packets(media(), codec::Kind::video), 120u);
  expect_plays(media());
}

TEST_F(Archiver, TakesAudioAlone) {
  Pipeline pipeline(archiver() + kAudio);
  const auto audio = watch_pad(pipeline, "ap", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_GE(audio->count(), 180u);
  EXPECT_EQ(count_packets(media(), codec::Kind::audio), audio->count());
  expect_plays(media());
}

TEST_F(Archiver, TakesLiveSources) {
  Pipeline pipeline(
      archiver() +
      "videotestsrc is-live=true num-buffers=75 ! video/x-raw,width=160,height=120,framerate=25/1 ! "
      "x264enc key-int-max=25 tune=zerolatency ! h264parse name=vp ! archive.video "
      "audiotestsrc is-live=true num-buffers=130 samplesperbuffer=1024 ! avenc_aac name=ap ! "
      "archive.audio_0");
  const auto video = watch_pad(pipeline, "vp", "src");
  const auto audio = watch_pad(pipeline, "ap", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(count_packets(media(), codec::Kind::video), video->count());
  EXPECT_EQ(count_packets(media(), codec::Kind::audio), audio->count());
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Archiver, RecordsSayWhereEachSegmentLies) {
  Pipeline pipeline(archiver("segment-duration=1000000000 max-segment-duration=3000000000") + kVideo +
                    kAudio);
  const auto records = watch_pad(pipeline, "archive", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  std::map<size_t, int> kinds;
  uint64_t next_offset = 0;
  for (const auto& buffer : records->buffers) {
    GstMapInfo info;
    ASSERT_TRUE(gst_buffer_map(buffer.get(), &info, GST_MAP_READ));
    auto record = playlist::decode({reinterpret_cast<const std::byte*>(info.data), info.size});
    gst_buffer_unmap(buffer.get(), &info);
    ASSERT_TRUE(record) << record.error().message;
    ++kinds[record->index()];
    if (const auto* run = std::get_if<playlist::RunRecord>(&*record)) {
      EXPECT_EQ(run->max_segment_ms, 3000u);
    }
    if (const auto* segment = std::get_if<playlist::SegmentRecord>(&*record)) {
      EXPECT_TRUE(next_offset == 0 || segment->offset == next_offset);
      next_offset = segment->offset + segment->length;
      EXPECT_EQ(scratch_.path() + "/" + segment->file, media().at(0));
    }
  }
  EXPECT_EQ(kinds[0], 1);  // run
  EXPECT_EQ(kinds[1], 1);  // init
  EXPECT_GE(kinds[2], 6);  // parts
  EXPECT_EQ(kinds[3], 4);  // segments of 1 s
  EXPECT_EQ(kinds[5], 1);  // end
  EXPECT_EQ(records->events_of(GST_EVENT_EOS).size(), 1u);
  EXPECT_EQ(records->events_of(GST_EVENT_STREAM_START).size(), 1u);
}

// The element's error, before which its message says that nothing is recorded.
std::string failure_of(Pipeline& pipeline) {
  pipeline.play();
  const auto error = pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR));
  if (!error) return "";
  GError* raw = nullptr;
  gst_message_parse_error(error.get(), &raw, nullptr);
  const std::string text = raw->message;
  g_error_free(raw);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-archive", "state", "lost")), 1);
  // Whatever the errno: it is no reason not to use the volume for others.
  EXPECT_EQ(pipeline.count(is_broken), 0);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-archive", "state", "recording")), 0);
  pipeline.stop();
  return text;
}

TEST_F(Archiver, AFullDiskIsAnErrorWhereNoRunIsOpen) {
  Pipeline pipeline(archiver("min-free=18446744073000000000") + kVideo);
  EXPECT_NE(failure_of(pipeline).find("disk is full"), std::string::npos);
  EXPECT_TRUE(media().empty());
  EXPECT_EQ(runs(), 0u);
}

TEST_F(Archiver, ADamagedVolumeIsAnError) {
  const std::string event = scratch_.path() + "/lta/5";
  std::filesystem::create_directories(event);
  std::ofstream(event + "/VOLUME.json") << "garbage";
  Pipeline pipeline(archiver() + kVideo + kAudio);
  EXPECT_NE(failure_of(pipeline).find("VOLUME.json"), std::string::npos);
  EXPECT_EQ(runs(), 0u);
}

}  // namespace
}  // namespace headgate::test
