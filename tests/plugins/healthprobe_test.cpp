// SPDX-License-Identifier: LGPL-2.1-or-later
// The measures with made-up times, and the element in a harness on a test clock.
#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>

#include <algorithm>

#include "healthprobe/stream_health.h"
#include "plugin_test.h"

namespace headgate::healthprobe {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr Thresholds kThresholds;

// 25 frames a second, a key frame each second, 1000 bytes each, from `ms` on.
int64_t feed(StreamHealth& health, int64_t ms, int frames) {
  for (int i = 0; i < frames; ++i, ms += 40)
    health.saw({.arrival = ms * kMs, .time = ms * kMs, .duration = {}, .bytes = 1000, .key = i % 25 == 0},
               kThresholds);
  return ms;
}

TEST(StreamHealth, RatesAreThoseOfTheLastWholeSecond) {
  StreamHealth health;
  feed(health, 0, 51);
  EXPECT_EQ(health.measures().bit_rate, 25 * 1000 * 8u);
  EXPECT_DOUBLE_EQ(health.measures().rate, 25.0);
  EXPECT_EQ(health.measures().buffers, 51u);
  EXPECT_EQ(health.measures().bytes, 51'000u);
}

// Nine frames at a time of thirty a second, as a source delivers that does not read often, looked at in
// between.
TEST(StreamHealth, BurstsAreMeasuredWhole) {
  StreamHealth health;
  for (int64_t ms = 0; ms <= 10'000; ++ms) {
    for (int64_t i = 0; ms % 300 == 0 && i < 9; ++i)
      health.saw({.arrival = ms * kMs, .time = ms * kMs + i * kMs * 100 / 3, .duration = {}, .bytes = 1000},
                 kThresholds);
    if (ms % 130 == 0) health.at(ms * kMs, kThresholds);
    if (ms < 1500) continue;
    ASSERT_DOUBLE_EQ(health.measures().rate, 30.0) << ms;
    ASSERT_EQ(health.measures().bit_rate, 30 * 1000 * 8u) << ms;
  }
}

TEST(StreamHealth, ARateFallsToZeroWhenNothingComes) {
  StreamHealth health;
  const int64_t end = feed(health, 0, 51);
  health.at((end + 1000) * kMs, kThresholds);
  health.at((end + 2000) * kMs, kThresholds);
  EXPECT_EQ(health.measures().bit_rate, 0u);
}

TEST(StreamHealth, AGopIsFromKeyFrameToKeyFrame) {
  StreamHealth health;
  feed(health, 0, 26);
  EXPECT_EQ(health.measures().gop_frames, 25u);
  EXPECT_EQ(health.measures().gop_duration, 1000 * kMs);
  EXPECT_EQ(health.measures().key_frames, 2u);
  EXPECT_EQ(health.key_age(1500 * kMs), 500 * kMs);
}

TEST(StreamHealth, AStallBeginsAndEnds) {
  StreamHealth health;
  EXPECT_EQ(health.at(10'000 * kMs, kThresholds), Change::none) << "nothing was ever there";
  const int64_t end = feed(health, 0, 25);
  const int64_t last = end - 40;
  EXPECT_EQ(health.stall_deadline(kThresholds), (last + 2000) * kMs);
  EXPECT_EQ(health.at((last + 1999) * kMs, kThresholds), Change::none);
  EXPECT_EQ(health.at((last + 2000) * kMs, kThresholds), Change::stall);
  EXPECT_EQ(health.at((last + 2500) * kMs, kThresholds), Change::none) << "told once";
  EXPECT_TRUE(health.measures().stalled);
  EXPECT_EQ(health.measures().stalled_since, last * kMs);
  const auto came = [&](int64_t ms) {
    return health.saw(
        {.arrival = (last + ms) * kMs, .time = (last + ms - 2960) * kMs, .duration = {}, .bytes = 1},
        kThresholds);
  };
  EXPECT_EQ(came(3000), Change::none);
  EXPECT_EQ(came(3480), Change::none) << "not yet for a quarter of the threshold";
  EXPECT_TRUE(health.measures().stalled);
  EXPECT_EQ(came(3500), Change::resume);
  EXPECT_FALSE(health.measures().stalled);
  EXPECT_EQ(health.measures().stalls, 1u);
  EXPECT_EQ(health.measures().stalled_time, 3000 * kMs);
}

TEST(StreamHealth, ABufferNowAndThenIsOneStall) {
  StreamHealth health;
  Thresholds thresholds;
  thresholds.late = 0;
  const int64_t last = feed(health, 0, 25) - 40;
  int told = 0;
  for (int64_t ms = 100; ms <= 20'000; ms += 100) {
    told += health.at((last + ms) * kMs, thresholds) != Change::none;
    if (ms % 2500 == 0)
      told += health.saw(
                  {.arrival = (last + ms) * kMs, .time = (last + ms / 100) * kMs, .duration = {}, .bytes = 1},
                  thresholds) != Change::none;
  }
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(health.measures().stalled);
  EXPECT_EQ(health.measures().stalled_since, last * kMs);
  EXPECT_EQ(health.measures().stalled_time, 20'000 * kMs);
}

TEST(StreamHealth, TimestampsThatJumpOrGoBack) {
  StreamHealth health;
  const int64_t end = feed(health, 0, 25);
  const auto at = [&](int64_t ms) {
    return health.saw({.arrival = end * kMs, .time = ms * kMs, .duration = {}, .bytes = 1}, kThresholds);
  };
  EXPECT_EQ(at(end + 500), Change::none) << "the threshold itself is no jump";
  EXPECT_EQ(at(end + 5000), Change::jump);
  EXPECT_EQ(at(end), Change::backward);
  EXPECT_EQ(health.measures().jumps, 1u);
  EXPECT_EQ(health.measures().backward, 1u);
}

TEST(StreamHealth, ANewSessionIsNoJump) {
  StreamHealth health;
  feed(health, 0, 25);
  health.rest();
  EXPECT_EQ(health.at(60'000 * kMs, kThresholds), Change::none) << "nothing was expected";
  EXPECT_EQ(
      health.saw({.arrival = 60'000 * kMs, .time = 60'000 * kMs, .duration = {}, .bytes = 1}, kThresholds),
      Change::none);
}

TEST(StreamHealth, AnUplinkThatCarriesLessIsLateUntilItHasCaughtUp) {
  StreamHealth health;
  const auto saw = [&](int64_t arrival_ms, int64_t media_ms) {
    return health.saw({.arrival = arrival_ms * kMs, .time = media_ms * kMs, .duration = {}, .bytes = 1000},
                      kThresholds);
  };
  int64_t media_ms = 0;
  Change change = Change::none;
  while (change != Change::late && media_ms < 60'000) change = saw(media_ms * 2, media_ms), media_ms += 40;
  EXPECT_NEAR(static_cast<double>(health.measures().lateness), 3e9, 1e8);
  EXPECT_TRUE(health.measures().late);
  EXPECT_EQ(health.measures().lates, 1u);
  const int64_t now_ms = media_ms * 2;
  EXPECT_EQ(health.measures().late_since, (now_ms - 80) * kMs);
  while (change != Change::good && media_ms < now_ms) change = saw(now_ms, media_ms), media_ms += 40;
  EXPECT_NEAR(static_cast<double>(health.measures().lateness), 1e9, 1e8);
  EXPECT_FALSE(health.measures().late);
  health.rest();
  EXPECT_EQ(saw(now_ms + 60'000, 0), Change::none);  // another session
  EXPECT_EQ(health.measures().lateness, 0);
}

// A microphone that is taken away while the uplink is too slow.
TEST(StreamHealth, AStallEndsLate) {
  StreamHealth health;
  const auto saw = [&](int64_t arrival_ms, int64_t media_ms) {
    return health.saw({.arrival = arrival_ms * kMs, .time = media_ms * kMs, .duration = {}, .bytes = 1000},
                      kThresholds);
  };
  for (int64_t media_ms = 0; media_ms <= 8000; media_ms += 40) saw(media_ms * 2, media_ms);
  EXPECT_TRUE(health.measures().late);
  EXPECT_EQ(health.at(18'000 * kMs, kThresholds), Change::stall);
  EXPECT_FALSE(health.measures().late);
  EXPECT_EQ(health.measures().lateness, 0);
  saw(20'000, 8040);
  EXPECT_FALSE(health.measures().late) << "not judged before it has resumed";
  EXPECT_EQ(saw(20'600, 8080), Change::resume);
  EXPECT_TRUE(health.measures().late) << "by what it was before";
  EXPECT_GT(health.measures().lateness, 10'000 * kMs);
  EXPECT_EQ(health.measures().lates, 2u);
}

TEST(Drift, IsTheChangeOfTheOffset) {
  Drift drift;
  for (int i = 0; i < 30; ++i) drift.sample(i * 1000 * kMs + 40 * kMs, i * 1000 * kMs);
  EXPECT_EQ(drift.offset(), 40 * kMs);
  EXPECT_EQ(drift.drift(), 0);
  for (int i = 30; i < 130; ++i) drift.sample(i * 1000 * kMs + 240 * kMs, i * 1000 * kMs);
  EXPECT_NEAR(static_cast<double>(*drift.drift()), 200.0 * kMs, 1.0 * kMs);
}

TEST(Drift, IsNotKnownAtOnce) {
  Drift drift;
  drift.sample(0, 0);
  EXPECT_FALSE(drift.drift());
}

// One lane between a harness's pads.
class Probe : public ::testing::Test {
 protected:
  void SetUp() override {
    harness_ = gst_harness_new_with_padnames("healthprobe", "sink_0", "src_0");
    gst_harness_use_testclock(harness_);
    bus_ = gst::Ref<GstBus>::adopt(gst_bus_new());
    gst_element_set_bus(harness_->element, bus_.get());
    gst_harness_set_src_caps_str(harness_, "video/x-h264,stream-format=avc,alignment=au");
  }
  void TearDown() override {
    gst_element_set_bus(harness_->element, nullptr);
    gst_harness_teardown(harness_);
  }
  GstBuffer* frame(int64_t ms, bool key = false) {
    GstBuffer* buffer = gst_harness_create_buffer(harness_, 100);
    GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(ms) * GST_MSECOND;
    if (!key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    return buffer;
  }
  // The causes of the messages since the last call, in order.
  std::vector<std::string> causes() {
    std::vector<std::string> found;
    while (GstMessage* raw = gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ELEMENT)) {
      const auto message = gst::Ref<GstMessage>::adopt(raw);
      EXPECT_TRUE(gst_message_has_name(raw, "headgate-health"));
      found.push_back(test::text_field(raw, "cause"));
    }
    return found;
  }
  void set_time(int64_t ms) { gst_harness_set_time(harness_, static_cast<GstClockTime>(ms) * GST_MSECOND); }

  GstHarness* harness_ = nullptr;
  gst::Ref<GstBus> bus_;
};

TEST_F(Probe, PassesBuffersAndListsUntouched) {
  GstBuffer* buffer = frame(0, true);
  ASSERT_EQ(gst_harness_push(harness_, gst_buffer_ref(buffer)), GST_FLOW_OK);
  GstBuffer* out = gst_harness_pull(harness_);
  EXPECT_EQ(out, buffer);
  gst_buffer_unref(out);
  gst_buffer_unref(buffer);

  const auto src = gst::Ref<GstPad>::adopt(gst_element_get_static_pad(harness_->element, "src_0"));
  const auto passed = test::watch_pad(src.get());
  GstBufferList* list = gst_buffer_list_new();
  for (int i = 1; i <= 3; ++i) gst_buffer_list_add(list, frame(i * 40));
  EXPECT_EQ(gst_pad_push_list(harness_->srcpad, list), GST_FLOW_OK);
  EXPECT_EQ(passed->count(), 3u);
}

TEST_F(Probe, FlowReturnsGoUpstream) {
  gst_harness_push_event(harness_, gst_event_new_eos());
  EXPECT_EQ(gst_harness_push(harness_, frame(0)), GST_FLOW_EOS);
}

TEST_F(Probe, TellsAtEachIntervalWhileDataFlows) {
  for (int64_t ms = 0; ms <= 3000; ms += 40) {
    set_time(ms);
    gst_harness_push(harness_, frame(ms, ms % 1000 == 0));
  }
  EXPECT_EQ(causes(), (std::vector<std::string>{"interval", "interval", "interval"}));
}

TEST_F(Probe, AStallIsNoticedByTheClockAloneAndEndsWithData) {
  set_time(0);
  gst_harness_push(harness_, frame(0, true));
  // The timer is the only one that waits on the clock now.
  for (int round = 0; round < 10; ++round) {
    GstTestClock* clock = gst_harness_get_testclock(harness_);
    gst_test_clock_crank(clock);
    gst_object_unref(clock);
    if (test::eventually([&] { return gst_bus_have_pending(bus_.get()); }, 50)) {
      const auto found = causes();
      if (std::find(found.begin(), found.end(), "stall") != found.end()) {
        for (int64_t ms = 20'000; ms <= 20'520; ms += 40) {
          set_time(ms);
          gst_harness_push(harness_, frame(ms - 20'000 + 40));
        }
        const auto after = causes();
        EXPECT_EQ(std::count(after.begin(), after.end(), "resume"), 1);
        return;
      }
    }
  }
  ADD_FAILURE() << "no stall in ten rounds of the timer";
}

TEST_F(Probe, JumpsAndStepsBackAreTold) {
  set_time(0);
  gst_harness_push(harness_, frame(0, true));
  gst_harness_push(harness_, frame(40));
  gst_harness_push(harness_, frame(9000));
  gst_harness_push(harness_, frame(80));
  EXPECT_EQ(causes(), (std::vector<std::string>{"jump", "backward"}));
}

TEST_F(Probe, StatsListEachStream) {
  set_time(0);
  gst_harness_push(harness_, frame(0, true));
  GstStructure* raw = nullptr;
  g_object_get(harness_->element, "stats", &raw, nullptr);
  const gst::StructurePtr stats(raw);
  const GValue* streams = gst_structure_get_value(raw, "streams");
  ASSERT_TRUE(streams);
  ASSERT_EQ(gst_value_array_get_size(streams), 1u);
  const GstStructure* one = gst_value_get_structure(gst_value_array_get_value(streams, 0));
  EXPECT_STREQ(gst_structure_get_string(one, "kind"), "video");
  guint64 buffers = 0;
  EXPECT_TRUE(gst_structure_get_uint64(one, "buffers", &buffers));
  EXPECT_EQ(buffers, 1u);
}

TEST(ProbePads, ComeInPairsAndProxyCaps) {
  test::Pipeline pipeline(
      "videotestsrc num-buffers=20 ! healthprobe name=p ! fakesink "
      "audiotestsrc num-buffers=20 ! p.sink_7 p.src_7 ! fakesink");
  EXPECT_EQ(pipeline.element("p")->numsrcpads, 2);
  const auto video = test::watch_pad(pipeline, "p", "src_0");
  const auto audio = test::watch_pad(pipeline, "p", "src_7");
  pipeline.play();
  EXPECT_TRUE(pipeline.wait_eos());
  EXPECT_EQ(video->count(), 20u);
  EXPECT_EQ(audio->count(), 20u);
}

}  // namespace
}  // namespace headgate::healthprobe
