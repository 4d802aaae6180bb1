// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers of segments of raw input.
#include <gtest/gtest.h>

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
  for (int64_t i = 0; i < 250; ++i) add(clock.next(i * kFrameNs, kFrameNs, kNow).records);
  add(clock.end());
  for (int64_t i = 0; i < 50; ++i) add(clock.next(i * kFrameNs, kFrameNs, kNow + 1'000'000).records);
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

}  // namespace
}  // namespace headgate::abrhlssink
