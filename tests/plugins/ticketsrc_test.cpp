// SPDX-License-Identifier: LGPL-2.1-or-later
// What ticketsrc's pads give of what a publisher sends.
#include <algorithm>

#include "handed_over.h"

namespace headgate::test {
namespace {

TEST_F(HandedOver, EveryFrameComesOutWithItsBytesAndFlags) {
  start();
  EXPECT_TRUE(publisher_.is_told("NetStream.Publish.Start"));
  publisher_.metadata(true, true);
  publisher_.file(*media_);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  EXPECT_EQ(close_reason(), "unpublish");
  ASSERT_EQ(video_->count(), packets(codec::Kind::video));
  ASSERT_EQ(audio_->count(), packets(codec::Kind::audio));
  size_t next_video = 0, next_audio = 0;
  for (const Packet& packet : media_->packets) {
    const bool is_video = packet.kind == codec::Kind::video;
    GstBuffer* buffer = (is_video ? video_->buffers[next_video++] : audio_->buffers[next_audio++]).get();
    ASSERT_EQ(gst_buffer_get_size(buffer), packet.data.size());
    EXPECT_EQ(gst_buffer_memcmp(buffer, 0, packet.data.data(), packet.data.size()), 0);
    EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT), !packet.key);
    const bool first = is_video ? next_video == 1 : next_audio == 1;
    EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT), first);
  }
}

TEST_F(HandedOver, TimesAreTheSendersFromZero) {
  start();
  publisher_.file(*media_, 123'456);
  publisher_.disconnect();
  ASSERT_TRUE(pipeline_->wait_eos());
  EXPECT_EQ(close_reason(), "disconnect");
  int64_t first_ms = INT64_MAX;
  for (const Packet& packet : media_->packets) {
    const int64_t timescale =
        packet.kind == codec::Kind::video ? media_->video->timescale : media_->audio->timescale;
    first_ms = std::min(first_ms, (packet.dts * 1000 + timescale / 2) / timescale);
  }
  size_t next_video = 0, next_audio = 0;
  GstClockTime audio_start = 0;
  for (const Packet& packet : media_->packets) {
    if (packet.kind == codec::Kind::video) {
      GstBuffer* buffer = video_->buffers.at(next_video++).get();
      EXPECT_EQ(GST_BUFFER_DTS(buffer), static_cast<GstClockTime>(packet.dts / 90 - first_ms) * GST_MSECOND);
      EXPECT_EQ(GST_BUFFER_PTS(buffer), static_cast<GstClockTime>(packet.pts / 90 - first_ms) * GST_MSECOND);
    } else {
      GstBuffer* buffer = audio_->buffers.at(next_audio).get();
      if (next_audio == 0) audio_start = GST_BUFFER_PTS(buffer);
      const double exact = static_cast<double>(next_audio++) * 1024e9 / 44100;
      EXPECT_NEAR(static_cast<double>(GST_BUFFER_PTS(buffer) - audio_start), exact, 1.0);
    }
  }
  EXPECT_EQ(stat("repairs"), 0u);
}

TEST_F(HandedOver, StickyEventsComeInOrderBeforeMedia) {
  start();
  publisher_.file(*media_);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  for (const auto& passed : {video_, audio_}) {
    ASSERT_GE(passed->events.size(), 4u);
    EXPECT_EQ(GST_EVENT_TYPE(passed->events[0].get()), GST_EVENT_STREAM_START);
    EXPECT_EQ(GST_EVENT_TYPE(passed->events[1].get()), GST_EVENT_CAPS);
    EXPECT_EQ(GST_EVENT_TYPE(passed->events[2].get()), GST_EVENT_SEGMENT);
    EXPECT_TRUE(gst_event_has_name(passed->events[3].get(), "headgate-session"));
    const GstStructure* fields = gst_event_get_structure(passed->events[3].get());
    guint station = 0;
    EXPECT_TRUE(gst_structure_get_uint(fields, "station", &station));
    EXPECT_EQ(station, 12u);
    EXPECT_STREQ(gst_structure_get_string(fields, "peer"), "192.0.2.1:5");
  }
  // Both pads carry the same event: that is how a receiver knows one session from two.
  EXPECT_EQ(gst_event_get_seqnum(video_->events[3].get()), gst_event_get_seqnum(audio_->events[3].get()));
}

TEST_F(HandedOver, CapsSayWhatTheParameterSetsSay) {
  start();
  publisher_.file(*media_);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  const auto video = caps_of(*video_);
  const auto expected = gst::Ref<GstCaps>::adopt(
      gst_caps_from_string("video/x-h264,stream-format=avc,alignment=au,width=160,height=120,profile=main"));
  EXPECT_TRUE(gst_caps_is_subset(video.get(), expected.get()))
      << gst::CharPtr(gst_caps_to_string(video.get())).get();
  const GstStructure* fields = gst_caps_get_structure(video.get(), 0);
  EXPECT_TRUE(gst_structure_has_field(fields, "level"));
  EXPECT_TRUE(gst_structure_has_field(fields, "codec_data"));
  const auto audio = caps_of(*audio_);
  const auto aac = gst::Ref<GstCaps>::adopt(gst_caps_from_string(
      "audio/mpeg,mpegversion=4,stream-format=raw,framed=true,rate=44100,channels=1,profile=lc"));
  EXPECT_TRUE(gst_caps_is_subset(audio.get(), aac.get()));
}

TEST_F(HandedOver, KeyFramesCarryTheTimeOfReceipt) {
  const int64_t before = g_get_real_time();
  start();
  publisher_.file(*media_);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  const auto unix_time = gst::Ref<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-unix"));
  for (const auto& buffer : video_->buffers) {
    const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer.get(), unix_time.get());
    const bool key = !GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    ASSERT_EQ(meta != nullptr, key);
    if (!key) continue;
    EXPECT_GE(meta->timestamp, static_cast<GstClockTime>(before) * GST_USECOND);
    EXPECT_LE(meta->timestamp, static_cast<GstClockTime>(g_get_real_time()) * GST_USECOND);
  }
}

TEST_F(HandedOver, ABurstComesOutInterleaved) {
  start();
  publisher_.metadata(true, true);
  // All of the video first, and then all of the audio, as a client may that catches up.
  publisher_.video_config(media_->video->config);
  publisher_.audio_config(media_->audio->config);
  // Kept together by not being read until everything is there.
  gst_element_set_state(pipeline_->get(), GST_STATE_PAUSED);
  for (const codec::Kind kind : {codec::Kind::video, codec::Kind::audio})
    for (const Packet& packet : media_->packets)
      if (packet.kind == kind && packet.dts * 1000 / timescale(kind) < 2500) send(packet);
  std::vector<std::pair<codec::Kind, GstClockTime>> order;
  std::mutex mutex;
  const auto note = [&](codec::Kind kind) {
    return [&order, &mutex, kind](GstClockTime dts) {
      std::lock_guard lock(mutex);
      order.emplace_back(kind, dts);
    };
  };
  video_->on_buffer = note(codec::Kind::video);
  audio_->on_buffer = note(codec::Kind::audio);
  pipeline_->play();
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  std::lock_guard lock(mutex);
  GstClockTime reached[2] = {};
  for (const auto& [kind, dts] : order) {
    reached[kind == codec::Kind::video ? 0 : 1] = dts;
    const GstClockTime ahead = std::max(reached[0], reached[1]) - std::min(reached[0], reached[1]);
    ASSERT_LE(ahead, 600 * GST_MSECOND);
  }
}

TEST_F(HandedOver, FramesAreNotCopiedAgain) {
  start();
  publisher_.file(*media_);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  size_t shared = 0;
  for (const auto& buffer : video_->buffers) {
    ASSERT_EQ(gst_buffer_n_memory(buffer.get()), 1u);
    shared += gst_buffer_peek_memory(buffer.get(), 0)->parent != nullptr;
  }
  EXPECT_EQ(shared, video_->buffers.size());  // each a piece of a block
}

TEST_F(HandedOver, VideoAloneNeedsNoAudio) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }, 1500)) << "the metadata was not believed";
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  EXPECT_EQ(audio_->count(), 0u);
}

TEST_F(HandedOver, AudioAloneNeedsNoVideo) {
  start();
  publisher_.metadata(false, true);
  publisher_.audio_config(media_->audio->config);
  publisher_.audio(audio_frame(), 0);
  ASSERT_TRUE(eventually([&] { return audio_->count() == 1; }, 1500));
  publisher_.unpublish();
  EXPECT_EQ(close_reason(), "unpublish");
  EXPECT_EQ(video_->count(), 0u);
}

TEST_F(HandedOver, WithoutMetadataTwoSecondsOfMediaDecide) {
  start();
  publisher_.video_config(media_->video->config);
  for (uint32_t ms = 0; ms <= 2000; ms += 40) publisher_.video(video_frame(ms == 0), ms, ms == 0);
  ASSERT_TRUE(eventually([&] { return video_->count() == 51; }));
}

TEST_F(HandedOver, WithoutMetadataTwoSecondsOfWaitingDecide) {
  start();
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
}

TEST_F(HandedOver, AudioThatComesLateGetsItsPad) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
  publisher_.audio_config(media_->audio->config);
  publisher_.audio(audio_frame(), 5000);
  ASSERT_TRUE(eventually([&] { return audio_->count() == 1; }));
  EXPECT_EQ(GST_BUFFER_PTS(audio_->buffers[0].get()), 5 * GST_SECOND);
}

TEST_F(HandedOver, SilenceMessagesAndEmptyFramesAreIgnored) {
  start();
  publisher_.metadata(true, true);
  publisher_.message(8, 0, {});
  publisher_.video_config(media_->video->config);
  publisher_.audio_config(media_->audio->config);
  publisher_.message(8, 10, {});
  publisher_.message(9, 10, {});
  publisher_.video({}, 10, false);
  publisher_.audio({}, 10);
  publisher_.video(video_frame(), 20, true);
  publisher_.audio(audio_frame(), 20);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait_eos());
  EXPECT_EQ(video_->count(), 1u);
  EXPECT_EQ(audio_->count(), 1u);
}

TEST_F(HandedOver, OnlyAChangedSequenceHeaderChangesTheCaps) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  publisher_.video_config(media_->video->config, 40);
  publisher_.video(video_frame(false), 40, false);
  publisher_.video_config(other_->video->config, 80);
  publisher_.video(other_->packets[0].data, 80, true);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  EXPECT_EQ(video_->count(), 3u);
  ASSERT_EQ(video_->events_of(GST_EVENT_CAPS).size(), 2u);
  int width = 0;
  gst_structure_get_int(gst_caps_get_structure(caps_of(*video_, 1).get(), 0), "width", &width);
  EXPECT_EQ(width, 320);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(video_->buffers[2].get(), GST_BUFFER_FLAG_DISCONT));
}

TEST_F(HandedOver, AnUnknownCodecCostsItsTrackAndOneWarning) {
  start();
  const std::byte mp3[] = {std::byte{0x2f}, std::byte{1}, std::byte{2}, std::byte{3}};
  publisher_.video_config(media_->video->config);
  for (uint32_t ms = 0; ms < 400; ms += 40) {
    publisher_.message(8, ms, mp3);
    publisher_.video(video_frame(ms == 0), ms, ms == 0);
  }
  // It is not waited for, either.
  ASSERT_TRUE(eventually([&] { return video_->count() == 10; }, 1500));
  publisher_.unpublish();
  EXPECT_EQ(close_reason(), "unpublish");
  const auto codec_warning = [](GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_WARNING) return false;
    GError* error = nullptr;
    gst_message_parse_warning(message, &error, nullptr);
    const bool found = g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND);
    g_clear_error(&error);
    return found;
  };
  EXPECT_EQ(pipeline_->count(codec_warning), 1);
}

TEST_F(HandedOver, AClockThatGoesBackIsRepairedAndTold) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 100'000, true);
  publisher_.video(video_frame(false), 100'040, false);
  publisher_.video(video_frame(), 10, true);
  publisher_.video(video_frame(false), 50, false);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  ASSERT_EQ(video_->count(), 4u);
  for (size_t i = 1; i < 4; ++i)
    EXPECT_GT(GST_BUFFER_DTS(video_->buffers[i].get()), GST_BUFFER_DTS(video_->buffers[i - 1].get()));
  EXPECT_EQ(GST_BUFFER_DTS(video_->buffers[3].get()) - GST_BUFFER_DTS(video_->buffers[2].get()),
            40 * GST_MSECOND);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(video_->buffers[2].get(), GST_BUFFER_FLAG_DISCONT));
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-timestamps", "kind", "backward")), 1);
  EXPECT_EQ(stat("repairs"), 1u);
}

TEST_F(HandedOver, TheClockMayWrap) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config, 0xffffffd8);
  publisher_.video(video_frame(), 0xffffffd8, true);
  publisher_.video(video_frame(false), 0, false);
  publisher_.video(video_frame(false), 40, false);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  ASSERT_EQ(video_->count(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(GST_BUFFER_DTS(video_->buffers[i].get()), i * 40 * GST_MSECOND);
}

}  // namespace
}  // namespace headgate::test
