// SPDX-License-Identifier: LGPL-2.1-or-later
// What one decoded picture shows, from its luma alone. Pure: no clock, no allocation beyond the grids'
// vectors.
//
// Brightness and differences are fractions of the luma's nominal range (BT.601, BT.709 and BT.2100: 16 to 235
// of 8 bits; 0 to 255 with full range): 0 black, 1 white.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::content {

inline constexpr int kMinPictureSide = 64, kMaxPictureSide = 8192;  // pixels; others are not looked at

// The caller's plane, 8 bits a pixel.
struct Luma {
  const uint8_t* data = nullptr;
  size_t stride = 0;  // bytes from row to row
  int width = 0, height = 0;
  bool full_range = false;
};

// The means of squares of kSide pixels: what noise of single pixels does not change.
struct Grid {
  static constexpr int kSide = 16;
  int columns = 0, rows = 0;
  std::vector<uint16_t> means;  // in 1/16 of a step of luma
  bool operator==(const Grid&) const = default;
};

struct Look {
  double bright = 0;  // 98 % of the picture is no brighter
  double contrast =
      0;  // standard deviation of the means of 8 x 8 pixels: what is dark and shows something has some
  // Share of squares of 32 x 32 pixels with an edge in them, told apart from noise. A lens that a finger, a
  // cloth or a wall covers has none.
  double detail = 0;
  Grid grid;
};

// False where the sides are beyond the limits: `look` is then unchanged.
bool look_at(const Luma& luma, Look& look);

// How far a picture is from an earlier one; 1 where they have another size.
struct Change {
  double mean = 1, most = 1;  // over the squares of the grid
};
Change change_between(const Grid& before, const Grid& after, bool full_range);

}  // namespace headgate::content
