// SPDX-License-Identifier: LGPL-2.1-or-later
// uncompressed_header() of VP9 (VP9 bitstream specification, 6.2), as far as a key frame's size.
#pragma once

#include <cstdint>
#include <optional>

#include <base/bytes.h>
#include <codec/track.h>

namespace headgate::codec {

// chromaSubsampling of vpcC.
inline constexpr unsigned kVp9Chroma420Vertical = 0, kVp9Chroma420 = 1, kVp9Chroma422 = 2, kVp9Chroma444 = 3;

struct Vp9KeyFrame {
  unsigned profile = 0, bit_depth = 8;
  unsigned chroma = kVp9Chroma420;
  uint32_t width = 0, height = 0;
  Colour colour;
};

// Nothing: no key frame, or none that ends within `frame`.
std::optional<Vp9KeyFrame> parse_vp9_key_frame(Bytes frame);

}  // namespace headgate::codec
