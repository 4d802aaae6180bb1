// SPDX-License-Identifier: LGPL-2.1-or-later
// One rung alone, whose encoder fails.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
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

class VideoRungTest : public ::testing::Test {
 protected:
  VideoRungTest() {
    gst_video_info_set_format(&info_, GST_VIDEO_FORMAT_I420, 320, 180);
    picture_ = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info_), nullptr));
    gst_buffer_memset(picture_.get(), 0, 128, GST_VIDEO_INFO_SIZE(&info_));
    sink_.track = [](const std::string&, const codec::Track&) {};
    sink_.unit = [this](const std::string&, store::DerivedUnit) {
      encodes_ = std::this_thread::get_id();
      ++units_;
    };
    sink_.end = [this](const std::string&, const std::string& reason) {
      std::lock_guard lock(mutex_);
      ends_.push_back(reason);
    };
  }
  ~VideoRungTest() override {
    BreakingEncoder::let_go();
    if (rung_) rung_->wait_gone();
    BreakingEncoder::forget();
  }
  void start() {
    EncoderSettings settings;
    settings.encoder = "nvh264enc";
    auto started = VideoRung::start("180p", 200, info_, settings, sink_, [this](bool begins) {
      std::lock_guard lock(mutex_);
      told_.emplace_back(begins, std::this_thread::get_id());
    });
    ASSERT_TRUE(started) << started.error().message;
    rung_ = *started;
  }
  bool push(int number, bool may_wait) {
    return rung_->push(picture_.get(), number * kPictureNs, number == 0, may_wait);
  }

  GstVideoInfo info_;
  Ref<GstBuffer> picture_;
  UnitSink sink_;
  std::atomic<int> units_{0};
  std::mutex mutex_;
  std::vector<std::string> ends_;
  std::vector<std::pair<bool, std::thread::id>> told_;
  std::thread::id encodes_;  // of one thread
  std::shared_ptr<VideoRung> rung_;
};

// What refers to a picture that is lost would be in the recording, and players' decoders give up there.
TEST_F(VideoRungTest, NothingComesOfAnEncoderBehindWhatItFailedAt) {
  BreakingEncoder::use(kFailsAt, BreakingEncoder::Hang::drains);
  start();
  for (int i = 0; i < kMostPictures && !rung_->failed(); ++i) push(i, true);
  ASSERT_TRUE(rung_->failed());
  EXPECT_TRUE(test::eventually([] { return BreakingEncoder::drained() == 1; }));
  EXPECT_FALSE(rung_->finished());
  rung_->abort("error");
  EXPECT_EQ(units_, kFailsAt - 1);
  EXPECT_EQ(ends_, std::vector<std::string>{"error"});
  rung_->wait_gone();
  std::lock_guard lock(mutex_);
  EXPECT_EQ(told_, (std::vector<std::pair<bool, std::thread::id>>{{true, encodes_}, {false, encodes_}}));
}

TEST_F(VideoRungTest, AnEncoderThatDoesNotComeBackHoldsUpNobodyWhoGivesItUp) {
  BreakingEncoder::use(kFailsAt, BreakingEncoder::Hang::blocks);
  start();
  for (int i = 0; i < kMostPictures && push(i, false);) ++i;
  rung_->abort("error");
  EXPECT_TRUE(rung_->finished());
  EXPECT_FALSE(rung_->gone());
  EXPECT_EQ(ends_, std::vector<std::string>{"error"});
  BreakingEncoder::let_go();
  EXPECT_TRUE(test::eventually([&] { return rung_->gone(); }));
}

TEST_F(VideoRungTest, OfASlowEncoderPicturesAreLeftOutAndItIsTold) {
  BreakingEncoder::use(1, BreakingEncoder::Hang::slows);
  start();
  int left_out = 0, number = 0;
  for (; number < kMostPictures && !rung_->slow(); ++number) left_out += !push(number, false);
  EXPECT_TRUE(rung_->slow());
  EXPECT_GT(left_out, 20);
  EXPECT_FALSE(rung_->failed());
  BreakingEncoder::let_go();
  // Pictures come as fast as it takes them.
  EXPECT_TRUE(test::eventually([&] {
    push(++number, false);
    return !rung_->strained();
  }));
}

}  // namespace
}  // namespace headgate::abrhlssink
