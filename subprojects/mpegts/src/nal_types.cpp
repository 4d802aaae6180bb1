// SPDX-License-Identifier: LGPL-2.1-or-later
#include "nal_types.h"

#include <codec/nal.h>

namespace headgate::mpegts {
namespace {

using codec::Codec;

constexpr unsigned kH264Sei = 6, kH264Sps = 7, kH264Delimiter = 9, kH264Filler = 12, kH264SpsExtension = 13,
                   kH264Prefix = 14, kH264LastStart = 18;
constexpr unsigned kH265Vps = 32, kH265Delimiter = 35, kH265Filler = 38, kH265PrefixSei = 39;

unsigned nal_type(Codec codec, Bytes nal) {
  const auto header = std::to_integer<unsigned>(nal[0]);
  return codec == Codec::h265 ? header >> 1 & 0x3f : header & 0x1f;
}

}  // namespace

bool is_delimiter(Codec codec, Bytes nal) {
  return !nal.empty() && nal_type(codec, nal) == (codec == Codec::h265 ? kH265Delimiter : kH264Delimiter);
}

bool starts_unit(Codec codec, Bytes nal) {
  if (nal.empty()) return false;
  const unsigned type = nal_type(codec, nal);
  const bool h265 = codec == Codec::h265;
  if (codec::is_vcl(codec, nal)) {
    // first_slice_segment_in_pic_flag; first_mb_in_slice is 0 when its first bit is set.
    const size_t at = h265 ? 2 : 1;
    return nal.size() > at && (nal[at] & std::byte{0x80}) != std::byte{0};
  }
  if (h265)
    return (type >= kH265Vps && type <= kH265Delimiter) || type == kH265PrefixSei ||
           (type >= 41 && type <= 44) || (type >= 48 && type <= 55);
  return (type >= kH264Sei && type <= kH264Delimiter) || (type >= kH264Prefix && type <= kH264LastStart);
}

bool is_left_out(Codec codec, Bytes nal) {
  const unsigned type = nal_type(codec, nal);
  if (codec == Codec::h265) return (type >= kH265Vps && type <= kH265Delimiter) || type == kH265Filler;
  return (type >= kH264Sps && type <= kH264Delimiter) || type == kH264Filler || type == kH264SpsExtension;
}

}  // namespace headgate::mpegts
