// SPDX-License-Identifier: LGPL-2.1-or-later
// The pictures of a ladder, without whoever writes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ladder/video_ladder.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using gst::Ref;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kGopMs = 2000;

// A source of raw pictures whose caps do not say how many come a second.
class VideoLadderTest : public ::testing::Test {
 protected:
  struct Out {
    std::vector<int64_t> times_ms, keys_ms;
    std::vector<ByteVector> configs;
    std::vector<std::string> ends;
  };

  VideoLadderTest() {
    gst_init(nullptr, nullptr);
    gst_video_info_set_format(&info_, GST_VIDEO_FORMAT_I420, 160, 90);
    info_.fps_n = 0;
    info_.fps_d = 1;
    picture_ = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info_), nullptr));
    gst_buffer_memset(picture_.get(), 0, 128, GST_VIDEO_INFO_SIZE(&info_));
    UnitSink sink;
    sink.track = [this](const std::string& name, const codec::Track& track) {
      std::lock_guard lock(mutex_);
      out_[name].configs.push_back(track.config);
    };
    sink.unit = [this](const std::string& name, store::DerivedUnit unit) {
      std::lock_guard lock(mutex_);
      out_[name].times_ms.push_back((unit.pts_ns + kMs / 2) / kMs);
      if (unit.key) out_[name].keys_ms.push_back(out_[name].times_ms.back());
    };
    sink.end = [this](const std::string& name, const std::string& reason) {
      std::lock_guard lock(mutex_);
      out_[name].ends.push_back(reason);
    };
    EncoderSettings encoder;
    encoder.preset = "ultrafast";
    encoder.threads = 1;
    ladder_ = std::make_unique<VideoLadder>(
        std::vector<ladder::Rung>{{"90p", 90, 100}, {"72p", 72, 80}}, encoder, sink,
        [this](const RungNews& news) {
          std::lock_guard lock(mutex_);
          if (std::string(news.state) == "running")
            rates_milli_[news.rendition].push_back(news.record->frame_rate_milli);
          EXPECT_STRNE(news.state, "failed") << news.reason;
        });
    ladder_->take(Ref<GstCaps>::adopt(gst_video_info_to_caps(&info_)));
  }

  // Until then, so fast one after the other.
  void pictures(int64_t until_ms, int64_t step_ms) {
    for (; time_ms_ < until_ms; time_ms_ += step_ms) {
      EncodedFrame frame;
      frame.buffer = Ref<GstBuffer>::adopt(gst_buffer_copy(picture_.get()));
      frame.dts_ns = frame.pts_ns = time_ms_ * kMs;
      frame.key = true;
      frame.boundary = time_ms_ >= next_boundary_ms_;
      if (frame.boundary) next_boundary_ms_ = time_ms_ + kGopMs;
      ladder_->take(std::move(frame));
    }
  }
  void drain() { ladder_->take(InputDrain{}); }
  void end() { ladder_->take(InputEnd{}); }

  GstVideoInfo info_;
  Ref<GstBuffer> picture_;
  int64_t time_ms_ = 0, next_boundary_ms_ = 0;
  std::mutex mutex_;
  std::map<std::string, Out> out_;
  std::map<std::string, std::vector<uint32_t>> rates_milli_;
  std::unique_ptr<VideoLadder> ladder_;
};

int64_t longest_step(const std::vector<int64_t>& times, int64_t from, int64_t until) {
  int64_t longest = 0;
  for (size_t i = 1; i < times.size(); ++i)
    if (times[i - 1] >= from && times[i] <= until) longest = std::max(longest, times[i] - times[i - 1]);
  return longest;
}

TEST_F(VideoLadderTest, ALastingChangeOfTheSourcesRateIsFollowedFromASegmentOn) {
  pictures(4000, 67);    // in the dark
  pictures(18'000, 33);  // and then there is light
  end();
  for (const std::string name : {"90p", "72p"}) {
    EXPECT_EQ(rates_milli_[name], (std::vector<uint32_t>{15'000, 30'000})) << name;
    const Out& out = out_[name];
    EXPECT_EQ(out.configs.size(), 2u) << name;                     // the rate is in the parameter sets
    EXPECT_EQ(longest_step(out.times_ms, 0, 18'000), 67) << name;  // nothing is missing in between
    EXPECT_EQ(longest_step(out.times_ms, 14'100, 18'000), 33) << name;
    EXPECT_EQ(out.ends, (std::vector<std::string>{"", ""})) << name;
  }
  EXPECT_EQ(out_["90p"].keys_ms, out_["72p"].keys_ms);
}

// And the next session is encoded as if nothing had been before it.
TEST_F(VideoLadderTest, WhatASessionLeavesInEncodersComesOutAtItsEnd) {
  pictures(3000, 67);
  drain();
  const size_t shown = static_cast<size_t>(time_ms_ / 67);
  for (const std::string name : {"90p", "72p"}) {
    EXPECT_EQ(out_[name].times_ms.size(), shown) << name;
    EXPECT_EQ(out_[name].ends, std::vector<std::string>{""}) << name;
  }
  EXPECT_FALSE(ladder_->running().size()) << "nothing is left that waits";
  time_ms_ = next_boundary_ms_ = 10'000;
  pictures(12'000, 67);
  drain();
  end();
  for (const std::string name : {"90p", "72p"}) {
    EXPECT_EQ(out_[name].times_ms.size(), shown + 30) << name;
    EXPECT_EQ(out_[name].times_ms.at(shown), 10'000) << name;
    EXPECT_EQ(std::count(out_[name].keys_ms.begin(), out_[name].keys_ms.end(), 10'000), 1) << name;
    EXPECT_EQ(longest_step(out_[name].times_ms, 10'000, 12'000), 67) << name;
    EXPECT_EQ(out_[name].ends, (std::vector<std::string>{"", ""})) << name;
  }
}

TEST_F(VideoLadderTest, ABurstIsNotFollowed) {
  pictures(4000, 67);
  pictures(9000, 33);
  pictures(20'000, 67);
  end();
  EXPECT_EQ(rates_milli_["90p"], std::vector<uint32_t>{15'000});
  EXPECT_EQ(out_["90p"].configs.size(), 1u);
}

}  // namespace
}  // namespace headgate::abrhlssink
