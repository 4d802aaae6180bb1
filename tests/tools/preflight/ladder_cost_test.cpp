// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preflight/ladder_cost.h"

#include <gtest/gtest.h>

namespace headgate::preflight {
namespace {

class LadderCost : public ::testing::Test {
 protected:
  uint64_t cost(const std::vector<std::string>& set) const { return ladder_pixels(*description_, set); }

  const Result<pipeline::Description> description_ = pipeline::Description::parse(
      R"({"name": "x", "elements": "fakesrc name=source a=${rungs} b=${rungs-on-demand}", "parameters": {
        "rungs": {"type": "string", "default": "1080p@4500k,720p@2500k,480p@1200k,360p@600k,audio@64k"},
        "rungs-on-demand": {"type": "boolean", "default": false}}})",
      "x.json");
};

TEST_F(LadderCost, IsThatOfASourceAsLargeAsTheLargestRung) {
  ASSERT_TRUE(description_) << description_.error().message;
  const uint64_t encoded = 25 * (1280 * 720 + 854 * 480 + 640 * 360), decoded = 25 * 1920 * 1080;
  EXPECT_EQ(cost({}), encoded + decoded / 4 + 500'000);
  EXPECT_EQ(cost({"part-ms=100", "rungs=720p@1000k,360p@600k"}), 25U * (640 * 360 + 1280 * 720 / 4));
  EXPECT_EQ(cost({"rungs=360p@600k", "rungs=audio@64k,audio@32k"}), 1'000'000U) << "the last one counts";
}

TEST_F(LadderCost, IsNoneWhereNothingIsEncodedAllTheTime) {
  EXPECT_EQ(cost({"rungs="}), 0U);
  EXPECT_EQ(cost({"rungs=nonsense"}), 0U) << "what is wrong with it is told elsewhere";
  EXPECT_EQ(cost({"rungs=360p@600k"}), 0U) << "the source stands for it";
  EXPECT_EQ(cost({"rungs-on-demand=true"}), 0U);
  const auto station =
      pipeline::Description::parse(R"({"name": "y", "elements": "fakesrc name=source"})", "y.json");
  ASSERT_TRUE(station);
  EXPECT_EQ(ladder_pixels(*station, {"rungs=720p@1000k,360p@600k"}), 0U);
}

TEST(ValueOf, IsTheLastThatIsSetOrTheDefault) {
  const auto description = pipeline::Description::parse(
      R"({"name": "x", "elements": "fakesrc name=source a=${a} ab=${ab}", "parameters": {
        "a": {"type": "string"}, "ab": {"type": "string", "default": "c"}}})",
      "x.json");
  ASSERT_TRUE(description) << description.error().message;
  EXPECT_EQ(value_of(*description, {}, "a"), "");
  EXPECT_EQ(value_of(*description, {}, "ab"), "c");
  EXPECT_EQ(value_of(*description, {"ab=x=y", "a=1", "ab=z=="}, "ab"), "z==");
  EXPECT_EQ(value_of(*description, {"ab=x", "a=1", "a=2"}, "a"), "2");
  EXPECT_EQ(value_of(*description, {"b=1"}, "b"), "") << "there is no such parameter";
}

}  // namespace
}  // namespace headgate::preflight
