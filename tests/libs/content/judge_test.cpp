// SPDX-License-Identifier: LGPL-2.1-or-later
#include <content/judge.h>
#include <gtest/gtest.h>

#include "pictures.h"

namespace headgate::content {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int kPixels = 640 * 360;

// Key frames two seconds apart.
class Judging : public testing::Test {
 protected:
  bool see(const Canvas& canvas, std::optional<uint32_t> between = 5000) {
    return judge_.saw(look(canvas), kPixels, false, between, time_ += 2 * kSecond);
  }
  bool hear(double rms_db, double clipped = 0) {
    return judge_.heard({rms_db, rms_db + 10, clipped}, time_ += 2 * kSecond);
  }
  bool holds(Condition condition) const { return judge_.holds(condition); }

  Judge judge_;
  int64_t time_ = 0;
};

TEST_F(Judging, ALiveRoomIsNothing) {
  for (unsigned i = 0; i < 10; ++i)
    EXPECT_FALSE(see(room().box(100 + 30 * static_cast<int>(i), 200, 30, 80, 40).noise(3, i)));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(hear(-30));
  for (Condition one :
       {Condition::black, Condition::frozen, Condition::covered, Condition::silent, Condition::clipped})
    EXPECT_FALSE(holds(one)) << name_of(one);
}

TEST_F(Judging, BlackFromItsSecondPictureOnAndSinceTheFirst) {
  see(room());
  EXPECT_FALSE(see(Canvas(640, 360, 17).noise(3, 1)));
  const int64_t first = time_;
  EXPECT_TRUE(see(Canvas(640, 360, 17).noise(3, 2)));
  EXPECT_TRUE(holds(Condition::black));
  EXPECT_FALSE(holds(Condition::covered)) << "black has no detail, and one of them is enough";
  EXPECT_EQ(judge_.since(Condition::black), first);
  EXPECT_FALSE(see(room()));
  EXPECT_TRUE(holds(Condition::black)) << "one picture ends nothing";
  EXPECT_TRUE(see(room()));
  EXPECT_FALSE(holds(Condition::black));
}

TEST_F(Judging, ADarkHallIsNotBlack) {
  for (unsigned i = 0; i < 4; ++i) EXPECT_FALSE(see(room(0.08).noise(4, i)));
}

TEST_F(Judging, OnePictureIsNoCondition) {
  for (unsigned i = 0; i < 5; ++i) {
    see(room().noise(2, i));
    see(Canvas(640, 360, 17));
  }
  EXPECT_FALSE(holds(Condition::black));
  EXPECT_FALSE(holds(Condition::covered));
}

TEST_F(Judging, ACoveredLens) {
  see(Canvas(640, 360, 90).slope(30).noise(5, 1));
  EXPECT_TRUE(see(Canvas(640, 360, 92).slope(30).noise(5, 2)));
  EXPECT_TRUE(holds(Condition::covered));
  EXPECT_FALSE(holds(Condition::black));
  see(room());
  EXPECT_TRUE(see(room()));
  EXPECT_FALSE(holds(Condition::covered));
}

TEST_F(Judging, FrozenIsTheSamePictureAndNothingBetween) {
  see(room());
  EXPECT_TRUE(see(room(), 30));
  EXPECT_TRUE(holds(Condition::frozen));
  EXPECT_EQ(judge_.since(Condition::frozen), time_);
  see(room(), 3000);
  EXPECT_TRUE(see(room(), 3000));
  EXPECT_FALSE(holds(Condition::frozen));
}

// Of another size, under the same caps.
TEST_F(Judging, APictureOfAnotherSizeHasMoved) {
  see(room());
  ASSERT_TRUE(see(room(), 30));
  ASSERT_TRUE(holds(Condition::frozen));
  see(Canvas(320, 180, 90), 30);
  EXPECT_TRUE(see(room(), 30));
  EXPECT_FALSE(holds(Condition::frozen));
}

TEST_F(Judging, BlackIsToldAlone) {
  for (int i = 0; i < 4; ++i) see(Canvas(640, 360, 16), 20);
  EXPECT_TRUE(holds(Condition::black));
  EXPECT_FALSE(holds(Condition::frozen));
  EXPECT_FALSE(holds(Condition::covered));
}

TEST_F(Judging, AStillPictureWhoseFramesSaySomethingIsLive) {
  for (unsigned i = 0; i < 10; ++i) EXPECT_FALSE(see(room().noise(0.5, i), 900));
  // Nor is one of which nothing is known: only key frames came.
  for (unsigned i = 0; i < 10; ++i) EXPECT_FALSE(see(room(), std::nullopt));
}

TEST_F(Judging, WhatMovesIsNotFrozenHoweverLittleItTakes) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(see(room().box(20 * i, 20, 24, 24, 30), 20));
}

TEST_F(Judging, SilenceIsNotAQuietRoom) {
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(hear(-72));
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(hear(kSilenceDb)) << "a pause";
  EXPECT_TRUE(hear(kSilenceDb));
  EXPECT_TRUE(holds(Condition::silent));
  hear(-76);  // within the margin
  hear(-76);
  EXPECT_TRUE(holds(Condition::silent));
  hear(-50);
  EXPECT_TRUE(hear(-50));
  EXPECT_FALSE(holds(Condition::silent));
}

TEST_F(Judging, Clipped) {
  hear(-3, 0.3);
  EXPECT_TRUE(hear(-3, 0.3));
  EXPECT_TRUE(holds(Condition::clipped));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(hear(-3, 0.009)) << "within the margin";
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(hear(-60)) << "a pause of speech";
  EXPECT_FALSE(hear(-3, 0.3));
  EXPECT_TRUE(holds(Condition::clipped));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(hear(-12));
  EXPECT_TRUE(hear(-12));
}

TEST_F(Judging, AnotherSessionBeginsAnew) {
  see(Canvas(640, 360, 17));
  see(Canvas(640, 360, 17));
  hear(kSilenceDb);
  judge_.restart();
  EXPECT_FALSE(holds(Condition::black));
  EXPECT_FALSE(see(Canvas(640, 360, 17), 0));
  EXPECT_FALSE(hear(kSilenceDb));
}

}  // namespace
}  // namespace headgate::content
