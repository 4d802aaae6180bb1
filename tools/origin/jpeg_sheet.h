// SPDX-License-Identifier: LGPL-2.1-or-later
// A sheet of small pictures: JPEGs made smaller while they are decoded (libjpeg's scaled inverse DCT), side
// by side in one JPEG. Pictures come from encoders of ours, but a file can be damaged: whatever is no whole
// picture of the right size leaves its tile as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::origin {

inline constexpr int kSheetQuality = 75;                  // of JPEG
inline constexpr uint64_t kMaxSheetPixels = 1280 * 1280;  // of all tiles

struct SheetLayout {
  uint32_t columns = 0, rows = 0;
  uint32_t picture_width = 0, picture_height = 0;  // of each JPEG
  uint32_t eighths = 0;                            // of those, of which a tile is made: 1 to 8
};

// Not thread-safe.
class JpegSheet {
 public:
  // All tiles are grey. Error: no such layout.
  static Result<JpegSheet> make(const SheetLayout& layout);

  // Into tile `place`, row by row. Error: it is no whole baseline JPEG in colour of the layout's size; the
  // tile is grey again.
  Result<void> put(uint32_t place, Bytes jpeg);
  Result<ByteVector> encode() const;

 private:
  explicit JpegSheet(const SheetLayout& layout);
  void clear(uint32_t place);
  size_t offset_of(uint32_t place) const;  // of its first pixel
  size_t stride() const { return size_t{layout_.columns} * tile_width_ * kComponents; }

  static constexpr size_t kComponents = 3;  // Y, Cb and Cr of each pixel, one behind the other
  SheetLayout layout_;
  uint32_t tile_width_ = 0, tile_height_ = 0;
  std::vector<unsigned char> pixels_;
};

}  // namespace headgate::origin
