// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <worker/rung_limit.h>

namespace headgate::worker {
namespace {

playlist::RenditionRecord record(playlist::RenditionState state, bool on_demand = true) {
  playlist::RenditionRecord out;
  out.state = state;
  out.on_demand = on_demand;
  return out;
}
const auto kRunning = record(playlist::RenditionState::running),
           kIdle = record(playlist::RenditionState::idle), kPaused = record(playlist::RenditionState::paused);

TEST(RungLimit, RefusesWhatIsTooMany) {
  RungLimit limit(2);
  EXPECT_TRUE(limit.ask(1, "480p", 0));
  EXPECT_TRUE(limit.ask(2, "480p", 0));
  EXPECT_TRUE(limit.ask(1, "480p", 1000)) << "it is one of them";
  EXPECT_FALSE(limit.ask(1, "240p", 1000));
  EXPECT_FALSE(limit.ask(3, "480p", 1000));
  EXPECT_EQ(limit.refused(), 2u);
  EXPECT_EQ(limit.running(), 0u);
  EXPECT_FALSE(RungLimit(0).ask(1, "480p", 0));
}

TEST(RungLimit, WhatDoesNotStartLeavesItsPlace) {
  RungLimit limit(1);
  EXPECT_TRUE(limit.ask(1, "480p", 0));
  EXPECT_FALSE(limit.ask(2, "480p", kAskedMs));
  EXPECT_TRUE(limit.ask(2, "480p", kAskedMs + 1));
}

TEST(RungLimit, WhatRunsKeepsItsPlaceUntilItIsIdleOrItsSessionGone) {
  RungLimit limit(2);
  ASSERT_TRUE(limit.ask(1, "480p", 0));
  limit.told(1, "480p", kRunning);
  limit.told(2, "240p", kPaused);  // before this worker's limit was looked at; it may come back by itself
  EXPECT_EQ(limit.running(), 2u);
  EXPECT_FALSE(limit.ask(3, "480p", 100 * kAskedMs));
  limit.told(2, "240p", kIdle);
  EXPECT_TRUE(limit.ask(3, "480p", 100 * kAskedMs));
  limit.told(3, "480p", kRunning);
  EXPECT_FALSE(limit.ask(4, "480p", 200 * kAskedMs));
  limit.closed(3);
  EXPECT_TRUE(limit.ask(4, "480p", 200 * kAskedMs));
}

TEST(RungLimit, WhatIsEncodedAnywayIsNotCounted) {
  RungLimit limit(1);
  limit.told(1, "720p", record(playlist::RenditionState::running, false));
  EXPECT_EQ(limit.running(), 0u);
  EXPECT_TRUE(limit.ask(2, "480p", 0));
}

}  // namespace
}  // namespace headgate::worker
