// SPDX-License-Identifier: LGPL-2.1-or-later
// segmentarchiver's sessions: each is a run.
#include "../libs/store/failing_disk.h"
#include "archiver_fixture.h"

namespace headgate::test {
namespace {

TEST_F(ByHand, EachSessionIsARunOfItsStation) {
  start(true, true);
  Pushed pushed;
  for (const unsigned station : {21, 22}) {
    send_all(session_event(station));  // one event for both pads: one session
    pushed += push(media_, 0, 9000, station == 21 ? 0 : 6000);
  }
  finish();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"station\":21"), 1u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"station\":22"), 1u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"superseded\""), 1u);
  for (const std::string& file : media())
    EXPECT_EQ(count_packets({file}, codec::Kind::video), pushed.video / 2) << file;
  expect_archived(pushed);
}

TEST_F(ByHand, TracksThatEnterASessionOneAfterTheOtherLoseNothing) {
  start(true, true);
  send_all(session_event(21));
  Pushed pushed = push(media_, 0, 3000);
  GstEvent* second = session_event(22);
  video_->send(gst_event_ref(second));
  pushed += push(media_, 3000, 3500);  // video is in the second, audio still in the first
  audio_->send(second);
  pushed += push(media_, 3500, 9000);
  finish();
  EXPECT_EQ(runs(), 2u);
  expect_archived(pushed);
}

TEST_F(ByHand, TheSourcesReasonIsTheRunsReason) {
  start(true, true);
  send_all(session_event(21));
  const Pushed pushed = push(media_, 0, 9000);
  send_all(session_end_event("unpublish"));
  // The run is over before anything else comes.
  EXPECT_TRUE(eventually([&] { return chain_lines(scratch_.path(), "\"reason\":\"unpublish\"") == 1; }));
  finish();
  expect_archived(pushed);
}

TEST_F(ByHand, StoppingEndsTheRun) {
  start(true, false);
  const Pushed pushed = push(media_, 0, 9000);
  pipeline_->stop();
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"stopped\""), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, ABrokenVolumeIsSaidToBeOne) {
  start(true, false);
  push(media_, 0, 4000);
  ASSERT_TRUE(written());
  failing_disk().pwritev_errno = EIO;
  push(media_, 4000, 9000);
  failing_disk().pwritev_errno = 0;
  EXPECT_EQ(pipeline_->count(is_broken), 1);
  // Nor for anybody else: a run that cannot be opened says so too.
  video_->send(session_event(22));
  for (const Packet& packet : other_.packets)
    if (packet.kind == codec::Kind::video &&
        video_->try_push(packet, other_.video->timescale, 9000) != GST_FLOW_OK)
      break;
  EXPECT_TRUE(eventually([this] { return pipeline_->count(is_broken) == 2; }));
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-archive", "state", "lost")), 2);
  pipeline_->stop();
}

}  // namespace
}  // namespace headgate::test
