// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hevc_sps.h"

#include <algorithm>
#include <vector>

#include "bits.h"
#include "sps.h"

namespace headgate::codec {
namespace {

constexpr unsigned kMaxSubLayers = 7;
constexpr uint32_t kMaxShortTermSets = 64, kMaxLongTermPictures = 32, kMaxPictures = 16;

void read_profile_tier_level(BitReader& reader, HevcSps& sps) {
  sps.profile = static_cast<uint8_t>(reader.bits(8));
  sps.compatibility = reader.bits(32);
  for (uint8_t& byte : sps.constraints) byte = static_cast<uint8_t>(reader.bits(8));
  sps.level = static_cast<uint8_t>(reader.bits(8));
  constexpr unsigned kFlagPairs = 8, kProfileBits = 88, kLevelBits = 8;
  unsigned bits = 0;
  for (unsigned i = 0; i + 1 < sps.sub_layers; ++i) {
    if (reader.flag()) bits += kProfileBits;
    if (reader.flag()) bits += kLevelBits;
  }
  if (sps.sub_layers > 1) reader.skip(size_t{2} * (kFlagPairs - (sps.sub_layers - 1)));
  reader.skip(bits);
}

// scaling_list_data() (7.3.4)
void skip_scaling_lists(BitReader& reader) {
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned matrix = 0; matrix < 6 && reader.ok(); matrix += size == 3 ? 3 : 1) {
      if (!reader.flag()) {
        reader.ue();  // scaling_list_pred_matrix_id_delta
        continue;
      }
      if (size > 1) reader.se();  // scaling_list_dc_coef_minus8
      const unsigned coefficients = std::min(64u, 1u << (4 + (size << 1)));
      for (unsigned i = 0; i < coefficients && reader.ok(); ++i) reader.se();
    }
  }
}

// st_ref_pic_set() (7.3.7) for each; how many pictures one has tells how long the next is.
bool skip_short_term_sets(BitReader& reader) {
  const uint32_t count = reader.ue();
  if (count > kMaxShortTermSets) return false;
  uint32_t pictures = 0;  // of the set before: NumDeltaPocs
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    if (i > 0 && reader.flag()) {  // predicted from it
      reader.flag();               // delta_rps_sign
      reader.ue();                 // abs_delta_rps_minus1
      uint32_t kept = 0;
      for (uint32_t j = 0; j <= pictures && reader.ok(); ++j) {
        const bool used = reader.flag();
        if (used || reader.flag()) ++kept;
      }
      pictures = kept;
    } else {
      const uint32_t negative = reader.ue(), positive = reader.ue();
      if (negative > kMaxPictures || positive > kMaxPictures) return false;
      pictures = negative + positive;
      for (uint32_t j = 0; j < pictures && reader.ok(); ++j) {
        reader.ue();    // delta_poc_minus1
        reader.flag();  // used_by_curr_pic
      }
    }
    if (pictures > 2 * kMaxPictures) return false;
  }
  return reader.ok();
}

// vui_parameters() up to the timing (E.2.1).
void read_vui(BitReader& reader, HevcSps& sps) {
  constexpr uint32_t kExtendedSar = 255;
  if (reader.flag() && reader.bits(8) == kExtendedSar) reader.skip(32);
  if (reader.flag()) reader.flag();  // overscan
  if (reader.flag()) {               // video signal type
    reader.skip(3);
    const bool full_range = reader.flag();
    Colour colour;
    if (reader.flag()) {
      colour.primaries = static_cast<uint8_t>(reader.bits(8));
      colour.transfer = static_cast<uint8_t>(reader.bits(8));
      colour.matrix = static_cast<uint8_t>(reader.bits(8));
    }
    colour.full_range = full_range;
    if (!reader.ok()) return;
    sps.colour = colour;
  }
  if (reader.flag()) {  // chroma location
    reader.ue();
    reader.ue();
  }
  reader.flag();  // neutral_chroma_indication_flag
  const bool fields = reader.flag();
  reader.flag();        // frame_field_info_present_flag
  if (reader.flag()) {  // default display window
    for (int i = 0; i < 4; ++i) reader.ue();
  }
  if (!reader.flag()) return;
  const uint64_t units_in_tick = reader.bits(32);
  const uint64_t time_scale = reader.bits(32);
  if (!reader.ok() || units_in_tick == 0) return;
  // A tick is a picture, which may be a field.
  const uint64_t milli = time_scale * 1000 / (units_in_tick * (fields ? 2 : 1));
  constexpr uint64_t kMaxFrameRateMilli = 1'000'000;
  if (milli <= kMaxFrameRateMilli) sps.frame_rate_milli = static_cast<uint32_t>(milli);
}

// From behind the bit depths to the VUI.
bool skip_to_vui(BitReader& reader, const HevcSps& sps) {
  const uint32_t poc_bits = reader.ue() + 4;
  if (poc_bits > 16) return false;
  const bool each_layer = reader.flag();
  for (unsigned i = each_layer ? 0 : sps.sub_layers - 1; i < sps.sub_layers && reader.ok(); ++i)
    for (int field = 0; field < 3; ++field) reader.ue();  // decoded picture buffer: size, reorder, latency
  for (int field = 0; field < 6; ++field) reader.ue();    // coding and transform block sizes, depths
  if (reader.flag() && reader.flag()) skip_scaling_lists(reader);
  reader.skip(2);       // amp_enabled_flag, sample_adaptive_offset_enabled_flag
  if (reader.flag()) {  // pcm
    reader.skip(8);
    reader.ue();
    reader.ue();
    reader.flag();
  }
  if (!skip_short_term_sets(reader)) return false;
  if (reader.flag()) {
    const uint32_t count = reader.ue();
    if (count > kMaxLongTermPictures) return false;
    reader.skip(size_t{count} * (poc_bits + 1));
  }
  reader.skip(2);  // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
  return reader.ok();
}

}  // namespace

Result<HevcSps> parse_hevc_sps(Bytes nal) {
  constexpr size_t kHeader = 2;
  if (nal.size() < kHeader || hevc_nal_type(nal) != kHevcSps)
    return Unexpected("not a sequence parameter set");
  const ByteVector rbsp = rbsp_of(nal, kHeader);
  BitReader reader(rbsp);
  HevcSps sps;
  reader.skip(4);  // sps_video_parameter_set_id
  sps.sub_layers = reader.bits(3) + 1;
  if (sps.sub_layers > kMaxSubLayers)
    return Unexpected("more than " + std::to_string(kMaxSubLayers) + " sub-layers");
  sps.temporal_nesting = reader.flag();
  read_profile_tier_level(reader, sps);
  reader.ue();  // sps_seq_parameter_set_id
  sps.chroma_format = reader.ue();
  if (sps.chroma_format > 3) return Unexpected("chroma format " + std::to_string(sps.chroma_format));
  const bool separate_planes = sps.chroma_format == 3 && reader.flag();
  const uint64_t width = reader.ue(), height = reader.ue();
  uint64_t crop_x = 0, crop_y = 0;
  if (reader.flag()) {  // conformance window, in chroma samples (table 6-1)
    const bool subsampled = !separate_planes && sps.chroma_format != 0;
    const uint64_t unit_x = subsampled && sps.chroma_format < 3 ? 2 : 1;
    const uint64_t unit_y = subsampled && sps.chroma_format == 1 ? 2 : 1;
    crop_x = uint64_t{reader.ue()} * unit_x;
    crop_x += uint64_t{reader.ue()} * unit_x;
    crop_y = uint64_t{reader.ue()} * unit_y;
    crop_y += uint64_t{reader.ue()} * unit_y;
  }
  const uint32_t luma = reader.ue(), chroma = reader.ue();
  if (!reader.ok()) return Unexpected("ends too early");
  constexpr uint32_t kMaxDepthMinus8 = 8;
  if (luma > kMaxDepthMinus8 || chroma > kMaxDepthMinus8) return Unexpected("bit depth of more than 16");
  if (width == 0 || height == 0) return Unexpected("no picture size");
  if (width > kMaxDimension || height > kMaxDimension)
    return Unexpected("picture of " + std::to_string(width) + "x" + std::to_string(height) +
                      " is larger than " + std::to_string(kMaxDimension) + " either way");
  if (crop_x >= width || crop_y >= height) return Unexpected("cropping leaves no picture");
  sps.width = static_cast<uint32_t>(width - crop_x);
  sps.height = static_cast<uint32_t>(height - crop_y);
  sps.bit_depth_luma = 8 + luma;
  sps.bit_depth_chroma = 8 + chroma;
  if (!skip_to_vui(reader, sps)) return Unexpected("ends too early, or is not one");
  if (reader.flag()) read_vui(reader, sps);
  return sps;
}

}  // namespace headgate::codec
