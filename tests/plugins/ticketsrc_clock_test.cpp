// SPDX-License-Identifier: LGPL-2.1-or-later
// What a publisher's clock does to the times that come out: jumps, a day over both wraps, a slow uplink.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "handed_over.h"

namespace headgate::test {
namespace {

using ClockTest = HandedOver;

uint64_t repairs_told(Pipeline& pipeline) {
  uint64_t sum = 0;
  pipeline.count([&](GstMessage* message) {
    const GstStructure* fields = gst_message_get_structure(message);
    guint count = 0;
    if (fields && gst_structure_has_name(fields, "headgate-timestamps") &&
        gst_structure_get_uint(fields, "count", &count))
      sum += count;
    return false;
  });
  return sum;
}

TEST_F(ClockTest, JumpsWithEveryFrameAreAllCountedAndToldInFew) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  constexpr int kFrames = 400;
  for (int i = 0; i < kFrames; ++i) publisher_.video(video_frame(i == 0), i % 2 == 0 ? 100'000 : 10, i == 0);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  ASSERT_EQ(video_->count(), size_t{kFrames});
  EXPECT_GE(stat("repairs"), uint64_t{kFrames - 1});
  EXPECT_EQ(repairs_told(*pipeline_), stat("repairs"));
  EXPECT_LT(pipeline_->count(Pipeline::is_element("headgate-timestamps")), 40);
  EXPECT_EQ(video_->events_named("headgate-timestamps"),
            static_cast<size_t>(pipeline_->count(Pipeline::is_element("headgate-timestamps"))));
  EXPECT_EQ(video_->events_named("headgate-session-end"), 1u);
}

TEST_F(ClockTest, TheSameStampTwiceIsToldToo) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  for (int i = 0; i < 50; ++i) publisher_.video(video_frame(i == 0), 1000 + i / 2 * 80, i == 0);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  EXPECT_EQ(stat("repairs"), 25u);
  EXPECT_EQ(repairs_told(*pipeline_), 25u);
  EXPECT_LE(pipeline_->count(Pipeline::is_element("headgate-timestamps", "kind", "nudged")), 2);
}

TEST_F(ClockTest, ALyingCompositionOffsetMovesNothingElse) {
  start();
  publisher_.metadata(true, true);
  publisher_.video_config(media_->video->config);
  publisher_.audio_config(media_->audio->config);
  publisher_.video(video_frame(), 0, true, 80);
  publisher_.video(video_frame(false), 40, false, 8'000'000);
  publisher_.video(video_frame(false), 80, false, -8'000'000);
  publisher_.video(video_frame(false), 120, false, -40);
  publisher_.audio(audio_frame(), 0);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  ASSERT_EQ(video_->count(), 4u);
  const GstClockTime expected_ms[] = {80, 40, 80, 80};
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(GST_BUFFER_PTS(video_->buffers[i].get()), expected_ms[i] * GST_MSECOND) << i;
  EXPECT_EQ(stat("repairs"), 2u);
  EXPECT_EQ(repairs_told(*pipeline_), 2u);
  EXPECT_GE(pipeline_->count(Pipeline::is_element("headgate-timestamps", "kind", "composition")), 1);
}

TEST_F(ClockTest, ConfigurationsWithoutFramesAreNotKept) {
  start();
  publisher_.metadata(true, false);
  for (int i = 0; i < 2000; ++i)
    publisher_.video_config(i % 2 == 0 ? media_->video->config : other_->video->config);
  publisher_.video(video_frame(), 0, true);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  EXPECT_EQ(video_->count(), 1u);
  EXPECT_EQ(video_->events_of(GST_EVENT_CAPS).size(), 1u);
}

TEST_F(ClockTest, NonsenseIsToldAFewTimes) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  for (int i = 1; i <= 200; ++i) {
    ByteVector nonsense(20 + static_cast<size_t>(i), std::byte{0xff});
    nonsense[0] = std::byte{1};
    publisher_.video_config(nonsense);
  }
  publisher_.video(video_frame(false), 40, false);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  EXPECT_EQ(video_->count(), 2u);
  const int warnings = pipeline_->count(Pipeline::is_type(GST_MESSAGE_WARNING));
  EXPECT_GE(warnings, 1);
  EXPECT_LE(warnings, 16);
}

TEST_F(ClockTest, WhatWasChangedIsInTheArchive) {
  const ScratchDirectory archive;
  Pipeline pipeline("ticketsrc name=source tick-ms=10 ! segmentarchiver event=1 station=1 root=" +
                    archive.path() + " ! fakesink async=false");
  publisher_.hand_over(pipeline.element("source").get());
  pipeline.play();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  uint32_t ms = 1'000'000;
  const auto send_second = [&] {
    for (int i = 0; i < 25; ++i, ms += 40) publisher_.video(video_frame(i == 0), ms, i == 0);
  };
  send_second();
  ms = 500;  // back
  send_second();
  ms += 3'600'000;  // an hour ahead
  send_second();
  publisher_.unpublish();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(chain_lines(archive.path(), R"("t":"repair")"), 2u);
  EXPECT_EQ(chain_lines(archive.path(),
                        R"("track":"video","kind":"backward","count":1,"before_ms":1000960,"after_ms":500)"),
            1u);
  EXPECT_EQ(chain_lines(archive.path(),
                        R"("track":"video","kind":"forward","count":1,"before_ms":1460,"after_ms":3601500)"),
            1u);
  EXPECT_EQ(chain_lines(archive.path(), R"("receipt_us":10000)"), 1u);
  EXPECT_EQ(count_packets(files_under(archive.path(), ".mp4"), codec::Kind::video), 75u);
}

TEST_F(ClockTest, EachSilenceIsToldDownstreamOnce) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  const auto silences = [this] { return video_->events_named("headgate-silence"); };
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return silences() == 1; }));
  publisher_.video(video_frame(false), 40, false);
  ASSERT_TRUE(eventually([&] { return silences() == 2; }));
  publisher_.unpublish();
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close")));
  EXPECT_EQ(video_->count(), 2u);
  EXPECT_EQ(silences(), 2u);
}

TEST_F(ClockTest, ASlowUplinkIsToldToThePublisherAndOnTheBus) {
  start("late-threshold=400000000");
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([this] { return video_->count() == 1; }));
  const gint64 since = g_get_monotonic_time();
  ASSERT_TRUE(eventually([since] { return g_get_monotonic_time() - since > 700'000; }));
  publisher_.video(video_frame(false), 40, false);
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-uplink", "state", "late")));
  EXPECT_TRUE(publisher_.is_told("NetStream.Publish.InsufficientBW"));
  EXPECT_FALSE(pipeline_->count(Pipeline::is_element("headgate-session", "action", "close")));
  // What was late comes after all.
  const auto wall_ms = static_cast<uint32_t>((g_get_monotonic_time() - since) / 1000);
  for (uint32_t ms = 80; ms < wall_ms + 3000; ms += 40) publisher_.video(video_frame(false), ms, false);
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-uplink", "state", "good")));
  EXPECT_TRUE(publisher_.is_told("NetStream.Publish.SufficientBW"));
  EXPECT_EQ(stat("repairs"), 0u);
}

// Times of a track as they come out, against what was meant. The probe's thread, then the test's.
struct Follower {
  explicit Follower(double frame_ms) : frame_ms_(frame_ms) {}
  void saw(GstBuffer* buffer) {
    const GstClockTime dts = GST_BUFFER_DTS(buffer);
    if (frames_ > 0 && dts <= last_) ++backward_;
    last_ = dts;
    const double off_ms =
        std::fabs(static_cast<double>(dts) / 1e6 - static_cast<double>(frames_) * frame_ms_);
    worst_ms_ = std::max(worst_ms_, off_ms);
    ++frames_;
  }
  const double frame_ms_;
  std::atomic<uint64_t> frames_ = 0;
  GstClockTime last_ = 0;
  uint64_t backward_ = 0;
  double worst_ms_ = 0;
};

void follow(GstPad* pad, Follower& follower) {
  gst_pad_add_probe(
      pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        auto& one = *static_cast<Follower*>(data);
        if (GstBufferList* list = gst_pad_probe_info_get_buffer_list(info)) {
          for (guint i = 0; i < gst_buffer_list_length(list); ++i) one.saw(gst_buffer_list_get(list, i));
        } else if (GstBuffer* buffer = gst_pad_probe_info_get_buffer(info)) {
          one.saw(buffer);
        }
        return GST_PAD_PROBE_OK;
      },
      &follower, nullptr);
}

// Picture and sound of a whole day, as fast as they go through: extended timestamps all the way, the 32 bits
// wrap at half past nine, and 24 bits, at which naive servers stumble, after it.
TEST_F(ClockTest, ADayCrossesBothWrapsAndStaysInStep) {
  constexpr double kDayMs = 24 * 3600e3, kVideoMs = 40, kAudioMs = 1024e3 / 44100;
  constexpr auto kBase = static_cast<uint32_t>(-34'200'000);
  Pipeline pipeline(
      "ticketsrc name=source tick-ms=5 fakesink name=v async=false sync=false fakesink name=a async=false "
      "sync=false source.video_0 ! v.sink source.audio_0 ! a.sink");
  Follower video(kVideoMs), audio(kAudioMs);
  for (const auto& [name, follower] : {std::pair{"v", &video}, std::pair{"a", &audio}})
    follow(gst::Ref<GstPad>::adopt(gst_element_get_static_pad(pipeline.element(name).get(), "sink")).get(),
           *follower);
  publisher_.hand_over(pipeline.element("source").get());
  pipeline.play();
  publisher_.metadata(true, true);
  publisher_.video_config(media_->video->config, kBase);
  publisher_.audio_config(media_->audio->config, kBase);
  publisher_.gather(64 * 1024);
  const Bytes sound = audio_frame();
  const ByteVector picture(16, std::byte{0});
  uint64_t pictures = 0, sounds = 0;
  for (;;) {
    const double picture_ms = static_cast<double>(pictures) * kVideoMs;
    const double sound_ms = static_cast<double>(sounds) * kAudioMs;
    if (std::min(picture_ms, sound_ms) > kDayMs) break;
    if (picture_ms <= sound_ms) {
      publisher_.video(picture, kBase + static_cast<uint32_t>(picture_ms), pictures % 50 == 0,
                       pictures % 3 == 0 ? 80 : 0);
      ++pictures;
    } else {
      publisher_.audio(sound.first(8), kBase + static_cast<uint32_t>(std::lround(sound_ms)));
      ++sounds;
    }
  }
  publisher_.gather(0);
  publisher_.unpublish();
  ASSERT_TRUE(pipeline.wait(Pipeline::is_element("headgate-session", "action", "close")));
  EXPECT_EQ(video.frames_, pictures);
  EXPECT_EQ(audio.frames_, sounds);
  EXPECT_EQ(video.backward_ + audio.backward_, 0u);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-timestamps")), 0);
  // Each is within the rounding of what was meant, so that they are within 40 ms of each other.
  EXPECT_LE(video.worst_ms_, 1.0);
  EXPECT_LE(audio.worst_ms_, 2.0);
}

}  // namespace
}  // namespace headgate::test
