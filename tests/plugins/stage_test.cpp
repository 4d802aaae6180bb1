// SPDX-License-Identifier: LGPL-2.1-or-later
// A decoder in a stage: its pictures come out in the memory in which they were decoded.
#include <gtest/gtest.h>

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
  size_t pictures = 0, padded = 0;
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
  // It is told on itself which thread decodes, and when it is over.
  EXPECT_EQ(told, (std::vector<std::pair<bool, std::thread::id>>{{true, decodes}, {false, decodes}}));
}

}  // namespace
}  // namespace headgate::abrhlssink
