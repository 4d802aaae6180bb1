// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <store/stream_time.h>

namespace headgate::store {
namespace {

TEST(StreamTime, TicksAndRunningTimeAreEachOthersInverse) {
  for (const StreamTime time :
       {StreamTime{}, StreamTime{90'001, -1'234'567}, StreamTime{7'200LL * 90'000 + 13, 33'333'333},
        StreamTime{-45'003, 5'000'000'000}})
    for (const uint32_t timescale : {90'000u, 48'000u, 44'100u, 8'000u, 192'000u})
      for (const int64_t ticks : {0LL, 1LL, -1LL, 3'003LL, 89'999LL, 90'001LL, -90'001LL, 1LL << 40}) {
        const int64_t running_ns = time.running_ns(ticks, timescale);
        EXPECT_EQ(time.ticks(running_ns, timescale), ticks) << time.base << " " << timescale;
      }
}

TEST(StreamTime, RunningTimeIsBeforeWhatWasAdded) {
  const StreamTime time{.base = 180'000, .shift_ns = 500'000'000};
  EXPECT_EQ(time.ticks(1'500'000'000, 90'000), 360'000);
  EXPECT_EQ(time.running_ns(360'000, 90'000), 1'500'000'000);
  EXPECT_EQ(time.running_ns(0, 90'000), -2'500'000'000);
}

}  // namespace
}  // namespace headgate::store
