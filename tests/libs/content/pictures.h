// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures to look at, as cameras give them: lamps, noise, gradients.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <content/picture.h>

namespace headgate::content {

struct Canvas {
  int width, height;
  std::vector<double> luma;
  Canvas(int w, int h, double value) : width(w), height(h), luma(static_cast<size_t>(w) * h, value) {}
  double& at(int x, int y) { return luma[static_cast<size_t>(y) * width + x]; }
  Canvas& box(int left, int top, int w, int h, double value) {
    for (int y = std::max(0, top); y < std::min(height, top + h); ++y)
      for (int x = std::max(0, left); x < std::min(width, left + w); ++x) at(x, y) = value;
    return *this;
  }
  // From `by` less at the left to `by` more at the right.
  Canvas& slope(double by) {
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) at(x, y) += by * (2.0 * x / width - 1);
    return *this;
  }
  Canvas& noise(double sigma, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> one(0, sigma);
    for (double& value : luma) value += one(random);
    return *this;
  }
};

struct Plane {
  std::vector<uint8_t> bytes;
  Luma luma;
  explicit Plane(const Canvas& canvas, bool full_range = false, size_t padding = 0) {
    const size_t stride = static_cast<size_t>(canvas.width) + padding;
    bytes.assign(stride * canvas.height, 255);  // what is between rows must not count
    for (int y = 0; y < canvas.height; ++y)
      for (int x = 0; x < canvas.width; ++x)
        bytes[y * stride + x] = static_cast<uint8_t>(
            std::clamp(std::lround(canvas.luma[static_cast<size_t>(y) * canvas.width + x]), 0l, 255l));
    luma = {bytes.data(), stride, canvas.width, canvas.height, full_range};
  }
};

inline Look look(const Canvas& canvas, bool full_range = false) {
  Look out;
  look_at(Plane(canvas, full_range).luma, out);
  return out;
}

// A lit room: walls, a table, people.
inline Canvas room(double light = 1) {
  Canvas canvas(640, 360, 16 + 100 * light);
  canvas.box(0, 240, 640, 120, 16 + 60 * light).box(80, 60, 120, 80, 16 + 180 * light);
  for (int i = 0; i < 8; ++i) canvas.box(60 + 70 * i, 180, 34, 90, 16 + (30 + 15 * i) * light);
  return canvas;
}

}  // namespace headgate::content
