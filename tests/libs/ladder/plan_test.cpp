// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <ladder/plan.h>

namespace headgate::ladder {
namespace {

Plan plan(const char* rungs, const SourcePicture& source) {
  return make_plan(parse_rungs(rungs).value(), source);
}

TEST(Plan, KeepsTheShapeOfThePicture) {
  const Plan made = plan("720p@2500k,480p@1200k,360p@600k,audio@64k", {1920, 1080});
  ASSERT_EQ(made.rungs.size(), 3u);
  EXPECT_EQ(made.rungs[0], (PlannedRung{{"720p", 720, 2500}, 1280, 720}));
  EXPECT_EQ(made.rungs[1], (PlannedRung{{"480p", 480, 1200}, 854, 480}));
  EXPECT_EQ(made.rungs[2], (PlannedRung{{"360p", 360, 600}, 640, 360}));
  EXPECT_TRUE(made.dropped.empty());
}

TEST(Plan, DropsWhatIsLargerAndLetsTheSourceStandForItsOwnSize) {
  const Plan made = plan("1080p@4500k,720p@2500k,480p@1200k", {1280, 720});
  ASSERT_EQ(made.rungs.size(), 1u);
  EXPECT_EQ(made.rungs[0].rung.name, "480p");
  ASSERT_EQ(made.dropped.size(), 2u);
  EXPECT_EQ(made.dropped[0].rung.name, "1080p");
  EXPECT_EQ(made.dropped[0].reason, DropReason::larger_than_source);
  EXPECT_EQ(made.dropped[1].rung.name, "720p");
  EXPECT_EQ(made.dropped[1].reason, DropReason::is_source);
}

TEST(Plan, AnUprightPictureHasItsLinesAcross) {
  const Plan made = plan("720p@2500k", {1080, 1920});
  ASSERT_EQ(made.rungs.size(), 1u);
  EXPECT_EQ(made.rungs[0].width, 720u);
  EXPECT_EQ(made.rungs[0].height, 1280u);
}

TEST(Plan, PixelsBecomeSquare) {
  const Plan made = plan("480p@1200k", {720, 576, 64, 45});  // 16:9 PAL
  ASSERT_EQ(made.rungs.size(), 1u);
  EXPECT_EQ(made.rungs[0].width, 854u);
  EXPECT_EQ(made.rungs[0].height, 480u);
}

TEST(Plan, ASourceThatDoesNotFitIsEncodedInItsOwnSize) {
  SourcePicture source{1280, 720};
  const auto names = [&] {
    std::vector<std::string> out;
    for (const PlannedRung& rung : plan("720p@2500k,480p@1200k", source).rungs) out.push_back(rung.rung.name);
    return out;
  };
  source.kbps = 5000;
  EXPECT_EQ(names(), std::vector<std::string>{"480p"});
  source.kbps = 5001;
  EXPECT_EQ(names(), (std::vector<std::string>{"720p", "480p"}));
  source.kbps = 0;
  source.stands = false;  // raw, or a codec that not everybody has
  EXPECT_EQ(names(), (std::vector<std::string>{"720p", "480p"}));
}

TEST(Plan, OnePictureAtMostIsBetweenARungAndTheSource) {
  using From = std::vector<std::optional<size_t>>;
  EXPECT_EQ(scaled_from({}), From{});
  EXPECT_EQ(scaled_from({720, 360, 180}), (From{std::nullopt, 0, 0}));
  EXPECT_EQ(scaled_from({1080, 720, 540, 360, 240}), (From{std::nullopt, std::nullopt, 0, 1, 1}));
  // Too near to be scaled from one another.
  EXPECT_EQ(scaled_from({720, 480, 360}), (From{std::nullopt, std::nullopt, 0}));
  EXPECT_EQ(scaled_from({720, 361}), (From{std::nullopt, std::nullopt}));
  EXPECT_EQ(scaled_from({480, 360}), (From{std::nullopt, std::nullopt}));
}

TEST(Plan, NothingIsKnownOfNoPicture) {
  const Plan made = plan("480p@1200k", {});
  EXPECT_TRUE(made.rungs.empty());
  EXPECT_TRUE(made.dropped.empty());
}

}  // namespace
}  // namespace headgate::ladder
