// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sps.h"

#include <algorithm>
#include <array>

#include "bits.h"

namespace headgate::codec {
namespace {

// Profiles whose SPS carries chroma format, bit depths and scaling lists (7.3.2.1.1).
bool has_high_fields(uint8_t profile) {
  constexpr std::array<uint8_t, 13> kProfiles{100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::find(kProfiles.begin(), kProfiles.end(), profile) != kProfiles.end();
}

void skip_scaling_list(BitReader& reader, int size) {
  int32_t last = 8, next = 8;
  for (int i = 0; i < size && reader.ok(); ++i) {
    if (next != 0) next = (last + reader.se() % 256 + 256) % 256;
    if (next != 0) last = next;
  }
}

void skip_scaling_matrix(BitReader& reader, uint32_t chroma_format) {
  const int lists = chroma_format == 3 ? 12 : 8;
  for (int i = 0; i < lists && reader.ok(); ++i)
    if (reader.flag()) skip_scaling_list(reader, i < 6 ? 16 : 64);
}

struct Chroma {
  uint32_t format = 1;  // 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4
  bool separate_planes = false;
  uint32_t luma_minus8 = 0, chroma_minus8 = 0;  // bit depths
};

Chroma read_high_fields(BitReader& reader) {
  Chroma chroma;
  chroma.format = reader.ue();
  if (chroma.format == 3) chroma.separate_planes = reader.flag();
  chroma.luma_minus8 = reader.ue();
  chroma.chroma_minus8 = reader.ue();
  reader.flag();  // qpprime_y_zero_transform_bypass_flag
  if (reader.flag()) skip_scaling_matrix(reader, chroma.format);
  return chroma;
}

void skip_picture_order(BitReader& reader) {
  const uint32_t type = reader.ue();
  if (type == 0) {
    reader.ue();  // log2_max_pic_order_cnt_lsb_minus4
  } else if (type == 1) {
    reader.flag();  // delta_pic_order_always_zero_flag
    reader.se();    // offset_for_non_ref_pic
    reader.se();    // offset_for_top_to_bottom_field
    const uint32_t cycle = reader.ue();
    for (uint32_t i = 0; i < cycle && i < 256 && reader.ok(); ++i) reader.se();
  }
}

// vui_parameters() up to the timing (E.1.1). 0: no timing there, or frames are not at a fixed distance.
uint32_t frame_rate_from_vui(BitReader& reader) {
  constexpr uint32_t kExtendedSar = 255;
  if (reader.flag() && reader.bits(8) == kExtendedSar) reader.skip(32);
  if (reader.flag()) reader.flag();  // overscan
  if (reader.flag()) {               // video signal type
    reader.skip(4);
    if (reader.flag()) reader.skip(24);
  }
  if (reader.flag()) {  // chroma location
    reader.ue();
    reader.ue();
  }
  if (!reader.flag()) return 0;
  const uint64_t units_in_tick = reader.bits(32);
  const uint64_t time_scale = reader.bits(32);
  const bool fixed = reader.flag();
  if (!reader.ok() || !fixed || units_in_tick == 0) return 0;
  // A frame is two ticks: fields are what is counted.
  const uint64_t milli = time_scale * 1000 / (units_in_tick * 2);
  constexpr uint64_t kMaxFrameRateMilli = 1'000'000;
  return milli <= kMaxFrameRateMilli ? static_cast<uint32_t>(milli) : 0;
}

}  // namespace

Result<Sps> parse_sps(Bytes nal) {
  constexpr unsigned kSpsNalType = 7;
  if (nal.empty() || (std::to_integer<unsigned>(nal[0]) & 0x1f) != kSpsNalType)
    return Unexpected("not a sequence parameter set");
  const ByteVector rbsp = rbsp_of(nal, 1);
  BitReader reader(rbsp);
  Sps sps;
  sps.profile = static_cast<uint8_t>(reader.bits(8));
  sps.constraints = static_cast<uint8_t>(reader.bits(8));
  sps.level = static_cast<uint8_t>(reader.bits(8));
  reader.ue();  // seq_parameter_set_id
  Chroma chroma;
  sps.has_chroma_fields = has_high_fields(sps.profile);
  if (sps.has_chroma_fields) chroma = read_high_fields(reader);
  if (chroma.format > 3) return Unexpected("chroma format " + std::to_string(chroma.format));
  constexpr uint32_t kMaxDepthMinus8 = 6;
  if (chroma.luma_minus8 > kMaxDepthMinus8 || chroma.chroma_minus8 > kMaxDepthMinus8)
    return Unexpected("bit depth of more than 14");
  sps.chroma_format = chroma.format;
  sps.bit_depth_luma = 8 + chroma.luma_minus8;
  sps.bit_depth_chroma = 8 + chroma.chroma_minus8;
  reader.ue();  // log2_max_frame_num_minus4
  skip_picture_order(reader);
  reader.ue();    // max_num_ref_frames
  reader.flag();  // gaps_in_frame_num_value_allowed_flag
  const uint64_t width = (uint64_t{reader.ue()} + 1) * 16;
  const uint64_t map_units = uint64_t{reader.ue()} + 1;
  const bool frames_only = reader.flag();
  const uint64_t height = map_units * 16 * (frames_only ? 1 : 2);
  if (!frames_only) reader.flag();  // mb_adaptive_frame_field_flag
  reader.flag();                    // direct_8x8_inference_flag
  uint64_t crop_x = 0, crop_y = 0;
  if (reader.flag()) {
    // Table 6-1 and equations 7-19 to 7-22.
    const bool subsampled = !chroma.separate_planes && chroma.format != 0;
    const uint64_t unit_x = subsampled && chroma.format < 3 ? 2 : 1;
    const uint64_t unit_y = (subsampled && chroma.format == 1 ? 2 : 1) * (frames_only ? 1 : 2);
    crop_x = uint64_t{reader.ue()} * unit_x;
    crop_x += uint64_t{reader.ue()} * unit_x;
    crop_y = uint64_t{reader.ue()} * unit_y;
    crop_y += uint64_t{reader.ue()} * unit_y;
  }
  if (!reader.ok()) return Unexpected("ends too early");
  if (width > kMaxDimension || height > kMaxDimension)
    return Unexpected("picture of " + std::to_string(width) + "x" + std::to_string(height) +
                      " is larger than " + std::to_string(kMaxDimension) + " either way");
  if (crop_x >= width || crop_y >= height) return Unexpected("cropping leaves no picture");
  sps.width = static_cast<uint32_t>(width - crop_x);
  sps.height = static_cast<uint32_t>(height - crop_y);
  if (reader.flag()) sps.frame_rate_milli = frame_rate_from_vui(reader);
  return sps;
}

}  // namespace headgate::codec
