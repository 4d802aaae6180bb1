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

TEST(RoomTest, OfSmallWorkersSeveralAreKeptFree) {
  Room room(1);
  EXPECT_EQ(room.to_start(kLeastFree, 0, 0, kStart), 0);
  EXPECT_EQ(room.to_start(kLeastFree - 1, 0, 0, kStart), 1);
  EXPECT_EQ(room.to_start(0, 0, 0, kStart), kLeastFree);
  EXPECT_EQ(room.to_end(kLeastFree + 1, kStart), 0);
  EXPECT_EQ(room.to_end(kLeastFree + 1, kStart + kSpareMs), 1);
  Room other(3);
  EXPECT_EQ(other.to_start(kLeastFree - 1, 0, 0, kStart), 1);
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

TEST(RoomTest, WhatIsTooManyForLongMayEnd) {
  Room room(kCapacity);
  EXPECT_EQ(room.to_end(5 * kCapacity, kStart), 0) << "not at once";
  EXPECT_EQ(room.to_end(5 * kCapacity, kStart + kSpareMs - 1), 0);
  EXPECT_EQ(room.to_end(5 * kCapacity, kStart + kSpareMs), 3) << "one is kept free, and half of one";
  EXPECT_EQ(room.to_end(kCapacity, kStart + kSpareMs), 0);
  // The time begins anew.
  EXPECT_EQ(room.to_end(3 * kCapacity, kStart + kSpareMs + 1), 0);
  EXPECT_EQ(room.to_end(3 * kCapacity, kStart + 2 * kSpareMs + 1), 1);
}

TEST(RoomTest, OneSessionMoreOrLessStartsAndEndsNothing) {
  Room room(kCapacity);
  int64_t now = kStart;
  EXPECT_EQ(room.to_start(kCapacity - 1, 0, 0, now), 1);
  // It is there, and the session gone: whatever the time, nothing ends.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(room.to_end(2 * kCapacity, now += kSpareMs), 0);
}

TEST(RoomTest, NoneEndsWhileManyCome) {
  Room room(kCapacity);
  EXPECT_EQ(room.to_end(3 * kCapacity, kStart), 0);
  room.came(3 * kCapacity, kStart + kSpareMs);
  EXPECT_EQ(room.to_end(3 * kCapacity, kStart + kSpareMs), 0);
}

TEST(RoomTest, SessionsThatGoAreNoArrivals) {
  Room room(1);
  room.came(-100, kStart);
  EXPECT_EQ(room.to_start(kLeastFree, 0, 0, kStart), 0);
}

}  // namespace
}  // namespace headgate::serve
