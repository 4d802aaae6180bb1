// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <ladder/budget.h>

namespace headgate::ladder {
namespace {

constexpr uint64_t kMillion = 1'000'000;
constexpr DemandLimits kLimits{.pixels = 100 * kMillion, .rungs_of_worker = 16};

// `mega`: millions of pixels a second, decoding aside.
DemandedRung rung(uint64_t stream, uint64_t mega, uint32_t worker = 0) {
  return {.stream = stream, .worker = worker, .pixels = mega * kMillion};
}

TEST(Budget, CountsPixelsASecond) {
  EXPECT_EQ(pixel_rate(640, 360, 30'000), 640u * 360 * 30);
  EXPECT_EQ(pixel_rate(640, 360, 0), 640u * 360 * 25);
  EXPECT_EQ(pixel_rate(0, 0, 0), kSoundPixels);
  EXPECT_EQ(pixel_rate(UINT32_MAX, UINT32_MAX, 1), uint64_t{UINT32_MAX} * UINT32_MAX / 1000);
  EXPECT_EQ(pixel_rate(65'535, 65'535, UINT32_MAX), uint64_t{65'535} * 65'535 * UINT32_MAX / 1000);
}

TEST(Budget, DecodingCountsOnceForEachStream) {
  DemandedRung large = rung(1, 10), small = rung(1, 2), other = rung(2, 2);
  large.decoded = small.decoded = other.decoded = 24 * kMillion;
  EXPECT_EQ(demanded_pixels({}), 0u);
  EXPECT_EQ(demanded_pixels({large}), 16 * kMillion);
  EXPECT_EQ(demanded_pixels({large, small}), 18 * kMillion);
  EXPECT_EQ(demanded_pixels({large, small, other}), 26 * kMillion);
}

TEST(Budget, GrantsUpToTheLimitAndNoFurther) {
  EXPECT_EQ(decide({rung(1, 60)}, rung(2, 40), kLimits).verdict, DemandVerdict::granted);
  const DemandDecision over = decide({rung(1, 60)}, rung(2, 41), kLimits);
  EXPECT_EQ(over.verdict, DemandVerdict::no_room);
  EXPECT_FALSE(over.leaves) << "the only rung of a stream gives way to nobody";
  DemandedRung decoded = rung(2, 40);
  decoded.decoded = kDecodePart;
  EXPECT_EQ(decide({rung(1, 60)}, decoded, kLimits).verdict, DemandVerdict::no_room);
  EXPECT_EQ(decide({rung(2, 60), decoded}, rung(1, 1), kLimits).verdict, DemandVerdict::no_room);
}

TEST(Budget, OneIsAlwaysEncodedUnlessNoneMayBe) {
  EXPECT_EQ(decide({}, rung(1, 500), kLimits).verdict, DemandVerdict::granted);
  EXPECT_EQ(decide({}, rung(1, 1), {.pixels = 0}).verdict, DemandVerdict::no_room);
  EXPECT_EQ(decide({}, rung(1, 1), {.pixels = kMillion, .rungs_of_worker = 0}).verdict,
            DemandVerdict::worker_full);
}

TEST(Budget, AWorkerHasALimitOfItsOwn) {
  const DemandLimits two{.pixels = 100 * kMillion, .rungs_of_worker = 2};
  const std::vector<DemandedRung> running{rung(1, 1, 7), rung(2, 1, 7), rung(3, 1, 8)};
  EXPECT_EQ(decide(running, rung(4, 1, 7), two).verdict, DemandVerdict::worker_full);
  EXPECT_EQ(decide(running, rung(4, 1, 8), two).verdict, DemandVerdict::granted);
}

TEST(Budget, EncodersThatCannotKeepUpGetNoCompany) {
  std::vector<DemandedRung> running{rung(1, 1), rung(2, 1)};
  running[0].is_paused = true;
  EXPECT_EQ(decide(running, rung(1, 1), kLimits).verdict, DemandVerdict::overloaded);
  EXPECT_EQ(decide(running, rung(3, 1), kLimits).verdict, DemandVerdict::granted) << "its source is too much";
  running[1].is_paused = true;
  EXPECT_EQ(decide(running, rung(3, 1), kLimits).verdict, DemandVerdict::overloaded);
}

TEST(Budget, TheLargestRungOfTheStreamThatHasMostGivesWay) {
  const std::vector<DemandedRung> running{rung(1, 20), rung(2, 10), rung(2, 40), rung(3, 30)};
  const DemandDecision decision = decide(running, rung(4, 10), kLimits);
  EXPECT_EQ(decision.verdict, DemandVerdict::no_room);
  ASSERT_TRUE(decision.leaves);
  EXPECT_EQ(*decision.leaves, 2u);
  // 11 are more than stream 2 would have left, and its small one is not enough.
  EXPECT_FALSE(decide(running, rung(4, 11), kLimits).leaves);
}

TEST(Budget, NobodyElseGivesWayWhileOneDoes) {
  std::vector<DemandedRung> running{rung(1, 20), rung(1, 40), rung(2, 10), rung(2, 30)};
  ASSERT_EQ(decide(running, rung(3, 10), kLimits).leaves, 1u);
  running[1].is_leaving = true;
  const DemandDecision again = decide(running, rung(3, 10), kLimits);
  EXPECT_EQ(again.verdict, DemandVerdict::no_room) << "it is still encoded";
  EXPECT_FALSE(again.leaves);
  EXPECT_EQ(decide(running, rung(4, 10), kLimits).leaves, std::nullopt);
}

// Two streams that want the same: in the end each has one, and both stay.
TEST(Budget, StreamsDoNotPushEachOtherOutInTurn) {
  std::vector<DemandedRung> running{rung(1, 50), rung(1, 50)};
  ASSERT_TRUE(decide(running, rung(2, 50), kLimits).leaves);
  running.pop_back();
  ASSERT_EQ(decide(running, rung(2, 50), kLimits).verdict, DemandVerdict::granted);
  running.push_back(rung(2, 50));
  for (const uint64_t stream : {1, 2}) {
    const DemandDecision decision = decide(running, rung(stream, 50), kLimits);
    EXPECT_EQ(decision.verdict, DemandVerdict::no_room);
    EXPECT_FALSE(decision.leaves);
  }
}

// Whoever asks for everything of fifty streams gets the room, and a fifty-first has its place in it.
TEST(Budget, AskingForEverythingLeavesRoomForTheNextStream) {
  const DemandLimits limits{.pixels = kLimits.pixels, .rungs_of_worker = 1000};
  std::vector<DemandedRung> running;
  for (uint64_t stream = 1; stream <= 50; ++stream)
    for (const uint64_t mega : {10, 2})
      if (decide(running, rung(stream, mega), limits).verdict == DemandVerdict::granted)
        running.push_back(rung(stream, mega));
  EXPECT_LE(demanded_pixels(running), kLimits.pixels);
  EXPECT_GE(demanded_pixels(running), kLimits.pixels - 10 * kMillion);
  const DemandDecision decision = decide(running, rung(51, 2), limits);
  EXPECT_EQ(decision.verdict, DemandVerdict::no_room);
  ASSERT_TRUE(decision.leaves);
  EXPECT_EQ(running[*decision.leaves].pixels, 10 * kMillion);
}

}  // namespace
}  // namespace headgate::ladder
