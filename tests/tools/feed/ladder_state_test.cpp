// SPDX-License-Identifier: LGPL-2.1-or-later
#include <feed/ladder_state.h>
#include <gtest/gtest.h>

namespace headgate::tools {
namespace {

playlist::RenditionRecord record(playlist::RenditionState state, bool on_demand = false,
                                 uint32_t height = 720) {
  playlist::RenditionRecord out;
  out.state = state;
  out.on_demand = on_demand;
  out.height = height;
  return out;
}
const auto kRunning = record(playlist::RenditionState::running),
           kPaused = record(playlist::RenditionState::paused), kIdle = record(playlist::RenditionState::idle);

LadderNews paused(const std::string& rendition, const std::string& cause = kOfProcessors) {
  return {rendition, "paused", "encoding falls behind", cause};
}

TEST(LadderState, TellsWhatIsPausedSinceWhenAndWhy) {
  LadderState ladder;
  EXPECT_EQ(ladder.paused_json(), "");
  EXPECT_TRUE(ladder.told(paused("720p"), 1'000'000));
  EXPECT_FALSE(ladder.told(paused("720p"), 9'000'000)) << "it is";
  EXPECT_FALSE(ladder.told({"480p", "running", "", ""}, 9'000'000));
  EXPECT_EQ(ladder.paused_json(),
            R"([{"rendition":"720p","reason":"encoding falls behind","cause":"processors",)"
            R"("since_utc":"1970-01-01T00:00:01.000Z"}])");
  EXPECT_FALSE(ladder.told({"", "failed", "the decoder failed", ""}, 9'000'000)) << "it may go on";
  EXPECT_TRUE(ladder.told({"720p", "running", "", ""}, 9'000'000));
  EXPECT_EQ(ladder.paused_json(), "");
  EXPECT_FALSE(ladder.told(paused("../720p"), 1)) << "no name";
}

TEST(LadderState, OfWhatIsAlwaysEncodedCountsWhatWantsProcessors) {
  LadderState ladder;
  for (const char* name : {"1080p", "720p", "480p"}) ladder.told(name, kRunning);
  ladder.told("360p", record(playlist::RenditionState::running, true));  // somebody asks
  ladder.told("audio-48k", record(playlist::RenditionState::running, false, 0));
  EXPECT_EQ(ladder.load().rungs, 3U);
  EXPECT_EQ(ladder.load().paused, 0U);
  ladder.told("1080p", kPaused);
  ladder.told(paused("1080p"), 1);
  ladder.told("720p", kPaused);
  ladder.told(paused("720p", "encoder"), 1);
  ladder.told("480p", kPaused);
  ladder.told(paused("480p", "source"), 1);
  ladder.told(paused("360p"), 1);
  EXPECT_EQ(ladder.load().rungs, 3U);
  EXPECT_EQ(ladder.load().paused, 1U);
  ladder.told("1080p", kIdle);  // nobody wants it any more
  EXPECT_EQ(ladder.load().rungs, 2U);
  EXPECT_EQ(ladder.load().paused, 0U);
}

}  // namespace
}  // namespace headgate::tools
