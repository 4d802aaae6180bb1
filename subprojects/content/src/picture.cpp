// SPDX-License-Identifier: LGPL-2.1-or-later
#include "content/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace headgate::content {
namespace {

constexpr int kCell = 8;                          // pixels a side: what edges are looked for between
constexpr int kSquare = 32 / kCell;               // cells a side
constexpr double kBrightShare = 0.98;             // of Look::bright
constexpr double kLeastEdge = 5, kMostEdge = 16;  // steps of luma between neighbouring cells
constexpr double kEdgeOverNoise = 6;              // times the median difference of neighbours
constexpr int kUnit = kCell * kCell;
constexpr int kRangeLimited = 235 - 16, kFloorLimited = 16;

double range(bool full) {
  return full ? 255 : kRangeLimited;
}
double floor_of(bool full) {
  return full ? 0 : kFloorLimited;
}

// Of kCell x kCell pixels.
struct Cells {
  int columns, rows;
  std::vector<uint16_t> sums;  // of luma: kUnit is a step of the mean
  uint16_t at(int column, int row) const { return sums[static_cast<size_t>(row) * columns + column]; }
};

Cells cells_of(const Luma& luma) {
  Cells cells{luma.width / kCell, luma.height / kCell, {}};
  cells.sums.resize(static_cast<size_t>(cells.columns) * cells.rows);
  for (int row = 0; row < cells.rows; ++row) {
    uint16_t* out = &cells.sums[static_cast<size_t>(row) * cells.columns];
    for (int line = 0; line < kCell; ++line) {
      const uint8_t* in = luma.data + (static_cast<size_t>(row) * kCell + line) * luma.stride;
      for (int column = 0; column < cells.columns; ++column, in += kCell)
        out[column] = static_cast<uint16_t>(std::accumulate(in, in + kCell, unsigned{out[column]}));
    }
  }
  return cells;
}

// Of squares of `side` x `side` cells, in 1/16 of a step.
Grid means_of(const Cells& cells, int side) {
  Grid grid{cells.columns / side, cells.rows / side, {}};
  grid.means.reserve(static_cast<size_t>(grid.columns) * grid.rows);
  for (int row = 0; row < grid.rows; ++row)
    for (int column = 0; column < grid.columns; ++column) {
      uint32_t sum = 0;
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x) sum += cells.at(column * side + x, row * side + y);
      grid.means.push_back(static_cast<uint16_t>(sum * 16 / static_cast<uint32_t>(side * side * kUnit)));
    }
  return grid;
}

void brightness(const Grid& grid, bool full, Look& look) {
  double sum = 0, squares = 0;
  for (const uint16_t mean : grid.means) {
    const double value = mean / 16.0;
    sum += value;
    squares += value * value;
  }
  const double count = static_cast<double>(grid.means.size()), mean = sum / count;
  look.contrast = std::sqrt(std::max(0.0, squares / count - mean * mean)) / range(full);
  std::vector<uint16_t> sorted = grid.means;
  const auto at = sorted.begin() + static_cast<ptrdiff_t>(kBrightShare * (count - 1));
  std::nth_element(sorted.begin(), at, sorted.end());
  look.bright = std::clamp((*at / 16.0 - floor_of(full)) / range(full), 0.0, 1.0);
}

int step_right(const Cells& cells, int column, int row) {
  return column + 1 < cells.columns ? std::abs(cells.at(column, row) - cells.at(column + 1, row)) : 0;
}

int step_down(const Cells& cells, int column, int row) {
  return row + 1 < cells.rows ? std::abs(cells.at(column, row) - cells.at(column, row + 1)) : 0;
}

// What differs between neighbours of most of a picture is noise, or a texture which is everywhere: that is
// detail, and for it there is a most.
int edge_of(const Cells& cells) {
  constexpr size_t kBins = 32 * kUnit;  // steps of luma
  std::array<uint32_t, kBins> counts{};
  uint32_t all = 0;
  for (int row = 0; row < cells.rows; ++row)
    for (int column = 0; column + 1 < cells.columns; ++column, ++all)
      ++counts[std::min<size_t>(static_cast<size_t>(step_right(cells, column, row)), kBins - 1)];
  size_t median = 0;
  for (uint32_t below = 0; median < kBins - 1 && (below += counts[median]) <= all / 2;) ++median;
  return static_cast<int>(
      std::clamp(kEdgeOverNoise * static_cast<double>(median), kLeastEdge * kUnit, kMostEdge * kUnit));
}

double detail_of(const Cells& cells) {
  const int edge = edge_of(cells), columns = cells.columns / kSquare, rows = cells.rows / kSquare;
  const auto has_edge = [&](int left, int top) {
    for (int row = top; row < top + kSquare; ++row)
      for (int column = left; column < left + kSquare; ++column)
        if (step_right(cells, column, row) > edge || step_down(cells, column, row) > edge) return true;
    return false;
  };
  int found = 0;
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) found += has_edge(column * kSquare, row * kSquare);
  return static_cast<double>(found) / (columns * rows);
}

}  // namespace

bool look_at(const Luma& luma, Look& look) {
  if (std::min(luma.width, luma.height) < kMinPictureSide ||
      std::max(luma.width, luma.height) > kMaxPictureSide)
    return false;
  const Cells cells = cells_of(luma);
  brightness(means_of(cells, 1), luma.full_range, look);
  look.detail = detail_of(cells);
  look.grid = means_of(cells, Grid::kSide / kCell);
  return true;
}

Change change_between(const Grid& before, const Grid& after, bool full_range) {
  if (before.columns != after.columns || before.rows != after.rows || after.means.empty()) return {};
  uint64_t sum = 0;
  int most = 0;
  for (size_t i = 0; i < after.means.size(); ++i) {
    const int step = std::abs(after.means[i] - before.means[i]);
    sum += static_cast<uint64_t>(step);
    most = std::max(most, step);
  }
  const double unit = 16 * range(full_range);
  return {static_cast<double>(sum) / static_cast<double>(after.means.size()) / unit, most / unit};
}

}  // namespace headgate::content
