// SPDX-License-Identifier: LGPL-2.1-or-later
// ticketsrc on its own: listens, and stock clients publish with real tickets.
#include "publisher.h"

namespace headgate::test {
namespace {

class Alone : public ::testing::Test {
 protected:
  void start(const std::string& properties = {}, const std::string& uri = "rtmp://127.0.0.1:0/live") {
    pipeline_ = std::make_unique<Pipeline>(
        "ticketsrc name=source uri=" + uri + " keys=" + keys_.folder() + " " + properties +
        " fakesink name=v async=false sync=false fakesink name=a async=false sync=false "
        "source.video_0 ! v.sink source.audio_0 ! a.sink");
    video_ = watch_pad(*pipeline_, "v", "sink");
    audio_ = watch_pad(*pipeline_, "a", "sink");
    pipeline_->play();
    g_object_get(pipeline_->element("source").get(), "bound-port", &port_, nullptr);
    ASSERT_NE(port_, 0u);
  }
  int count(const char* action) {
    return pipeline_->count(Pipeline::is_element("headgate-session", "action", action));
  }
  bool closed(int times) {
    return eventually([&] { return count("close") == times; });
  }
  std::string refusal() {
    const auto message = pipeline_->wait(Pipeline::is_element("headgate-session", "action", "refuse"));
    return message ? text_field(message.get(), "reason") : "not refused";
  }

  Keys keys_;
  std::unique_ptr<Pipeline> pipeline_;
  std::shared_ptr<Passed> video_, audio_;
  guint port_ = 0;
};

TEST_F(Alone, FfmpegPublishesWithATicket) {
  start("once=true");
  Program ffmpeg(ffmpeg_publisher(Keys::url(keys_.issue(31), port_), 2));
  ASSERT_TRUE(pipeline_->wait_eos());
  EXPECT_EQ(ffmpeg.wait(), 0);
  const auto open = pipeline_->wait(Pipeline::is_element("headgate-session", "action", "open"));
  EXPECT_EQ(number_field(open.get(), "station"), 31u);
  EXPECT_EQ(number_field(open.get(), "event"), Keys::kEvent);
  EXPECT_EQ(text_field(open.get(), "claim"), "first");
  EXPECT_EQ(video_->count(), 50u);
  EXPECT_GE(audio_->count(), 86u);
  const auto close = pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close"));
  EXPECT_EQ(text_field(close.get(), "reason"), "unpublish");
  EXPECT_EQ(number_field(close.get(), "video-frames"), video_->count());
  EXPECT_EQ(number_field(close.get(), "audio-frames"), audio_->count());
}

TEST_F(Alone, FfmpegPublishesOverSrt) {
  start("once=true", "srt://127.0.0.1:0");
  Program ffmpeg(ffmpeg_publisher(Keys::srt_url(keys_.issue(31), port_), 2));
  ASSERT_TRUE(pipeline_->wait_eos());
  EXPECT_EQ(ffmpeg.wait(), 0);
  const auto open = pipeline_->wait(Pipeline::is_element("headgate-session", "action", "open"));
  EXPECT_EQ(number_field(open.get(), "station"), 31u);
  EXPECT_EQ(text_field(open.get(), "protocol"), "srt");
  EXPECT_EQ(text_field(open.get(), "claim"), "first");
  EXPECT_EQ(video_->count(), 50u);
  EXPECT_GE(audio_->count(), 86u);
}

TEST_F(Alone, OverSrtTheOneThatComesBackTakesOverAndASecondIsBusy) {
  start("", "srt://127.0.0.1:0");
  const std::string url = Keys::srt_url(keys_.issue(51), port_);
  Program first(ffmpeg_publisher(url, 60));
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "open")));
  Program other(ffmpeg_publisher(Keys::srt_url(keys_.issue(52), port_), 1));
  EXPECT_NE(other.wait(), 0);
  EXPECT_EQ(refusal().substr(0, 4), "BUSY");
  EXPECT_EQ(count("close"), 0);
  Program second(ffmpeg_publisher(url, 60));
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "reason", "superseded")));
  ASSERT_TRUE(eventually([&] { return count("open") == 2; }));
  EXPECT_NE(first.wait(), 0);
  EXPECT_FALSE(second.ended());
}

TEST_F(Alone, AnExpiredTicketIsRefusedOverSrt) {
  start("", "srt://127.0.0.1:0");
  Program ffmpeg(ffmpeg_publisher(Keys::srt_url(keys_.issue(71, -3600), port_), 1));
  EXPECT_NE(ffmpeg.wait(), 0);
  EXPECT_EQ(refusal().substr(0, 7), "EXPIRED");
  EXPECT_EQ(count("open"), 0);
}

TEST_F(Alone, Rtmp2sinkPublishesWithATicket) {
  start("once=true");
  Pipeline client(
      "videotestsrc is-live=true num-buffers=50 ! video/x-raw,width=160,height=120,framerate=25/1 ! "
      "x264enc tune=zerolatency key-int-max=25 ! h264parse ! flvmux name=mux streamable=true ! rtmp2sink "
      "location=" +
      Keys::url(keys_.issue(32), port_) +
      " audiotestsrc is-live=true num-buffers=90 ! avenc_aac ! aacparse ! mux.");
  client.play();
  ASSERT_TRUE(client.wait_eos());
  client.stop();
  ASSERT_TRUE(pipeline_->wait_eos());
  EXPECT_EQ(video_->count(), 50u);
  EXPECT_GE(audio_->count(), 80u);
}

TEST_F(Alone, TheNextPublisherComesOutOfTheSamePads) {
  start();
  for (const unsigned station : {41u, 42u}) {
    Program ffmpeg(ffmpeg_publisher(Keys::url(keys_.issue(station), port_), 1));
    ASSERT_TRUE(closed(static_cast<int>(station) - 40));
  }
  EXPECT_EQ(video_->count(), 50u);
  EXPECT_EQ(pipeline_->element("source")->numsrcpads, 2);
  for (const auto& passed : {video_, audio_}) {
    EXPECT_EQ(passed->events_of(GST_EVENT_STREAM_START).size(), 2u);
    ASSERT_EQ(passed->events_of(GST_EVENT_SEGMENT).size(), 2u);
    EXPECT_EQ(passed->events_of(GST_EVENT_GAP).size(), 1u);
    ASSERT_EQ(passed->events_of(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY).size(), 2u);
    EXPECT_EQ(passed->events_named("headgate-session-end"), 2u);
    EXPECT_TRUE(passed->events_of(GST_EVENT_EOS).empty());
    // Running time goes on; the timestamps of each session start at 0.
    const GstSegment *first = nullptr, *second = nullptr;
    gst_event_parse_segment(passed->events_of(GST_EVENT_SEGMENT)[0].get(), &first);
    gst_event_parse_segment(passed->events_of(GST_EVENT_SEGMENT)[1].get(), &second);
    EXPECT_GE(second->base, first->base + GST_SECOND * 9 / 10);
  }
}

TEST_F(Alone, ASecondPublisherIsBusy) {
  start();
  Program first(ffmpeg_publisher(Keys::url(keys_.issue(51), port_), 60));
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "open")));
  Program second(ffmpeg_publisher(Keys::url(keys_.issue(52), port_), 1));
  EXPECT_NE(second.wait(), 0);
  EXPECT_EQ(refusal().substr(0, 4), "BUSY");
  EXPECT_EQ(count("close"), 0);
}

TEST_F(Alone, ThePublisherThatComesBackTakesOver) {
  start();
  const std::string url = Keys::url(keys_.issue(61), port_);
  Program first(ffmpeg_publisher(url, 60));
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "action", "open")));
  Program second(ffmpeg_publisher(url, 60));
  ASSERT_TRUE(pipeline_->wait(Pipeline::is_element("headgate-session", "reason", "superseded")));
  ASSERT_TRUE(eventually([&] { return count("open") == 2; }));
  EXPECT_NE(first.wait(), 0);
  EXPECT_FALSE(second.ended());
}

TEST_F(Alone, AnExpiredTicketIsRefusedWithTheReason) {
  start();
  Program ffmpeg(ffmpeg_publisher(Keys::url(keys_.issue(71, -3600), port_), 1));
  EXPECT_NE(ffmpeg.wait(), 0);
  EXPECT_EQ(refusal().substr(0, 7), "EXPIRED");
  EXPECT_EQ(count("open"), 0);
  guint64 refused = 0;
  GstStructure* raw = nullptr;
  g_object_get(pipeline_->element("source").get(), "stats", &raw, nullptr);
  const gst::StructurePtr stats(raw);
  gst_structure_get_uint64(raw, "refused", &refused);
  EXPECT_EQ(refused, 1u);
}

TEST_F(Alone, ATicketOfAnotherEventIsRefused) {
  start();
  Keys others;
  Program ffmpeg(ffmpeg_publisher(Keys::url(others.issue(71), port_), 1));
  EXPECT_NE(ffmpeg.wait(), 0);
  EXPECT_NE(refusal(), "not refused");
  EXPECT_EQ(count("open"), 0);
}

TEST_F(Alone, AfterOnceNobodyIsLetIn) {
  start("once=true");
  const std::string url = Keys::url(keys_.issue(81), port_);
  Program first(ffmpeg_publisher(url, 1));
  ASSERT_TRUE(pipeline_->wait_eos());
  Program second(ffmpeg_publisher(url, 1));
  EXPECT_NE(second.wait(), 0);
  EXPECT_EQ(refusal().substr(0, 6), "CLOSED");
}

TEST_F(Alone, TheLineOfTheManualArchives) {
  ScratchDirectory scratch;
  start();
  pipeline_ = std::make_unique<Pipeline>(
      "ticketsrc name=source uri=rtmp://127.0.0.1:0/live once=true keys=" + keys_.folder() +
      " healthprobe name=probe segmentarchiver name=archive root=" + scratch.path() +
      " source.video_0 ! probe.sink_0 probe.src_0 ! archive.video "
      "source.audio_0 ! probe.sink_1 probe.src_1 ! archive.audio_0");
  pipeline_->play();
  g_object_get(pipeline_->element("source").get(), "bound-port", &port_, nullptr);
  Program ffmpeg(ffmpeg_publisher(Keys::url(keys_.issue(91), port_), 3));
  ASSERT_TRUE(pipeline_->wait_eos());
  pipeline_->stop();
  EXPECT_EQ(count_packets(files_under(scratch.path(), ".mp4"), codec::Kind::video), 75u);
  EXPECT_EQ(chain_lines(scratch.path(), "\"reason\":\"unpublish\""), 1u);
  EXPECT_EQ(chain_lines(scratch.path(), "\"station\":91"), 1u);
}

}  // namespace
}  // namespace headgate::test
