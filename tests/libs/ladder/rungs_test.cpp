// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <ladder/rungs.h>

namespace headgate::ladder {
namespace {

std::string error_of(std::string_view text) {
  const auto rungs = parse_rungs(text);
  EXPECT_FALSE(rungs) << text;
  return rungs ? std::string() : rungs.error().message;
}

TEST(Rungs, AreReadAndSorted) {
  const auto rungs = parse_rungs(" audio@64k, 480p@1200k,1080p@4500k ,720p@2500k");
  ASSERT_TRUE(rungs) << rungs.error().message;
  const std::vector<Rung> expected = {
      {"1080p", 1080, 4500}, {"720p", 720, 2500}, {"480p", 480, 1200}, {"audio-64k", 0, 64}};
  EXPECT_EQ(*rungs, expected);
  EXPECT_TRUE(rungs->back().is_audio());
  EXPECT_EQ(to_text(*rungs), "1080p@4500k,720p@2500k,480p@1200k,audio@64k");
}

TEST(Rungs, NoneIsNone) {
  for (const char* text : {"", "  "}) {
    const auto rungs = parse_rungs(text);
    ASSERT_TRUE(rungs);
    EXPECT_TRUE(rungs->empty());
  }
}

TEST(Rungs, ErrorsSayWhatAndWhere) {
  EXPECT_EQ(error_of("720p@2500k,720p"), "rung 2, \"720p\": no bit rate; write 720p@2500k or audio@64k");
  EXPECT_EQ(error_of("720p@2500"), "rung 1, \"720p@2500\": the bit rate is in kilobits, as in 2500k");
  EXPECT_EQ(error_of("720p@k"), "rung 1, \"720p@k\": the bit rate is in kilobits, as in 2500k");
  EXPECT_EQ(error_of("720p@0500k"), "rung 1, \"720p@0500k\": the bit rate is in kilobits, as in 2500k");
  EXPECT_EQ(error_of("72Op@1k"), "rung 1, \"72Op@1k\": neither lines, as in 720p, nor audio");
  EXPECT_EQ(error_of("video@100k"), "rung 1, \"video@100k\": neither lines, as in 720p, nor audio");
  EXPECT_EQ(error_of("721p@900k"), "rung 1, \"721p@900k\": a picture has 64 to 4320 lines, an even number");
  EXPECT_EQ(error_of("4322p@900k"), "rung 1, \"4322p@900k\": a picture has 64 to 4320 lines, an even number");
  EXPECT_EQ(error_of("720p@200001k"), "rung 1, \"720p@200001k\": a video rung has 20 to 200000 kbit/s");
  EXPECT_EQ(error_of("audio@8k"), "rung 1, \"audio@8k\": an audio rung has 16 to 512 kbit/s");
  EXPECT_EQ(error_of("480p@900k,480p@600k"), "rung 2, \"480p@600k\": 480p is there twice");
  EXPECT_EQ(error_of("480p@900k,"), "rung 2, \"\": no bit rate; write 720p@2500k or audio@64k");
  EXPECT_EQ(error_of("480p@99999999999k"),
            "rung 1, \"480p@99999999999k\": the bit rate is in kilobits, as in 2500k");
}

TEST(Rungs, AreLimited) {
  std::string text;
  for (size_t i = 0; i <= kMaxRungs; ++i)
    text += (i ? "," : "") + std::to_string(100 + 2 * i) + "p@" + std::to_string(100 + i) + "k";
  EXPECT_EQ(error_of(text), "rung 17, \"132p@116k\": there are at most 16");
  EXPECT_EQ(error_of(std::string(kMaxRungsText + 1, ' ')), "rungs: longer than 1024 bytes");
}

}  // namespace
}  // namespace headgate::ladder
