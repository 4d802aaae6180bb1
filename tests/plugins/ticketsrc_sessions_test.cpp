// SPDX-License-Identifier: LGPL-2.1-or-later
// ticketsrc's sessions: how they begin, who ends them, and who is told.
#include <atomic>

#include "handed_over.h"

namespace headgate::test {
namespace {

TEST_F(HandedOver, ASilentPublisherIsDisconnected) {
  start("idle-timeout=1000000000");
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  EXPECT_EQ(close_reason(), "timeout");
}

TEST_F(HandedOver, PingsDoNotHoldASession) {
  start("idle-timeout=1000000000");
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
  // User control, ping response (7).
  const ByteVector ping = {std::byte{0}, std::byte{7}, std::byte{0},
                           std::byte{0}, std::byte{0}, std::byte{1}};
  const auto closed = Pipeline::is_element("headgate-session", "action", "close");
  EXPECT_TRUE(eventually([&] {
    publisher_.try_message(rtmp::kUserControl, 0, ping);
    return pipeline_->count(closed) == 1;
  }));
  EXPECT_EQ(close_reason(), "timeout");
}

TEST_F(HandedOver, TheApplicationMayEndASession) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
  g_signal_emit_by_name(pipeline_->element("source").get(), "end-session", "superseded");
  EXPECT_EQ(close_reason(), "superseded");
  EXPECT_TRUE(eventually([&] { return video_->events_of(GST_EVENT_EOS).size() == 1; }));  // follows
}

TEST_F(HandedOver, TheServiceWordCountsTicksAndIsOddWhileOneServesTheElement) {
  static std::atomic<uint64_t> word;  // outlives the element
  word = 0;
  pipeline_ = std::make_unique<Pipeline>(
      "ticketsrc name=source tick-ms=10 source.video_0 ! fakesink name=v async=false sync=false");
  g_object_set(pipeline_->element("source").get(), "service-word", &word, nullptr);
  static std::atomic<uint64_t> at_a_frame;
  at_a_frame = 0;
  const auto note = +[](GstPad*, GstPadProbeInfo*, gpointer) {
    at_a_frame = word.load();
    return GST_PAD_PROBE_OK;
  };
  const auto sink = pipeline_->element("v");
  GstPad* const pad = gst_element_get_static_pad(sink.get(), "sink");
  gst_pad_add_probe(pad,
                    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
                    note, nullptr, nullptr);
  gst_object_unref(pad);
  publisher_.hand_over(pipeline_->element("source").get());
  pipeline_->play();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return at_a_frame != 0; }));
  EXPECT_EQ(at_a_frame % 2, 1u);
  const uint64_t before = word;
  EXPECT_TRUE(eventually([&] { return word > before + 4; })) << "ticks count without media as well";
  pipeline_.reset();
  EXPECT_EQ(word % 2, 0u);
}

TEST_F(HandedOver, ThePublisherIsToldWhenDownstreamFails) {
  pipeline_ = std::make_unique<Pipeline>(
      "ticketsrc name=source tick-ms=10 source.video_0 ! identity error-after=2 ! fakesink async=false");
  publisher_.hand_over(pipeline_->element("source").get());
  pipeline_->play();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  for (uint32_t ms = 0; ms < 120; ms += 40) publisher_.video(video_frame(ms == 0), ms, ms == 0);
  const auto closed = Pipeline::is_element("headgate-session", "reason", "error:downstream: error");
  EXPECT_TRUE(eventually([&] { return pipeline_->count(closed) == 1; }));
  EXPECT_TRUE(publisher_.is_told("1503 DOWN: this server cannot go on with the stream"));
}

TEST_F(HandedOver, ASessionThatIsEndedBeforeItBeginsIsToldWhy) {
  pipeline_ = std::make_unique<Pipeline>("ticketsrc name=source tick-ms=10");
  publisher_.hand_over(pipeline_->element("source").get());
  gst_element_set_state(pipeline_->get(), GST_STATE_PAUSED);
  g_signal_emit_by_name(pipeline_->element("source").get(), "end-session", "1507 NO-STORAGE: too late");
  pipeline_->play();
  EXPECT_EQ(close_reason(), "1507 NO-STORAGE: too late");
  EXPECT_TRUE(publisher_.is_told("1507 NO-STORAGE: too late"));
}

TEST_F(HandedOver, ASessionWithoutMediaIsAnError) {
  start();
  EXPECT_TRUE(publisher_.is_told("NetStream.Publish.Start"));
  publisher_.unpublish();
  const auto is_error = Pipeline::is_type(GST_MESSAGE_ERROR);
  EXPECT_TRUE(pipeline_->wait(is_error));
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-session", "action", "close")), 1);
}

TEST_F(HandedOver, GarbageEndsTheSessionWithItsReason) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
  // A Set Chunk Size of 0.
  const std::byte zero[4] = {};
  publisher_.message(1, 0, zero);
  EXPECT_EQ(close_reason().substr(0, 6), "error:");
}

TEST_F(HandedOver, StoppingInTheMiddleClosesTheConnection) {
  start();
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
  pipeline_->stop();
  EXPECT_EQ(close_reason(), "stopped");
}

TEST_F(HandedOver, APauseIsNotTakenForSilence) {
  start("idle-timeout=1000000000");
  publisher_.metadata(true, false);
  publisher_.video_config(media_->video->config);
  publisher_.video(video_frame(), 0, true);
  ASSERT_TRUE(eventually([&] { return video_->count() == 1; }));
  gst_element_set_state(pipeline_->get(), GST_STATE_PAUSED);
  publisher_.video(video_frame(false), 40, false);
  EXPECT_FALSE(eventually([&] { return video_->count() > 1; }, 1500));
  pipeline_->play();
  EXPECT_TRUE(eventually([&] { return video_->count() == 2; }));
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-session", "action", "close")), 0);
}

TEST_F(HandedOver, ManySessionsShareTheirThread) {
  constexpr size_t kSessions = 20;
  start();
  const std::unique_ptr<AdmittedPublisher[]> publishers(new AdmittedPublisher[kSessions]);
  std::vector<std::unique_ptr<Pipeline>> pipelines;
  std::vector<std::shared_ptr<Passed>> passed;
  for (size_t i = 0; i < kSessions; ++i) {
    pipelines.push_back(std::make_unique<Pipeline>(
        "ticketsrc name=source tick-ms=10 source.video_0 ! fakesink name=v async=false sync=false"));
    passed.push_back(watch_pad(*pipelines[i], "v", "sink"));
    publishers[i].hand_over(pipelines[i]->element("source").get());
    pipelines[i]->play();
  }
  for (size_t i = 0; i < kSessions; ++i) {
    publishers[i].file(*media_);
    publishers[i].unpublish();
  }
  for (size_t i = 0; i < kSessions; ++i) {
    ASSERT_TRUE(pipelines[i]->wait_eos()) << i;
    EXPECT_EQ(passed[i]->count(), packets(codec::Kind::video)) << i;
  }
}

}  // namespace
}  // namespace headgate::test
