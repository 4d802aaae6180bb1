// SPDX-License-Identifier: LGPL-2.1-or-later
// segmentarchiver's tracks: configurations that change, pads that come late, never or go, media that is
// missing.
#include <store/run_writer.h>

#include "archiver_fixture.h"

namespace headgate::test {
namespace {

TEST_F(ByHand, AChangedConfigurationStartsANewFileOfTheSameRun) {
  start(true, false);
  const Pushed first = push(media_, 0, 4000);
  video_->caps(*other_.video);
  const Pushed second = push(other_, 0, 9000, 3000);
  finish();
  ASSERT_EQ(media().size(), 2u);
  EXPECT_EQ(count_packets({media()[0]}, codec::Kind::video), first.video);
  EXPECT_EQ(count_packets({media()[1]}, codec::Kind::video), second.video);
  EXPECT_EQ(runs(), 1u);
  expect_plays(media());
}

TEST_F(ByHand, AConfigurationThatChangesForEverEndsTheRun) {
  start(true, false);
  uint32_t changes = 0;
  const Packet* keys[] = {nullptr, nullptr};
  const MediaFile* files[] = {&media_, &other_};
  for (int i = 0; i < 2; ++i)
    for (const Packet& packet : files[i]->packets)
      if (packet.kind == codec::Kind::video && packet.key && !keys[i]) keys[i] = &packet;
  ASSERT_TRUE(keys[0] && keys[1]);
  GstFlowReturn flow = GST_FLOW_OK;
  for (; flow == GST_FLOW_OK && changes <= store::kMaxPresentations; ++changes) {
    const MediaFile& file = *files[changes % 2];
    video_->caps(*file.video);
    flow = video_->try_push(*keys[changes % 2], file.video->timescale, changes * 40);
    if (changes == 0) {
      ASSERT_TRUE(written());
    }
  }
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  EXPECT_EQ(changes, store::kMaxPresentations + 1);
  EXPECT_EQ(pipeline_->count(Pipeline::is_type(GST_MESSAGE_ERROR)), 1);
  EXPECT_TRUE(eventually([&] { return chain_lines(scratch_.path(), "\"reason\":\"limit\"") == 1; }));
  EXPECT_EQ(chain_lines(scratch_.path(), "\"t\":\"end\""), 1u);
}

TEST_F(ByHand, TheSameConfigurationAgainChangesNothing) {
  start(true, true);
  Pushed pushed = push(media_, 0, 3000);
  video_->caps(*media_.video);
  audio_->caps(*media_.audio);
  pushed += push(media_, 3000, 9000);
  finish();
  EXPECT_EQ(media().size(), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, APadThatNeverGetsDataIsNotWaitedForForever) {
  start(true, true);
  Pushed pushed = push(media_, 0, 2900, 0, false);  // the file's times begin at 1 s
  EXPECT_EQ(stat("frames"), 0u);
  pushed += push(media_, 2900, 9000, 0, false);
  EXPECT_TRUE(written());
  finish();
  EXPECT_EQ(media().size(), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, APadThatIsNotLinkedIsNotWaitedForAtAll) {
  start(true, false);
  GstPad* unlinked = gst_element_request_pad_simple(archiver_.get(), "audio_0");
  const Pushed pushed = push(media_, 0, 1500);
  EXPECT_TRUE(written());
  finish();
  gst_object_unref(unlinked);
  expect_archived(pushed);
}

TEST_F(ByHand, AGapEventSaysThatATrackHasNothingNow) {
  start(true, true);
  audio_->send(gst_event_new_gap(0, 20 * GST_SECOND));
  Pushed pushed = push(media_, 0, 1500, 0, false);
  EXPECT_TRUE(written());
  pushed += push(media_, 1500, 9000, 0, false);
  finish();
  expect_archived(pushed);
}

TEST_F(ByHand, ALinkedPadMayBeReleased) {
  start(true, true);
  Pushed pushed = push(media_, 0, 3000);
  audio_.reset();  // unlinks and releases
  pushed += push(media_, 3000, 9000);
  finish();
  expect_archived(pushed);
}

TEST_F(ByHand, ATrackThatComesLateStartsANewFileAtAKeyFrame) {
  start(true, true);
  Pushed pushed = push(media_, 0, 4300, 0, false);
  ASSERT_TRUE(written());
  const Pushed rest = push(media_, 4300, 9000);
  pushed += rest;
  finish();
  ASSERT_EQ(media().size(), 2u);
  EXPECT_EQ(count_packets({media()[0]}, codec::Kind::audio), 0u);
  EXPECT_EQ(count_packets({media()[1]}, codec::Kind::audio), rest.audio);
  EXPECT_TRUE(probe_packets(media()[1]).at(0).key);
  EXPECT_EQ(runs(), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, WhatThereIsForAPartIsToldWhenTheSourceFallsSilent) {
  start(true, true);
  Pushed pushed = push(media_, 0, 1480);  // 12 pictures
  ASSERT_TRUE(written());
  EXPECT_EQ(stat("parts"), 0u);
  send_all(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("headgate-silence")));
  EXPECT_EQ(stat("parts"), 1u);
  pushed += push(media_, 1480, 9000);
  finish();
  expect_archived(pushed);
}

TEST_F(ByHand, MissingMediaIsRecordedAsAGap) {
  start(true, true);
  Pushed pushed = push(media_, 0, 3000);
  pushed += push(media_, 3000, 9000, 5000);
  finish();
  EXPECT_EQ(chain_lines(scratch_.path(), "\"t\":\"gap\""), 1u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"stall\""), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, AFlushEndsTheRun) {
  start(true, false);
  Pushed pushed = push(media_, 0, 4000);
  ASSERT_TRUE(written());
  video_->send(gst_event_new_flush_start());
  video_->send(gst_event_new_flush_stop(TRUE));
  video_->segment();
  pushed += push(media_, 4000, 9000);
  finish();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"flush\""), 1u);
  expect_archived(pushed);
}

}  // namespace
}  // namespace headgate::test
