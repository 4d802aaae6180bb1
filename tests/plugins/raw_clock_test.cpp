// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers of segments of raw input.
#include <gtest/gtest.h>

#include <vector>

#include "raw_clock.h"

namespace headgate::abrhlssink {
namespace {

TEST(RawClock, NumbersGrowOverAFlushOfWhatCameFasterThanItLasts) {
  fmp4::PackagerSettings settings;
  settings.segment_ms = 1000;
  RawClock clock(settings);
  constexpr int64_t kFrameNs = 40'000'000, kNow = 1'700'000'000'000'000;
  std::vector<playlist::Record> told;
  const auto add = [&told](const std::vector<playlist::Record>& records) {
    told.insert(told.end(), records.begin(), records.end());
  };
  // Ten seconds at once; then it is wound back, and comes again a second later.
  for (int64_t i = 0; i < 250; ++i) add(clock.next(i * kFrameNs, kFrameNs, kNow, false).records);
  add(clock.end());
  for (int64_t i = 0; i < 50; ++i) add(clock.next(i * kFrameNs, kFrameNs, kNow + 1'000'000, false).records);
  add(clock.end());
  std::vector<uint64_t> numbers, firsts;
  for (const playlist::Record& record : told) {
    if (const auto* segment = std::get_if<playlist::SegmentRecord>(&record)) numbers.push_back(segment->msn);
    if (const auto* run = std::get_if<playlist::RunRecord>(&record)) firsts.push_back(run->first_msn);
  }
  ASSERT_EQ(numbers.size(), 12u);
  for (size_t i = 1; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], numbers[i - 1] + 1) << i;
  EXPECT_EQ(firsts, (std::vector<uint64_t>{numbers[0], numbers[10]}));
}

class LiveRawClock : public ::testing::Test {
 protected:
  static constexpr int64_t kMs = 1'000'000, kFrameNs = 40 * kMs, kSegmentMs = 2000;
  // Frames that came `late_ms` after they were taken, until `until_ms` of running time.
  void frames(int64_t until_ms, int64_t late_ms = 0) {
    for (; time_ns_ < until_ms * kMs; time_ns_ += kFrameNs, wall_ns_ += kFrameNs + drift_ns_) {
      const auto step = clock_.next(time_ns_, kFrameNs, (wall_ns_ + late_ms * kMs) / 1000, true);
      EXPECT_TRUE(step.usable);
      if (step.key) keys_.push_back(wall_ns_ / kMs);
      if (step.boundary) begins_.push_back(wall_ns_ / kMs);
      for (const auto& record : step.records)
        if (const auto* one = std::get_if<playlist::SegmentRecord>(&record)) segments_.push_back(*one);
    }
  }
  // From the one that is the `from`th.
  void expect_on_time(const std::vector<int64_t>& walls, size_t from) {
    ASSERT_GT(walls.size(), from + 3);
    for (size_t i = from; i < walls.size(); ++i) {
      EXPECT_LT(walls[i] % kSegmentMs, 45) << i << " of " << walls.size();
      if (i > from) {
        EXPECT_NEAR(walls[i] - walls[i - 1], kSegmentMs, 45) << i;
      }
    }
  }

  RawClock clock_{{.segment_ms = kSegmentMs}};
  int64_t time_ns_ = 5'000 * kMs;  // a pipeline that has run for a while
  int64_t wall_ns_ = 1'700'000'000'710 * kMs;
  int64_t drift_ns_ = 0;
  std::vector<int64_t> keys_, begins_;  // UTC, ms
  std::vector<playlist::SegmentRecord> segments_;
};

TEST_F(LiveRawClock, KeyFramesAndSegmentsAreWhereUtcIsAMultiple) {
  frames(30'000);
  EXPECT_EQ(begins_.front() % kSegmentMs, 710);  // with the first frame
  expect_on_time(keys_, 1);
  expect_on_time(begins_, 1);
  ASSERT_GT(segments_.size(), 5u);
  for (size_t i = 1; i < segments_.size(); ++i) {
    EXPECT_EQ(segments_[i].msn, segments_[i - 1].msn + 1);
    EXPECT_LT(segments_[i].utc_us / 1000 % kSegmentMs, 45);
  }
}

TEST_F(LiveRawClock, AClockThatIsNotTheNodesIsFollowed) {
  drift_ns_ = 4'000;  // 0.1 ms a second, as bad as two quartz crystals get
  frames(600'000);
  expect_on_time(keys_, 1);
}

TEST_F(LiveRawClock, FramesThatComeLateMoveNothing) {
  frames(15'000);
  frames(15'400, 350);
  frames(30'000);
  expect_on_time(keys_, 1);
}

TEST_F(LiveRawClock, FirstFramesThatComeLateAreNoClock) {
  frames(5'600, 400);
  frames(30'000);
  expect_on_time(keys_, 2);
}

TEST_F(LiveRawClock, AStepOfTheNodesClockIsFollowedAndNoTwoKeyFramesAreNear) {
  frames(20'000);
  wall_ns_ += 777 * kMs;
  const size_t before = keys_.size();
  frames(60'000);
  for (size_t i = 1; i < keys_.size(); ++i) EXPECT_GE(keys_[i] - keys_[i - 1], 240) << i;
  expect_on_time(keys_, before + 2);
}

}  // namespace
}  // namespace headgate::abrhlssink
