// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/room.h>
#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(Room, WhatWasLargeIsGivenBack) {
  std::vector<int> items(33);
  clear_keeping(items, 32);
  EXPECT_TRUE(items.empty());
  EXPECT_EQ(items.capacity(), 0u);
}

TEST(Room, WhatIsNeededAgainIsKept) {
  std::vector<int> items(32);
  clear_keeping(items, 32);
  EXPECT_TRUE(items.empty());
  EXPECT_EQ(items.capacity(), 32u);
  clear_keeping(items, 0);
  EXPECT_EQ(items.capacity(), 0u);
}

}  // namespace
}  // namespace headgate
