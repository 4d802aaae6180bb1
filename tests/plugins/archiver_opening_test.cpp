// SPDX-License-Identifier: LGPL-2.1-or-later
// segmentarchiver while the disk is slow to open a run: nobody waits, and nothing is lost.
#include <fcntl.h>
#include <sys/file.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <base/unique_fd.h>

#include "archiver_fixture.h"

namespace headgate::test {
namespace {

constexpr char kEvent5[] = "/lta/5", kEvent6[] = "/lta/6";
constexpr char kStation9[] = "/lta/5/st/09/000009";

// Longer than a test takes: a recorder that waits does so for what the test does.
constexpr char kPatient[] = "open-timeout=3600000000000";

class Opening : public ByHand {
 protected:
  Opening() { properties_ = kPatient; }
  void TearDown() override {
    let_go();
    ByHand::TearDown();
  }
  // Who opens an event's first run waits for this lock, as for a slow disk; who finds a station's taken tries
  // again, as if another process were writing.
  void hold(const std::string& directory) {
    std::filesystem::create_directories(scratch_.path() + directory);
    lock_ = UniqueFd(::open((scratch_.path() + directory).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::flock(lock_.get(), LOCK_EX), 0);
  }
  void let_go() { lock_.reset(); }
  bool all_written(const Pushed& pushed) {
    return eventually([&] { return stat("frames") == pushed.video + pushed.audio; });
  }
  UniqueFd lock_;
};

TEST_F(Opening, TheSourceIsNotHeldUp) {
  hold(kEvent5);
  start(true, true);
  Pushed pushed = push(media_, 0, 4000);
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(stat("frames"), 0u);
  let_go();
  ASSERT_TRUE(written());
  pushed += push(media_, 4000, 9000);
  finish();
  EXPECT_EQ(runs(), 1u);
  EXPECT_EQ(stat("dropped-frames"), 0u);
  expect_archived(pushed);
}

TEST_F(Opening, NothingIsWaitedForWhateverComes) {
  constexpr int kChanges = 20;
  hold(kEvent6);
  start(true, false);
  video_->send(session_event(21));
  Pushed pushed = push(media_, 0, 2000);
  for (int i = 0; i < kChanges; ++i) {
    const MediaFile& file = i % 2 == 0 ? other_ : media_;
    video_->caps(*file.video);
    pushed += push(file, 1000, 1080, 1000 + 80 * i);  // the file's first, a key frame
  }
  video_->send(session_end_event("unpublish"));
  video_->send(session_event(22));
  pushed += push(media_, 0, 2000, 6000);
  video_->send(gst_event_new_eos());
  // Every call has returned, and nothing has moved.
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(pipeline_->count(Pipeline::is_type(GST_MESSAGE_EOS)), 0);
  let_go();
  ASSERT_TRUE(pipeline_->wait_eos());
  pipeline_->stop();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"unpublish\""), 1u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"eos\""), 1u);
  EXPECT_EQ(media().size(), kChanges + 2u);
  EXPECT_EQ(stat("dropped-frames"), 0u);
  expect_archived(pushed);
}

TEST_F(Opening, ABurstIsWrittenThoughNothingFollows) {
  hold(kEvent5);
  start(true, true);
  const Pushed pushed = push(media_, 0, 9000);
  let_go();
  EXPECT_TRUE(all_written(pushed));
  finish();
  expect_archived(pushed);
}

TEST_F(Opening, AStationThatAnotherHasIsTriedAgain) {
  hold(kStation9);
  start(true, true);
  const Pushed pushed = push(media_, 0, 9000);
  // It was found taken, and will be.
  ASSERT_TRUE(eventually([this] { return std::filesystem::exists(scratch_.path() + "/lta/5/VOLUME.json"); }));
  EXPECT_EQ(runs(), 0u);
  let_go();
  EXPECT_TRUE(all_written(pushed));
  finish();
  EXPECT_EQ(runs(), 1u);
  expect_archived(pushed);
}

TEST_F(Opening, OutlastsItsSession) {
  hold(kEvent5);
  start(true, true);
  const Pushed pushed = push(media_, 0, 9000);
  send_all(session_end_event("unpublish"));
  send_all(gst_event_new_eos());
  EXPECT_EQ(runs(), 0u);
  let_go();
  pipeline_->stop();
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"unpublish\""), 1u);
  expect_archived(pushed);
}

TEST_F(Opening, WhatIsWrittenAtTheEndIsCounted) {
  hold(kEvent5);
  start(true, true);
  const Pushed pushed = push(media_, 0, 9000);
  std::thread stopping([this] { pipeline_->stop(); });
  // No event is taken any more: it waits for the run.
  const auto any = [] {
    return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("any"));
  };
  EXPECT_TRUE(eventually([&] { return !video_->try_send(any()); }));
  EXPECT_EQ(stat("frames"), 0u);
  let_go();
  stopping.join();
  EXPECT_EQ(stat("frames"), pushed.video + pushed.audio);
  EXPECT_EQ(stat("dropped-frames"), 0u);
  expect_archived(pushed);
}

TEST_F(Opening, ADiskThatDoesNotAnswerIsToldThoughNothingFollows) {
  properties_ = "open-timeout=200000000";
  hold(kEvent5);
  start(true, false);
  ASSERT_EQ(push(media_, 1000, 1040).video, 1u);
  video_->send(gst_event_new_eos());
  EXPECT_TRUE(pipeline_->wait(Pipeline::is_type(GST_MESSAGE_ERROR)));
  EXPECT_TRUE(eventually([&] { return pipeline_->count(Pipeline::is_type(GST_MESSAGE_EOS)) == 1; }));
  EXPECT_EQ(stat("dropped-frames"), 1u);
}

TEST_F(Opening, ASessionThatWasSupersededIsRecorded) {
  hold(kEvent6);
  start(true, false);
  video_->send(session_event(21));
  Pushed pushed = push(media_, 0, 4000);
  video_->send(session_event(21));  // the same station's: it is not free until the first one's run has ended
  pushed += push(media_, 0, 9000, 4000);
  let_go();
  EXPECT_TRUE(all_written(pushed));
  finish();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"superseded\""), 1u);
  EXPECT_EQ(stat("dropped-frames"), 0u);
  expect_archived(pushed);
}

TEST_F(Opening, AFlushDropsWhatWaits) {
  hold(kEvent5);
  start(true, false);
  const Pushed lost = push(media_, 0, 4000);
  video_->send(gst_event_new_flush_start());
  video_->send(gst_event_new_flush_stop(TRUE));
  video_->segment();
  const Pushed pushed = push(media_, 4000, 9000);
  let_go();
  EXPECT_TRUE(all_written(pushed));
  finish();
  EXPECT_EQ(runs(), 1u);
  EXPECT_EQ(stat("dropped-frames"), lost.video);
  expect_archived(pushed);
}

TEST_F(Opening, AFailureIsToldThoughNothingFollows) {
  hold(kEvent5);
  start(true, false);
  const Pushed lost = push(media_, 0, 9000);
  video_->send(gst_event_new_eos());
  std::ofstream(scratch_.path() + kEvent5 + "/VOLUME.json") << "garbage";
  let_go();
  EXPECT_TRUE(pipeline_->wait(Pipeline::is_type(GST_MESSAGE_ERROR)));
  EXPECT_TRUE(eventually([&] { return stat("dropped-frames") == lost.video; }));
  EXPECT_EQ(runs(), 0u);
}

TEST_F(Opening, WhatWaitsIsBounded) {
  constexpr size_t kBytes = 1 << 20, kMost = 20;
  hold(kEvent6);
  start(true, false);
  video_->send(session_event(21));
  Packet large = *std::find_if(media_.packets.begin(), media_.packets.end(),
                               [](const Packet& packet) { return packet.kind == codec::Kind::video; });
  const ByteVector bytes(kBytes);
  large.data = bytes;
  size_t frames = 0;
  GstFlowReturn flow = GST_FLOW_OK;
  for (; flow == GST_FLOW_OK && frames < kMost; ++frames) {
    flow = video_->try_push(large, media_.video->timescale, 0);
    large.dts += 3600, large.pts += 3600;
  }
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  EXPECT_TRUE(pipeline_->wait(Pipeline::is_type(GST_MESSAGE_ERROR)));
  EXPECT_EQ(stat("dropped-frames"), frames);
  let_go();
  // The next session finds the disk well, and its station free when the run that nobody waited for is over.
  video_->send(session_event(21));
  const Pushed pushed = push(media_, 0, 9000, 4000);
  EXPECT_TRUE(all_written(pushed));
  pipeline_->stop();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"abandoned\""), 1u);
  expect_archived(pushed);
}

TEST_F(Opening, ASourceThatIsNotLiveWaits) {
  hold(kEvent5);
  Pipeline pipeline(archiver(kPatient) +
                    "videotestsrc num-buffers=200 ! video/x-raw,width=160,height=120,framerate=25/1 ! "
                    "x264enc key-int-max=25 tune=zerolatency ! h264parse name=vp ! archive.video");
  const auto video = watch_pad(pipeline, "vp", "src");
  pipeline.play();
  ASSERT_TRUE(eventually([&] { return video->count() > 0; }));
  EXPECT_EQ(video->count(), 1u);
  let_go();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(count_packets(media(), codec::Kind::video), video->count());
}

}  // namespace
}  // namespace headgate::test
