// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json.h>
#include <gtest/gtest.h>
#include <worker/link_loss.h>

namespace headgate::worker {
namespace {

TEST(LinkLoss, IsThatOfTheLastSeconds) {
  LinkLoss loss;
  EXPECT_EQ(loss.lost(), 0);
  LinkCounts now{1000, 500, 600, 100};  // what was before the first look is not known to be of now
  loss.add(now);
  EXPECT_EQ(loss.lost(), 0);
  now.received += 95, now.lost += 10, now.retransmitted += 5, now.dropped += 5;
  loss.add(now);
  EXPECT_EQ(loss.lost(), 0.1);
  EXPECT_EQ(loss.dropped(), 0.05);
  for (size_t i = 0; i < LinkLoss::kSeconds - 1; ++i) {
    now.received += 100;
    loss.add(now);
  }
  EXPECT_EQ(loss.lost(), 0.01);
  EXPECT_EQ(loss.dropped(), 0.005);
  now.received += 100;
  loss.add(now);
  EXPECT_EQ(loss.lost(), 0);
  EXPECT_EQ(loss.dropped(), 0);
}

TEST(LinkLoss, NothingThatIsDueIsNoLoss) {
  LinkLoss loss;
  for (int i = 0; i < 3; ++i) loss.add({10, 1, 2, 3});
  EXPECT_EQ(loss.lost(), 0);
  EXPECT_EQ(loss.dropped(), 0);
}

TEST(LinkLoss, IsAShareWhateverIsCounted) {
  LinkLoss loss;
  loss.add({10, 0, 0, 0});
  loss.add({11, 0, 7, 0});  // the same one more than once
  EXPECT_EQ(loss.lost(), 1);
  loss.add({5, 0, 0, 0});  // another connection's
  EXPECT_EQ(loss.lost(), 0);
  loss.add({10'000'010, 0, 1, 3'333'333});
  EXPECT_EQ(loss.dropped(), 0.25);
}

}  // namespace
}  // namespace headgate::worker
