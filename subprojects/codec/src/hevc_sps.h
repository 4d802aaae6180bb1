// SPDX-License-Identifier: LGPL-2.1-or-later
// H.265 sequence parameter set (ITU-T H.265, 7.3.2.2), as far as a container needs it.
#pragma once

#include <array>
#include <cstdint>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::codec {

struct HevcSps {
  // profile_tier_level() (7.3.3): space, tier and idc in one byte, as hvcC has them.
  uint8_t profile = 0;
  uint32_t compatibility = 0;  // general_profile_compatibility_flag[0] is the highest bit
  std::array<uint8_t, 6> constraints{};
  uint8_t level = 0;
  unsigned sub_layers = 1;
  bool temporal_nesting = false;
  unsigned chroma_format = 1;  // 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4
  unsigned bit_depth_luma = 8, bit_depth_chroma = 8;
  uint32_t width = 0, height = 0;  // within the conformance window
  uint32_t frame_rate_milli = 0;   // VUI timing; 0: none
  Colour colour;

  bool high_tier() const { return (profile & 0x20) != 0; }
};

inline constexpr unsigned kHevcVps = 32, kHevcSps = 33, kHevcPps = 34;  // nal_unit_type

inline unsigned hevc_nal_type(Bytes nal) {
  return std::to_integer<unsigned>(nal[0]) >> 1 & 0x3f;
}

// `nal` with its header. As with H.264, what the VUI says beyond its own end is ignored.
Result<HevcSps> parse_hevc_sps(Bytes nal);

}  // namespace headgate::codec
