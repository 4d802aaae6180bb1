// SPDX-License-Identifier: LGPL-2.1-or-later
#include "nal_types.h"

#include <codec/nal.h>

namespace headgate::mpegts {
namespace {

using codec::Codec;

constexpr unsigned kH264Sei = 6, kH264Sps = 7, kH264Pps = 8, kH264Delimiter = 9, kH264Filler = 12,
                   kH264SpsExtension = 13, kH264Prefix = 14, kH264LastStart = 18;
constexpr unsigned kH265Vps = 32, kH265Sps = 33, kH265Pps = 34, kH265Delimiter = 35, kH265Filler = 38,
                   kH265PrefixSei = 39;

unsigned nal_type(Codec codec, Bytes nal) {
  const auto header = std::to_integer<unsigned>(nal[0]);
  return codec == Codec::h265 ? header >> 1 & 0x3f : header & 0x1f;
}

// Reads an SEI NAL unit's payload bytes without emulation prevention.
class SeiReader {
 public:
  explicit SeiReader(Bytes nal) : rest_(nal) {}
  std::optional<unsigned> next() {
    if (rest_.empty()) return std::nullopt;
    unsigned value = take();
    if (zeros_ >= 2 && value == 3) {
      zeros_ = 0;
      if (rest_.empty()) return std::nullopt;
      value = take();
    }
    zeros_ = value == 0 ? zeros_ + 1 : 0;
    return value;
  }
  // payloadType and payloadSize: bytes of 255 add up with the one behind them (7.3.2.3.1).
  std::optional<size_t> number() {
    size_t sum = 0;
    while (const auto byte = next()) {
      sum += *byte;
      if (*byte != 255) return sum;
    }
    return std::nullopt;
  }

 private:
  unsigned take() {
    const auto value = std::to_integer<unsigned>(rest_[0]);
    rest_ = rest_.subspan(1);
    return value;
  }
  Bytes rest_;
  unsigned zeros_ = 0;
};

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

std::optional<SetKind> parameter_set(Codec codec, Bytes nal) {
  const unsigned type = nal_type(codec, nal);
  if (codec == Codec::h265) {
    if (type == kH265Vps) return SetKind::vps;
    if (type == kH265Sps) return SetKind::sps;
    if (type == kH265Pps) return SetKind::pps;
    return std::nullopt;
  }
  if (type == kH264Sps) return SetKind::sps;
  if (type == kH264Pps) return SetKind::pps;
  return std::nullopt;
}

bool is_recovery_point(Codec codec, Bytes nal) {
  constexpr size_t kRecoveryPoint = 6;
  if (codec != Codec::h264 || nal_type(codec, nal) != kH264Sei) return false;
  SeiReader reader(nal.subspan(1));
  while (const auto type = reader.number()) {
    const auto size = reader.number();
    if (!size) return false;
    for (size_t i = 0; i < *size; ++i) {
      const auto byte = reader.next();
      if (!byte) return false;
      // recovery_frame_cnt, an Exp-Golomb code: 0 is a set bit.
      if (i == 0 && *type == kRecoveryPoint && *byte & 0x80) return true;
    }
  }
  return false;
}

}  // namespace headgate::mpegts
