// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "pictures.h"

namespace headgate::content {
namespace {

TEST(LookAt, BrightnessIsOfTheNominalRange) {
  EXPECT_NEAR(look(Canvas(640, 360, 16)).bright, 0, 1e-9);
  EXPECT_NEAR(look(Canvas(640, 360, 235)).bright, 1, 1e-9);
  EXPECT_NEAR(look(Canvas(640, 360, 51), true).bright, 0.2, 1e-9);
  EXPECT_NEAR(look(Canvas(640, 360, 4)).bright, 0, 1e-9);  // below black
}

TEST(LookAt, BrightnessIsThatOfNearlyAll) {
  EXPECT_LT(look(Canvas(640, 360, 20).box(0, 0, 64, 32, 200)).bright, 0.05);  // 0.9 %
  EXPECT_GT(look(Canvas(640, 360, 20).box(0, 0, 128, 64, 200)).bright, 0.5);  // 3.6 %
}

TEST(LookAt, ContrastIsNotNoise) {
  EXPECT_LT(look(Canvas(640, 360, 18).noise(5, 1)).contrast, 0.006);
  EXPECT_GT(look(room(0.1).noise(5, 1)).contrast, 0.012);
}

TEST(LookAt, DetailIsEdgesThatAreNoNoise) {
  EXPECT_EQ(look(Canvas(640, 360, 90)).detail, 0);
  EXPECT_EQ(look(Canvas(640, 360, 90).slope(60)).detail, 0);
  EXPECT_LT(look(Canvas(640, 360, 90).slope(40).noise(8, 2)).detail, 0.01);
  EXPECT_GT(look(room()).detail, 0.3);
  EXPECT_GT(look(room().noise(8, 3)).detail, 0.3);
}

TEST(LookAt, ATextureThatIsEverywhereIsDetail) {
  Canvas grass(640, 360, 90);
  grass.noise(60, 4);
  EXPECT_GT(look(grass).detail, 0.9);
}

TEST(LookAt, OneSmallEdgeCounts) {
  const double detail = look(Canvas(640, 360, 90).box(300, 100, 20, 20, 200)).detail;
  EXPECT_GT(detail, 0);
  EXPECT_LT(detail, 0.03);
}

TEST(LookAt, PaddingAndOddSizesAreNoPicture) {
  Canvas canvas = room();
  Look bare, padded;
  ASSERT_TRUE(look_at(Plane(canvas).luma, bare));
  ASSERT_TRUE(look_at(Plane(canvas, false, 37).luma, padded));
  EXPECT_EQ(bare.grid, padded.grid);
  EXPECT_EQ(bare.detail, padded.detail);
  Look odd;
  ASSERT_TRUE(look_at(Plane(Canvas(641, 363, 90)).luma, odd));
  EXPECT_EQ(odd.grid.columns, 40);
  EXPECT_EQ(odd.grid.rows, 22);
  EXPECT_EQ(odd.grid.means.front(), 90 * 16);
}

TEST(LookAt, SizesBeyondTheLimitsAreNotLookedAt) {
  Look out;
  out.bright = 0.5;
  EXPECT_FALSE(look_at(Plane(Canvas(kMinPictureSide - 1, 360, 90)).luma, out));
  EXPECT_FALSE(look_at(Plane(Canvas(360, kMinPictureSide - 1, 90)).luma, out));
  EXPECT_FALSE(look_at(Plane(Canvas(kMaxPictureSide + 1, kMinPictureSide, 90)).luma, out));
  EXPECT_EQ(out.bright, 0.5);
  EXPECT_TRUE(look_at(Plane(Canvas(kMinPictureSide, kMinPictureSide, 90)).luma, out));
}

TEST(ChangeBetween, IsNothingForTheSamePictureAndOneForAnotherSize) {
  const Look a = look(room()), b = look(Canvas(320, 180, 90));
  EXPECT_EQ(change_between(a.grid, a.grid, false).most, 0);
  EXPECT_EQ(change_between(a.grid, b.grid, false).mean, 1);
  EXPECT_EQ(change_between(Grid{}, Grid{}, false).mean, 1);
}

TEST(ChangeBetween, SeesASmallThingMove) {
  const Look before = look(room()), after = look(room().box(400, 20, 16, 16, 40));
  const Change change = change_between(before.grid, after.grid, false);
  EXPECT_GT(change.most, 0.05);
  EXPECT_LT(change.mean, 0.002);
}

TEST(ChangeBetween, NoiseIsLittle) {
  const Change change = change_between(look(room().noise(3, 5)).grid, look(room().noise(3, 6)).grid, false);
  EXPECT_LT(change.mean, 0.0015);
  EXPECT_LT(change.most, 0.015);
}

}  // namespace
}  // namespace headgate::content
