// SPDX-License-Identifier: LGPL-2.1-or-later
// A rung of sound beside its source, whose parts end where frames do and keep the source's promise.
#include <cstdlib>

#include "derived_fixture.h"

namespace headgate::store {
namespace {

TEST_F(DerivedTest, WritesAudio) {
  open_source();
  play(16);  // without pictures for the rung
  start_rung("audio-64k");
  const auto audio = *test::SyntheticMedia({}, 0, 0).presentation().audio;
  rung_->configure(audio);
  push_audio(8);
  advance();
  settle();
  const auto segments = of_rung();
  ASSERT_GE(segments.size(), 3u);
  const auto source = of_source();
  for (size_t i = 0; i < segments.size(); ++i) {
    EXPECT_EQ(segments[i].msn, source[i].msn);
    EXPECT_GE(segments[i].pts, source[i].pts - kBoundarySlackMs * 90);
    EXPECT_LT(segments[i].pts, source[i].pts + 2 * 1920);  // two frames of 1024 samples
  }
  EXPECT_EQ(only<playlist::InitRecord>(rung_told_).at(0).channels, 2u);
}

// Less is promised than the source's parts last, so that all but a segment's last would be too long.
TEST_F(DerivedTest, PartsOfAudioKeepTheSourcesPromise) {
  constexpr uint32_t kPromisedMs = 505;
  open_source(kPromisedMs);
  play(16);  // without pictures for the rung
  start_rung("audio-64k");
  rung_->configure(*test::SyntheticMedia({}, 0, 0).presentation().audio);
  push_audio(8);
  advance();
  settle();
  EXPECT_GT(only<playlist::PartRecord>(session_->told).at(0).duration, int64_t{kPromisedMs} * 90);
  const auto parts = only<playlist::PartRecord>(rung_told_);
  ASSERT_GE(parts.size(), 8u);
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i + 1].msn != parts[i].msn) continue;
    EXPECT_LE(parts[i].duration, int64_t{kPromisedMs} * 90) << i;
  }
}

// Where the source's last part of a segment is nearly as long as promised, a frame that reaches over its end
// is the next segment's.
TEST_F(DerivedTest, ASegmentsLastPartOfAudioKeepsThePromise) {
  constexpr int64_t kPromised = 550 * 90, kParts[] = {45'000, 45'000, 45'000, 49'050};
  derived_->add(playlist::RunRecord{"20260101T000000Z-n01-0001", 0, 0, 0, 4000, 550});
  derived_->set_time({0, 0});
  std::vector<int64_t> begins;
  int64_t pts = 0;
  for (uint64_t msn = 0; msn < 10; ++msn) {
    begins.push_back(pts);
    for (uint32_t i = 0; i < 4; ++i) {
      playlist::PartRecord part;
      part.msn = msn;
      part.index = i;
      part.pts = pts;
      part.duration = kParts[i];
      derived_->add(part);
      pts += part.duration;
    }
  }
  start_rung("audio-64k");
  rung_->configure(*test::SyntheticMedia({}, 0, 0).presentation().audio);
  push_audio(22);
  advance();
  settle();
  const auto parts = only<playlist::PartRecord>(rung_told_);
  ASSERT_GE(parts.size(), 36u);
  for (const auto& part : parts) {
    EXPECT_LE(part.duration, kPromised) << part.msn << "." << part.index;
    if (part.index == 0) {
      EXPECT_LE(std::abs(part.pts - begins.at(part.msn)), kBoundarySlackMs * 90) << part.msn;
    }
  }
}

// Sound that the encoder had no time for is not bridged by a frame that makes a part too long.
TEST_F(DerivedTest, PartsOfAudioKeepThePromiseWhereSoundIsMissing) {
  constexpr uint32_t kPromisedMs = 550;
  open_source(kPromisedMs);
  play(16);  // without pictures for the rung
  start_rung("audio-64k");
  rung_->configure(*test::SyntheticMedia({}, 0, 0).presentation().audio);
  // From the end of the first segment on, where a part always ends.
  const auto first = of_source().at(1);
  const int64_t end = first.pts - session_->writer->timeline_offset();
  push_audio(8, [end](int64_t i) {
    const int64_t at = i * 1024 * 90 / 48 + 3600;
    return at > end - 2000 && at < end + 20'000;
  });
  advance();
  settle();
  const auto parts = only<playlist::PartRecord>(rung_told_);
  ASSERT_GE(parts.size(), 8u);
  for (size_t i = 0; i < parts.size(); ++i) EXPECT_LE(parts[i].duration, int64_t{kPromisedMs} * 90) << i;
}

}  // namespace
}  // namespace headgate::store
