// SPDX-License-Identifier: LGPL-2.1-or-later
#include "serve/room.h"

#include <gtest/gtest.h>

namespace headgate::serve {
namespace {

constexpr int64_t kCapacity = 50, kStart = 1'000'000;

TEST(RoomTest, OneWholeWorkerIsKeptFree) {
  Room room(kCapacity);
  EXPECT_EQ(room.to_start(kCapacity, 0, 0, kStart), 0);
  EXPECT_EQ(room.to_start(kCapacity - 1, 0, 0, kStart), 1);
  EXPECT_EQ(room.to_start(0, 0, 0, kStart), 1);
}

TEST(RoomTest, WhatIsOnItsWayCounts) {
  Room room(kCapacity);
  EXPECT_EQ(room.to_start(0, 1, 0, kStart), 0);
  EXPECT_EQ(room.to_start(0, 3, 0, kStart), 0);
}

TEST(RoomTest, ManyWhoComeHaveRoomMadeBeforeTheyFillIt) {
  Room room(kCapacity);
  room.came(60, kStart);
  room.came(60, kStart + 400);
  // 120 in less than the window: three workers' worth is to be free.
  EXPECT_EQ(room.to_start(60, 0, 0, kStart + 400), 2);
  EXPECT_EQ(room.to_start(60, 1, 0, kStart + 400), 1);
  EXPECT_EQ(room.to_start(120, 0, 0, kStart + 400), 0);
  // The window after it is remembered, and then not any more.
  EXPECT_EQ(room.to_start(60, 0, 0, kStart + kArrivalWindowMs + 100), 2);
  EXPECT_EQ(room.to_start(60, 0, 0, kStart + 4 * kArrivalWindowMs), 0);
}

TEST(RoomTest, NotAllAreStartedAtOnce) {
  Room room(1);
  room.came(100, kStart);
  EXPECT_EQ(room.to_start(0, 0, 0, kStart), kStartAtOnce);
  EXPECT_EQ(room.to_start(0, kStartAtOnce - 1, 0, kStart), 1);
  EXPECT_EQ(room.to_start(0, kStartAtOnce, 0, kStart), 0);
  EXPECT_EQ(room.to_start(0, kStartAtOnce + 5, 0, kStart), 0);
}

TEST(RoomTest, OneThatEndsAgainAndAgainIsNoRoom) {
  Room room(kCapacity);
  EXPECT_EQ(room.to_start(0, 0, 1, kStart), 1);
  EXPECT_EQ(room.to_start(0, 1, 1, kStart), 0);
  // But if more and more fail, it is not another one that helps.
  EXPECT_EQ(room.to_start(0, 0, kStartAtOnce, kStart), 0);
}

TEST(RoomTest, SessionsThatGoAreNoArrivals) {
  Room room(1);
  room.came(-100, kStart);
  EXPECT_EQ(room.to_start(1, 0, 0, kStart), 0);
}

}  // namespace
}  // namespace headgate::serve
