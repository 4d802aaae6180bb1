// SPDX-License-Identifier: LGPL-2.1-or-later
// Delta updates: merged, held against the whole.
#include <gtest/gtest.h>

#include <conformance/playlist_history.h>

#include "files.h"

namespace headgate {
namespace {

using conformance::MediaPlaylist;

class Delta : public testing::Test {
 protected:
  static MediaPlaylist read(const char* name) {
    return test::media_playlist(test::file_text("playlists/" + std::string(name)));
  }
  MediaPlaylist before_ = read("low-latency.m3u8"), whole_ = read("low-latency-next.m3u8"),
                delta_ = read("delta.m3u8");
};

TEST_F(Delta, IsTheWholeWithWhatWasThereBefore) {
  EXPECT_EQ(delta_.segments.front().msn, 104u);
  EXPECT_FALSE(delta_.segments.front().map);
  auto merged = merge(before_, delta_);
  ASSERT_TRUE(merged) << merged.error().message;
  ASSERT_EQ(merged->segments.size(), whole_.segments.size());
  for (size_t i = 0; i < whole_.segments.size(); ++i) {
    EXPECT_EQ(merged->segments[i].msn, whole_.segments[i].msn);
    EXPECT_EQ(merged->segments[i].resource, whole_.segments[i].resource);
    EXPECT_EQ(merged->segments[i].map, whole_.segments[i].map);
  }
  EXPECT_EQ(merged->open.parts.size(), 3u);
  const conformance::Findings findings = check_delta(delta_, *merged, whole_);
  EXPECT_TRUE(findings.empty()) << test::text_of(findings);
}

TEST_F(Delta, CarriesDiscontinuityNumbersOn) {
  for (MediaPlaylist* one : {&before_, &whole_}) {
    for (size_t i = 2; i < one->segments.size(); ++i) ++one->segments[i].discontinuity;
    ++one->open.discontinuity;
  }
  auto merged = merge(before_, delta_);
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->segments.back().discontinuity, 1u);
  EXPECT_TRUE(check_delta(delta_, *merged, whole_).empty());
}

TEST_F(Delta, CannotSkipWhatWasNeverRead) {
  before_.segments.erase(before_.segments.begin());
  auto merged = merge(before_, delta_);
  ASSERT_FALSE(merged);
  EXPECT_NE(merged.error().message.find("segment 100 was not there"), std::string::npos)
      << merged.error().message;
  EXPECT_FALSE(merge(before_, whole_));
}

TEST_F(Delta, ThatDiffersIsTold) {
  const auto found = [&] { return test::ids(check_delta(delta_, *merge(before_, delta_), whole_)); };
  delta_.segments[1].duration += 1000;
  EXPECT_EQ(found(), std::set<std::string>{"delta-differs"});
  delta_ = read("delta.m3u8");
  delta_.target_s = 5;
  EXPECT_EQ(found(), std::set<std::string>{"delta-differs"});
  delta_ = read("delta.m3u8");
  delta_.segments.back().parts[1].resource.uri = "other";
  EXPECT_EQ(found(), std::set<std::string>{"delta-differs"});
}

TEST_F(Delta, ThatSkipsTooMuchIsTold) {
  delta_.skipped = *delta_.skipped + 1;
  delta_.segments.erase(delta_.segments.begin());
  auto merged = merge(before_, delta_);
  ASSERT_TRUE(merged);
  EXPECT_EQ(test::ids(check_delta(delta_, *merged, whole_)), std::set<std::string>{"delta-boundary"});
}

}  // namespace
}  // namespace headgate
