// SPDX-License-Identifier: LGPL-2.1-or-later
#include "serve/worker_counts.h"

#include <gtest/gtest.h>

namespace headgate::serve {
namespace {

TEST(WorkerCounts, AreThoseOfTheStatus) {
  const WorkerCounts counts = worker_counts(
      R"({"id":3,"rungs":2,"rungs_refused":7,"ladder_rungs":12,"ladder_paused":5,"counts":{"rungs_failed":9}})");
  EXPECT_EQ(counts.rungs, 2);
  EXPECT_EQ(counts.ladder_rungs, 12);
  EXPECT_EQ(counts.ladder_paused, 5);
  EXPECT_EQ(worker_counts("{}").ladder_rungs, 0);
  EXPECT_LT(worker_counts(R"({"rungs":99999999999999999999})").rungs, 10'000'000);
}

TEST(PausedShare, IsThatOfAllWorkers) {
  PausedShare share;
  EXPECT_FALSE(share.percent()) << "nothing is encoded";
  share.add({4, 0, 0});
  EXPECT_FALSE(share.percent()) << "but what viewers ask for";
  share.add({0, 3, 0});
  EXPECT_EQ(share.percent(), 0.0);
  share.add({0, 2, 1});
  EXPECT_EQ(share.percent(), 20.0);
  share.add({0, 5, 99});
  EXPECT_EQ(share.percent(), 60.0);
}

}  // namespace
}  // namespace headgate::serve
