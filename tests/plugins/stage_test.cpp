// SPDX-License-Identifier: LGPL-2.1-or-later
// A stage: a decoder's pictures come out of it in the memory in which they were decoded, and it keeps
// nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "ladder/encoders.h"
#include "ladder/stage.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using gst::Ref;

constexpr size_t kPictures = 20;
constexpr gsize kPlainBytes = 1920 * 1080 * 3 / 2;

struct Coded {
  Ref<GstCaps> caps;
  std::vector<Ref<GstBuffer>> frames;
};

// Of 1080 lines, which are coded in 1088.
Coded encoded() {
  const std::string text =
      "videotestsrc num-buffers=" + std::to_string(kPictures) +
      " ! video/x-raw,format=I420,width=1920,height=1080,framerate=25/1 ! x264enc speed-preset=ultrafast "
      "threads=1 ! video/x-h264,stream-format=avc,alignment=au ! appsink name=out sync=false";
  const auto pipeline =
      Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(gst_parse_launch(text.c_str(), nullptr))));
  const auto out = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  Coded coded;
  while (GstSample* raw = gst_app_sink_pull_sample(GST_APP_SINK(out.get()))) {
    const auto sample = Ref<GstSample>::adopt(raw);
    coded.caps = Ref<GstCaps>::retain(gst_sample_get_caps(raw));
    coded.frames.push_back(Ref<GstBuffer>::retain(gst_sample_get_buffer(raw)));
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return coded;
}

// A decoder's own memory has room for the lines that are not shown; what pictures are copied to has none.
TEST(Stage, DecodedPicturesAreNotCopied) {
  const Coded coded = encoded();
  ASSERT_EQ(coded.frames.size(), kPictures);
  auto decoder = make_decoder(coded.caps.get(), true);
  ASSERT_TRUE(decoder) << decoder.error().message;
  const std::string name = GST_OBJECT_NAME(gst_element_get_factory(decoder->get()));
  if (name.rfind("avdec_", 0) != 0) GTEST_SKIP() << name << " decodes here";
  gst_util_set_object_arg(G_OBJECT(decoder->get()), "max-threads", "1");
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  size_t pictures = 0, padded = 0, pooled = 0;
  std::vector<std::pair<bool, std::thread::id>> told;
  std::thread::id decodes;
  Stage::Setup setup;
  setup.name = "decode";
  setup.middle = {std::move(decoder).value()};
  if (Ref<GstElement> whole = make_deinterlacer()) setup.middle.push_back(std::move(whole));
  setup.in_caps = coded.caps;
  setup.video_meta = true;
  Stage::Events events;
  events.sample = [&](GstSample* sample) {
    std::lock_guard lock(mutex);
    ++pictures;
    decodes = std::this_thread::get_id();
    padded += gst_buffer_get_size(gst_sample_get_buffer(sample)) > kPlainBytes;
    pooled += gst_sample_get_buffer(sample)->pool != nullptr;  // a copy is nobody's
  };
  events.ended = [&] {
    std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  };
  events.thread = [&](bool begins) {
    std::lock_guard lock(mutex);
    told.emplace_back(begins, std::this_thread::get_id());
  };
  auto stage = Stage::start(std::move(setup), std::move(events));
  ASSERT_TRUE(stage) << stage.error().message;
  for (const Ref<GstBuffer>& frame : coded.frames)
    ASSERT_TRUE((*stage)->push(Ref<GstBuffer>::retain(frame.get())));
  (*stage)->end();
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return ended; }));
  }
  (*stage)->stop();
  EXPECT_EQ(pictures, kPictures);
  EXPECT_EQ(padded, kPictures);
  EXPECT_EQ(pooled, kPictures);
  // It is told on itself which thread decodes, and when it is over.
  EXPECT_EQ(told, (std::vector<std::pair<bool, std::thread::id>>{{true, decodes}, {false, decodes}}));
}

// Through an element that does nothing.
Stage::Setup plain() {
  Stage::Setup setup;
  setup.name = "plain";
  setup.middle = {Ref<GstElement>::adopt(
      GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("identity", nullptr))))};
  setup.in_caps = Ref<GstCaps>::adopt(gst_caps_new_empty_simple("application/x-test"));
  return setup;
}

Ref<GstBuffer> counted(std::atomic<int>& gone) {
  static char byte = 0;
  return Ref<GstBuffer>::adopt(
      gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, &byte, 1, 0, 1, &gone,
                                  [](gpointer data) { ++*static_cast<std::atomic<int>*>(data); }));
}

TEST(Stage, HoldsNothingOfWhatItHasGiven) {
  std::atomic<int> gone{0};
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  std::vector<int> gone_by_then;
  Stage::Events events;
  events.sample = [&](GstSample*) { gone_by_then.push_back(gone); };
  events.ended = [&] {
    std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  };
  auto stage = Stage::start(plain(), std::move(events));
  ASSERT_TRUE(stage) << stage.error().message;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE((*stage)->push(counted(gone)));
  (*stage)->end();
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return ended; }));
  EXPECT_EQ(gone_by_then, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(gone, 4);
}

TEST(Stage, IsWaitedForUntilNothingWaits) {
  std::atomic<int> gone{0};
  std::mutex mutex;
  std::condition_variable changed;
  bool at_work = false, goes_on = false;
  Stage::Events events;
  events.sample = [&](GstSample*) {
    std::unique_lock lock(mutex);
    at_work = true;
    changed.notify_all();
    changed.wait(lock, [&] { return goes_on; });
  };
  auto stage = Stage::start(plain(), std::move(events));
  ASSERT_TRUE(stage) << stage.error().message;
  const auto now = [] { return true; };
  ASSERT_TRUE((*stage)->push(counted(gone)));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return at_work; }));
  }
  EXPECT_TRUE((*stage)->wait_for(0, now, kAnyLength));
  ASSERT_TRUE((*stage)->push(counted(gone)));
  EXPECT_FALSE((*stage)->wait_for(0, now, kAnyLength));
  EXPECT_TRUE((*stage)->wait_for(1, now, kAnyLength));
  {
    std::lock_guard lock(mutex);
    goes_on = true;
    changed.notify_all();
  }
  EXPECT_TRUE((*stage)->wait_for(0, nullptr, std::chrono::minutes(1)));
  (*stage)->stop();
  EXPECT_FALSE((*stage)->wait_for(0, nullptr, kAnyLength));
}

// What fails in here goes back to whoever pushes.
TEST(Stage, FailsWithWhoeverTakesItsSamples) {
  std::atomic<int> gone{0};
  std::mutex mutex;
  std::condition_variable changed;
  bool failed = false;
  Stage::Events events;
  events.sample = [](GstSample*) { throw 1; };
  events.failed = [&](const std::string&) {
    std::lock_guard lock(mutex);
    failed = true;
    changed.notify_all();
  };
  auto stage = Stage::start(plain(), std::move(events));
  ASSERT_TRUE(stage) << stage.error().message;
  ASSERT_TRUE((*stage)->push(counted(gone)));
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return failed; }));
}

}  // namespace
}  // namespace headgate::abrhlssink
