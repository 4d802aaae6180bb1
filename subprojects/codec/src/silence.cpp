// SPDX-License-Identifier: LGPL-2.1-or-later
#include <codec/silence.h>

#include <array>
#include <span>

#include "asc.h"

namespace headgate::codec {
namespace {

class BitWriter {
 public:
  void bits(unsigned value, unsigned count) {
    while (count-- > 0) {
      if (used_++ % 8 == 0) out_.push_back(std::byte{0});
      out_.back() |= static_cast<std::byte>((value >> count & 1) << (7 - (used_ - 1) % 8));
    }
  }
  ByteVector take() { return std::move(out_); }

 private:
  ByteVector out_;
  size_t used_ = 0;
};

// id_syn_ele (ISO/IEC 14496-3, table 4.85)
enum Element : uint8_t { kSingle = 0, kPair = 1, kLfe = 3, kEnd = 7 };

// ics_info(): one long window, in which no scale factor band has anything.
void put_ics_info(BitWriter& out) {
  out.bits(0, 1);  // ics_reserved_bit
  out.bits(0, 2);  // ONLY_LONG_SEQUENCE
  out.bits(0, 1);  // window_shape
  out.bits(0, 6);  // max_sfb
  out.bits(0, 1);  // predictor_data_present
}

// individual_channel_stream() without sections, scale factors and spectrum.
void put_channel(BitWriter& out, bool common_window) {
  out.bits(0, 8);  // global_gain
  if (!common_window) put_ics_info(out);
  out.bits(0, 3);  // no pulse, TNS and gain control data
}

void put_element(BitWriter& out, Element element, unsigned tag) {
  out.bits(element, 3);
  out.bits(tag, 4);
  if (element != kPair) return put_channel(out, false);
  out.bits(1, 1);  // common_window
  put_ics_info(out);
  out.bits(0, 2);  // ms_mask_present
  put_channel(out, true);
  put_channel(out, true);
}

std::span<const Element> elements_of(unsigned configuration) {
  static constexpr std::array<Element, 5> kSeven{kSingle, kPair, kPair, kPair, kLfe};
  static constexpr std::array<Element, 4> kFiveOne{kSingle, kPair, kPair, kLfe};
  static constexpr std::array<Element, 3> kFour{kSingle, kPair, kSingle};
  static constexpr std::array<Element, 1> kStereo{kPair};
  switch (configuration) {
    case 1:
      return std::span(kFour).first(1);
    case 2:
      return kStereo;
    case 3:
      return std::span(kFour).first(2);
    case 4:
      return kFour;
    case 5:
      return std::span(kFiveOne).first(3);
    case 6:
      return kFiveOne;
    case 7:
      return kSeven;
    default:
      return {};
  }
}

std::optional<SilentFrame> silent_aac(const Track& track) {
  const auto asc = parse_asc(track.config);
  if (!asc || asc->core_object_type != kAacLc) return std::nullopt;
  const auto elements = elements_of(asc->channel_configuration);
  if (elements.empty()) return std::nullopt;
  BitWriter out;
  std::array<unsigned, 8> tags{};  // elements of one kind are numbered
  for (const Element element : elements) put_element(out, element, tags[element]++);
  out.bits(kEnd, 3);
  return SilentFrame{out.take(), asc->frame_samples};
}

// The CELT layer, full band, one frame of 20 ms (RFC 6716, 3.1), whose first symbol says that it is silent
// (4.3): the range decoder reads it from these bytes.
std::optional<SilentFrame> silent_opus(const Track& track) {
  constexpr size_t kFamilyAt = 10;  // ChannelMappingFamily, in the OpusSpecificBox
  constexpr unsigned kCeltFull20 = 31, kStereo = 4;
  if (track.config.size() <= kFamilyAt || track.config[kFamilyAt] != std::byte{0}) return std::nullopt;
  const unsigned toc = kCeltFull20 << 3 | (track.channels == 2 ? kStereo : 0);
  return SilentFrame{{static_cast<std::byte>(toc), std::byte{0xff}, std::byte{0xfe}}, track.timescale / 50};
}

}  // namespace

std::optional<SilentFrame> silent_frame(const Track& track) {
  if (track.codec == Codec::aac) return silent_aac(track);
  if (track.codec == Codec::opus) return silent_opus(track);
  return std::nullopt;
}

}  // namespace headgate::codec
