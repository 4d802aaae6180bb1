// SPDX-License-Identifier: LGPL-2.1-or-later
// What is wrong with a stream by its measures: each just on the good side of its threshold, just on the bad
// one, and wavering, with made-up times; and the element's messages on a test clock.
#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>

#include <algorithm>

#include "healthprobe/stream_health.h"
#include "plugin_test.h"

namespace headgate::healthprobe {
namespace {

using health::Kind;
constexpr int64_t kMs = 1'000'000;
constexpr Thresholds kDefaults;

// A stream of video that is as a test says.
class Conditions : public ::testing::Test {
 protected:
  Conditions() { health_.set_video(true); }
  void saw(int64_t arrival_ms, int64_t media_ms, bool key, uint64_t bytes = 1000) {
    told_ +=
        health_.saw(
            {.arrival = arrival_ms * kMs, .time = media_ms * kMs, .duration = {}, .bytes = bytes, .key = key},
            thresholds_) == Change::condition;
  }
  // Frames of `step_ms` each until `until_ms`, a key frame each `gop_ms`.
  void feed(int64_t until_ms, int64_t step_ms = 40, uint64_t bytes = 1000, int64_t gop_ms = 1000) {
    for (; now_ms_ < until_ms; now_ms_ += step_ms) saw(now_ms_, now_ms_, now_ms_ % gop_ms == 0, bytes);
  }
  std::optional<int64_t> since_ms(Kind kind) const {
    const auto since = health_.conditions().since(kind);
    return since ? std::optional(*since / kMs) : std::nullopt;
  }
  // The first second that shows what began at `ms`: they are no whole seconds.
  void expect_since(Kind kind, int64_t ms) const {
    ASSERT_TRUE(since_ms(kind));
    EXPECT_GT(*since_ms(kind), ms);
    EXPECT_LE(*since_ms(kind), ms + 1250);
  }
  bool any() const {
    return std::any_of(StreamConditions::kKinds.begin(), StreamConditions::kKinds.end(),
                       [&](Kind kind) { return health_.conditions().since(kind).has_value(); });
  }

  StreamHealth health_;
  Thresholds thresholds_;
  int64_t now_ms_ = 0;
  int told_ = 0;  // Change::condition
};

TEST_F(Conditions, OfAnOrdinaryStreamNoneHolds) {
  feed(120'000, 40, 1000, 10'000);  // 200 kbit/s, a key frame in ten seconds
  EXPECT_FALSE(any());
  EXPECT_EQ(told_, 0);
}

TEST_F(Conditions, AFrameRateBelowTheThreshold) {
  feed(10'000, 200);  // 5 frames a second: the threshold itself
  EXPECT_FALSE(any());
  feed(20'000, 250);
  expect_since(Kind::low_frame_rate, 10'000);
  EXPECT_EQ(told_, 1);
  feed(30'000, 200);
  EXPECT_TRUE(since_ms(Kind::low_frame_rate)) << "5 are not more by a quarter";
  feed(40'000, 100);
  EXPECT_FALSE(any());
  EXPECT_EQ(told_, 2);
}

TEST_F(Conditions, AFrameRateThatWaversIsToldOnce) {
  while (now_ms_ < 10'000) feed(now_ms_ + 4000, 250), feed(now_ms_ + 1000, 200);
  while (now_ms_ < 60'000) feed(now_ms_ + 1000, 100), feed(now_ms_ + 1000, 250);
  EXPECT_TRUE(since_ms(Kind::low_frame_rate));
  EXPECT_EQ(told_, 1);
}

TEST_F(Conditions, ShortDipsAreNone) {
  while (now_ms_ < 60'000) feed(now_ms_ + 2000, 500), feed(now_ms_ + 2000, 100);
  EXPECT_EQ(told_, 0);
}

TEST_F(Conditions, ABitRateBelowTheThreshold) {
  thresholds_.bit_rate = 100'000;
  feed(10'000, 40, 500);  // 100 kbit/s
  EXPECT_FALSE(any());
  feed(20'000, 40, 499);
  expect_since(Kind::low_rate, 10'000);
  feed(30'000, 40, 620);
  EXPECT_TRUE(since_ms(Kind::low_rate)) << "99.2 kbit/s and a quarter";
  feed(40'000, 40, 630);
  EXPECT_FALSE(any());
  EXPECT_EQ(told_, 2);
}

TEST_F(Conditions, OfSoundRatesAndGopsAreNotJudged) {
  health_.set_video(false);
  thresholds_.bit_rate = 1'000'000'000;
  feed(120'000, 400, 1, 100'000);
  EXPECT_FALSE(any());
}

TEST_F(Conditions, AGopAsLongAsTheThreshold) {
  feed(19'960 * 2 + 40, 40, 1000, 19'960);
  EXPECT_FALSE(any());
  now_ms_ = 40'000;
  feed(60'040, 40, 1000, 20'000);  // the GOP that ends at 60 s has 20
  EXPECT_EQ(since_ms(Kind::long_gop), 60'000);
  feed(90'040, 40, 1000, 15'000);
  EXPECT_TRUE(since_ms(Kind::long_gop)) << "15 s are not less by a quarter";
  feed(100'000, 40, 1000, 2000);
  EXPECT_FALSE(any());
  EXPECT_EQ(told_, 2);
}

TEST_F(Conditions, AKeyFrameThatDoesNotComeIsLateUntilTheyComeAgain) {
  thresholds_.gop = 0;
  feed(1000);
  for (; now_ms_ < 200'000; now_ms_ += 40) saw(now_ms_, now_ms_, now_ms_ % 60'000 == 0);
  expect_since(Kind::key_late, 30'000);  // the last one was at 0
  EXPECT_EQ(told_, 1) << "a key frame now and then does not end it";
  feed(210'000);
  EXPECT_FALSE(any());
  EXPECT_EQ(told_, 2);
}

TEST_F(Conditions, NoKeyFrameAtAll) {
  for (; now_ms_ < 40'000; now_ms_ += 40) saw(now_ms_, now_ms_, false);
  expect_since(Kind::key_late, 30'000);
}

TEST_F(Conditions, AStallIsNoLongGopAndNoLateKeyFrame) {
  feed(10'000);
  for (; now_ms_ < 100'000; now_ms_ += 500) health_.at(now_ms_ * kMs, thresholds_);
  ASSERT_TRUE(health_.measures().stalled);
  feed(130'000);
  EXPECT_FALSE(health_.measures().stalled);
  EXPECT_FALSE(any());
  EXPECT_EQ(told_, 0);
}

TEST_F(Conditions, JitterIsThatOfRfc3550) {
  // Every second frame comes 160 ms late: D is 160 ms each time, and J comes near to it.
  for (; now_ms_ < 20'000; now_ms_ += 40)
    saw(now_ms_ + (now_ms_ / 40 % 2) * 160, now_ms_, now_ms_ % 1000 == 0);
  EXPECT_NEAR(static_cast<double>(health_.measures().jitter), 160.0 * kMs, 1.0 * kMs);
  EXPECT_FALSE(any());
}

TEST_F(Conditions, JitterOfTheThreshold) {
  const auto shake = [&](int64_t until_ms, int64_t by_ms) {
    for (; now_ms_ < until_ms; now_ms_ += 40)
      saw(now_ms_ + (now_ms_ / 40 % 2) * by_ms, now_ms_, now_ms_ % 1000 == 0);
  };
  shake(20'000, 195);
  EXPECT_FALSE(any());
  shake(40'000, 230);
  ASSERT_TRUE(since_ms(Kind::jittery));
  EXPECT_NEAR(static_cast<double>(*since_ms(Kind::jittery)), 21'500, 1500);
  shake(60'000, 170);
  EXPECT_TRUE(since_ms(Kind::jittery));
  feed(80'000);
  EXPECT_FALSE(any());
  EXPECT_LT(health_.measures().jitter, 100) << "ns: what is left of rounding";
  EXPECT_EQ(told_, 2);
}

// What the burst behind a stall and a hole in the timestamps look like is no jitter.
TEST_F(Conditions, StallsAndJumpsAreNoJitter) {
  feed(10'000);
  now_ms_ += 30'000;
  health_.at(now_ms_ * kMs, thresholds_);
  for (int64_t media = 10'000; media < 20'000; media += 40) saw(now_ms_, media, media % 1000 == 0);
  EXPECT_EQ(health_.measures().jitter, 0);
  for (int64_t ms = 0; ms < 4000; ms += 40) saw(now_ms_ + ms, 20'000 + ms, ms % 1000 == 0);
  for (int64_t ms = 4000; ms < 8000; ms += 40) saw(now_ms_ + ms, 90'000 + ms, ms % 1000 == 0);
  EXPECT_EQ(health_.measures().jumps, 1u);
  EXPECT_EQ(health_.measures().jitter, 0);
  EXPECT_FALSE(any());
}

TEST_F(Conditions, TimestampsThatJumpAgainAndAgain) {
  int64_t hole = 0;
  const auto jump_each = [&](int64_t until_ms, int64_t each_ms) {
    for (; now_ms_ < until_ms; now_ms_ += 40) {
      if (now_ms_ % each_ms == 0) hole += 1000;
      saw(now_ms_, now_ms_ + hole, now_ms_ % 1000 == 0);
    }
  };
  jump_each(50'000, 12'000);  // four, but for the first frame, which is none
  EXPECT_FALSE(any());
  jump_each(60'040, 12'000);
  EXPECT_EQ(since_ms(Kind::jumping), 60'000);
  jump_each(200'000, 50'000);
  EXPECT_TRUE(since_ms(Kind::jumping)) << "there is one in each minute";
  EXPECT_EQ(told_, 0) << "that jump was told as such";
  feed(270'000);
  EXPECT_FALSE(any());
  EXPECT_EQ(told_, 1);
}

TEST_F(Conditions, OfAnotherSessionIsNothingKnown) {
  feed(20'000, 500);
  ASSERT_TRUE(any());
  health_.rest();
  EXPECT_FALSE(any());
  now_ms_ = 300'000;
  feed(310'000);
  EXPECT_FALSE(any());
}

TEST_F(Conditions, AThresholdOfZeroIsNever) {
  thresholds_.jumps = thresholds_.jitter = thresholds_.frame_rate = thresholds_.gop = thresholds_.key_age = 0;
  for (; now_ms_ < 200'000; now_ms_ += 1900) saw(now_ms_ + now_ms_ / 1900 % 2 * 1000, now_ms_, now_ms_ == 0);
  EXPECT_FALSE(any());
}

class DriftConditions : public ::testing::Test {
 protected:
  // A sample each second in which video is so far ahead.
  void run(int seconds, int64_t offset_ms) {
    for (int i = 0; i < seconds; ++i, ++now_s_) {
      drift_.sample((now_s_ * 1000 + offset_ms) * kMs, now_s_ * 1000 * kMs);
      told_ += drift_.judge(now_s_ * 1000 * kMs, kDefaults);
    }
  }
  Drift drift_;
  int64_t now_s_ = 0;
  int told_ = 0;
};

TEST_F(DriftConditions, BeginsAtTheThresholdEitherWay) {
  for (const int64_t sign : {1, -1}) {
    drift_.reset();
    told_ = 0;
    run(10, 40);
    run(40, 40 + sign * 184);
    EXPECT_FALSE(drift_.drifting().holds());
    run(40, 40 + sign * 187);
    EXPECT_TRUE(drift_.drifting().holds());
    run(40, 40 + sign * 150);
    EXPECT_TRUE(drift_.drifting().holds()) << "not less by a quarter";
    run(40, 40 + sign * 130);
    EXPECT_FALSE(drift_.drifting().holds());
    EXPECT_FALSE(drift_.out_of_sync().holds());
    EXPECT_EQ(told_, 2);
  }
}

TEST_F(DriftConditions, AnOffsetThatWasThereFromTheBeginning) {
  run(60, 1499);
  EXPECT_EQ(told_, 0);
  drift_.reset();
  now_s_ = 100;
  run(60, -1500);
  EXPECT_TRUE(drift_.out_of_sync().holds());
  EXPECT_EQ(drift_.out_of_sync().since(), 104'000 * kMs) << "from the fifth sample on it is known";
  EXPECT_FALSE(drift_.drifting().holds());
  EXPECT_EQ(told_, 1);
}

// Video and sound through the element, by a clock of the test's.
class ProbeConditions : public ::testing::Test {
 protected:
  void SetUp() override {
    video_ = gst_harness_new_with_padnames("healthprobe", "sink_0", "src_0");
    gst_harness_use_testclock(video_);
    bus_ = gst::Ref<GstBus>::adopt(gst_bus_new());
    gst_element_set_bus(video_->element, bus_.get());
    gst_harness_set_src_caps_str(video_, "video/x-h264,stream-format=avc,alignment=au");
    audio_ = gst_harness_new_with_element(video_->element, "sink_1", "src_1");
    gst_harness_set_src_caps_str(audio_, "audio/mpeg,mpegversion=4,stream-format=raw");
  }
  void TearDown() override {
    gst_element_set_bus(video_->element, nullptr);
    gst_harness_teardown(audio_);
    gst_harness_teardown(video_);
  }
  static void push(GstHarness* to, int64_t media_ms, bool key) {
    GstBuffer* buffer = gst_harness_create_buffer(to, 100);
    GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(media_ms) * GST_MSECOND;
    GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
    if (!key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    gst_harness_push(to, buffer);
    gst_buffer_unref(gst_harness_pull(to));
  }
  void run(int64_t until_ms, int64_t audio_ahead_ms) {
    for (; now_ms_ < until_ms; now_ms_ += 40) {
      gst_harness_set_time(video_, static_cast<GstClockTime>(now_ms_) * GST_MSECOND);
      push(video_, now_ms_, now_ms_ % 4000 == 0);
      push(audio_, now_ms_ + audio_ahead_ms, true);
    }
  }
  // The last message of this cause since the last call; null: none.
  gst::Ref<GstMessage> last(const std::string& cause) {
    gst::Ref<GstMessage> found;
    while (GstMessage* raw = gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ELEMENT)) {
      auto message = gst::Ref<GstMessage>::adopt(raw);
      if (test::text_field(raw, "cause") == cause) found = std::move(message);
    }
    return found;
  }
  static const GstStructure* video_of(const gst::Ref<GstMessage>& message) {
    const GValue* streams = gst_structure_get_value(gst_message_get_structure(message.get()), "streams");
    return gst_value_get_structure(gst_value_array_get_value(streams, 0));
  }
  static bool flag(const GstStructure* fields, const char* name) {
    gboolean value = FALSE;
    EXPECT_TRUE(gst_structure_get_boolean(fields, name, &value)) << name;
    return value != FALSE;
  }

  GstHarness* video_ = nullptr;
  GstHarness* audio_ = nullptr;
  gst::Ref<GstBus> bus_;
  int64_t now_ms_ = 0;
};

TEST_F(ProbeConditions, AreToldWhenTheyBeginWithTheirThresholdAsAProperty) {
  g_object_set(video_->element, "gop-threshold", guint64{6 * GST_SECOND}, nullptr);
  g_object_set(video_->element, "frame-rate-threshold", guint64{20}, nullptr);
  // Settings are taken when it begins to play.
  gst_element_set_state(video_->element, GST_STATE_PAUSED);
  gst_element_set_state(video_->element, GST_STATE_PLAYING);
  run(10'000, 0);
  EXPECT_FALSE(last("condition")) << "25 frames a second, GOPs of four";
  now_ms_ = 12'000;
  g_object_set(video_->element, "gop-threshold", guint64{3 * GST_SECOND}, nullptr);
  gst_element_set_state(video_->element, GST_STATE_PAUSED);
  gst_element_set_state(video_->element, GST_STATE_PLAYING);
  run(21'000, 0);
  const auto told = last("condition");
  ASSERT_TRUE(told);
  EXPECT_EQ(test::text_field(told.get(), "pad"), "sink_0");
  const GstStructure* video = video_of(told);
  EXPECT_TRUE(flag(video, "long-gop"));
  EXPECT_TRUE(gst_structure_has_field(video, "long-gop-for"));
  EXPECT_FALSE(flag(video, "low-frame-rate"));
  EXPECT_FALSE(gst_structure_has_field(video, "low-frame-rate-for"));
  EXPECT_TRUE(gst_structure_has_field(video, "jitter"));
}

TEST_F(ProbeConditions, SoundThatIsShiftedAndSoundThatMoves) {
  run(10'000, 3000);
  auto told = last("condition");
  ASSERT_TRUE(told);
  const GstStructure* all = gst_message_get_structure(told.get());
  EXPECT_TRUE(flag(all, "out-of-sync"));
  EXPECT_FALSE(flag(all, "drifting"));
  run(30'000, 3400);
  told = last("condition");
  ASSERT_TRUE(told);
  EXPECT_TRUE(flag(gst_message_get_structure(told.get()), "drifting"));
  gint64 since = -1;
  EXPECT_TRUE(gst_structure_get_int64(gst_message_get_structure(told.get()), "drifting-for", &since));
  EXPECT_GE(since, kHoldNs);
}

// What the last session's sound did says nothing of the next one's.
TEST_F(ProbeConditions, OfSoundAndPictureEndWithTheSession) {
  run(10'000, 3000);
  ASSERT_TRUE(last("condition"));
  for (GstHarness* one : {video_, audio_})
    gst_harness_push_event(one, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                     gst_structure_new_empty("headgate-session-end")));
  run(20'000, 0);
  const auto told = last("interval");
  ASSERT_TRUE(told);
  EXPECT_FALSE(flag(gst_message_get_structure(told.get()), "out-of-sync"));
  EXPECT_FALSE(flag(gst_message_get_structure(told.get()), "drifting"));
}

}  // namespace
}  // namespace headgate::healthprobe
