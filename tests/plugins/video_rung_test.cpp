// SPDX-License-Identifier: LGPL-2.1-or-later
// One rung alone, whose encoder fails.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "breaking_encoder.h"
#include "ladder/video_rung.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using gst::Ref;
using test::BreakingEncoder;

constexpr int kFailsAt = 20;        // of what comes out
constexpr int kMostPictures = 500;  // more than any encoder looks ahead
constexpr int64_t kPictureNs = 40'000'000;

// What refers to a picture that is lost would be in the recording, and players' decoders give up there.
TEST(VideoRung, NothingComesOfAnEncoderBehindWhatItFailedAt) {
  BreakingEncoder::use(kFailsAt, BreakingEncoder::Hang::drains);
  std::atomic<int> units{0};
  std::mutex mutex;
  std::vector<std::string> ends;
  UnitSink sink;
  sink.track = [](const std::string&, const codec::Track&) {};
  sink.unit = [&](const std::string&, store::DerivedUnit) { ++units; };
  sink.end = [&](const std::string&, const std::string& reason) {
    std::lock_guard lock(mutex);
    ends.push_back(reason);
  };
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, 320, 180);
  EncoderSettings settings;
  settings.encoder = "nvh264enc";
  auto started = VideoRung::start("180p", 200, info, settings, sink);
  ASSERT_TRUE(started) << started.error().message;
  VideoRung& rung = **started;
  const auto picture =
      Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
  gst_buffer_memset(picture.get(), 0, 128, GST_VIDEO_INFO_SIZE(&info));
  for (int i = 0; i < kMostPictures && !rung.failed(); ++i)
    rung.push(picture.get(), i * kPictureNs, i == 0, true);
  ASSERT_TRUE(rung.failed());
  EXPECT_TRUE(test::eventually([] { return BreakingEncoder::drained() == 1; }));
  EXPECT_FALSE(rung.finished());
  rung.abort("error");
  BreakingEncoder::forget();
  EXPECT_EQ(units, kFailsAt - 1);
  EXPECT_EQ(ends, std::vector<std::string>{"error"});
}

}  // namespace
}  // namespace headgate::abrhlssink
