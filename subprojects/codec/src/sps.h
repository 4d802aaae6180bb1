// SPDX-License-Identifier: LGPL-2.1-or-later
// H.264 sequence parameter set (ITU-T H.264, 7.3.2.1.1), as far as a container needs it.
#pragma once

#include <cstdint>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::codec {

struct Sps {
  uint8_t profile = 0, constraints = 0, level = 0;
  // Only profiles from High on carry them: 1 (4:2:0), 8 and 8 for the others.
  bool has_chroma_fields = false;
  uint32_t chroma_format = 1, bit_depth_luma = 8, bit_depth_chroma = 8;
  uint32_t width = 0, height = 0;  // cropped
  uint32_t frame_rate_milli = 0;   // 0: no timing, or not fixed
};

inline constexpr uint32_t kMaxDimension = 16384;  // luma samples before cropping

// `nal` with its header byte. What the VUI says beyond its own end is ignored rather than refused: encoders
// in the field get it wrong and decoders do not care.
Result<Sps> parse_sps(Bytes nal);

}  // namespace headgate::codec
