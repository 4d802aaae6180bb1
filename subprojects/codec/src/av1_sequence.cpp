// SPDX-License-Identifier: LGPL-2.1-or-later
#include "av1_sequence.h"

#include "bits.h"
#include "sps.h"

namespace headgate::codec {
namespace {

// leb128() (4.10.5). Nothing: more than 32 bits of it, or no end.
std::optional<uint32_t> read_leb128(ByteReader& reader) {
  constexpr int kMaxBytes = 8;
  uint64_t value = 0;
  for (int i = 0; i < kMaxBytes; ++i) {
    const uint64_t byte = reader.u8();
    if (!reader.ok()) return std::nullopt;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value <= UINT32_MAX ? std::optional(static_cast<uint32_t>(value)) : std::nullopt;
  }
  return std::nullopt;
}

// uvlc() (4.10.3)
uint32_t read_uvlc(BitReader& reader) {
  unsigned zeros = 0;
  while (reader.ok() && !reader.flag()) ++zeros;
  if (zeros >= 32) return UINT32_MAX;
  return reader.bits(zeros) + ((uint32_t{1} << zeros) - 1);
}

// timing_info() (5.5.3)
uint32_t read_frame_rate(BitReader& reader) {
  const uint64_t units = reader.bits(32), scale = reader.bits(32);
  if (!reader.flag()) return 0;
  const uint64_t ticks = uint64_t{read_uvlc(reader)} + 1;
  if (!reader.ok() || units == 0 || units > UINT64_MAX / ticks) return 0;
  constexpr uint64_t kMaxFrameRateMilli = 1'000'000;
  const uint64_t milli = scale * 1000 / (units * ticks);
  return milli <= kMaxFrameRateMilli ? static_cast<uint32_t>(milli) : 0;
}

void read_operating_points(BitReader& reader, Av1Sequence& sequence) {
  bool decoder_model = false;
  unsigned delay_bits = 0;
  if (reader.flag()) {
    sequence.frame_rate_milli = read_frame_rate(reader);
    decoder_model = reader.flag();
    if (decoder_model) {
      delay_bits = reader.bits(5) + 1;
      reader.skip(32 + 5 + 5);
    }
  }
  const bool display_delay = reader.flag();
  const unsigned points = reader.bits(5) + 1;
  for (unsigned i = 0; i < points && reader.ok(); ++i) {
    reader.skip(12);  // operating_point_idc
    const unsigned level = reader.bits(5);
    const unsigned tier = level > 7 ? reader.bits(1) : 0;
    if (i == 0) sequence.level = level;
    if (i == 0) sequence.tier = tier;
    if (decoder_model && reader.flag()) reader.skip(size_t{2} * delay_bits + 1);
    if (display_delay && reader.flag()) reader.skip(4);
  }
}

void skip_tools(BitReader& reader) {
  reader.skip(4);  // interintra, masked compound, warped motion, dual filter
  const bool order_hint = reader.flag();
  if (order_hint) reader.skip(2);
  const bool screen_content = reader.flag() || reader.flag();  // chosen per frame, or forced
  if (screen_content && !reader.flag()) reader.flag();         // seq_force_integer_mv
  if (order_hint) reader.skip(3);
}

// color_config() (5.5.2)
void read_colour(BitReader& reader, Av1Sequence& sequence) {
  constexpr uint8_t kBt709 = 1, kSrgb = 13, kIdentity = 0;
  const bool high = reader.flag();
  const bool twelve = sequence.profile == 2 && high && reader.flag();
  sequence.bit_depth = twelve ? 12 : high ? 10 : 8;
  sequence.monochrome = sequence.profile != 1 && reader.flag();
  Colour& colour = sequence.colour;
  if (reader.flag()) {
    colour.primaries = static_cast<uint8_t>(reader.bits(8));
    colour.transfer = static_cast<uint8_t>(reader.bits(8));
    colour.matrix = static_cast<uint8_t>(reader.bits(8));
  }
  if (sequence.monochrome) {
    colour.full_range = reader.flag();
    return;
  }
  if (colour.primaries == kBt709 && colour.transfer == kSrgb && colour.matrix == kIdentity) {
    colour.full_range = true;
    sequence.subsampling_x = sequence.subsampling_y = false;
    return;
  }
  colour.full_range = reader.flag();
  if (sequence.profile == 1) {
    sequence.subsampling_x = sequence.subsampling_y = false;
  } else if (sequence.profile == 2) {
    sequence.subsampling_x = !twelve || reader.flag();
    sequence.subsampling_y = twelve && sequence.subsampling_x && reader.flag();
  }
  if (sequence.subsampling_x && sequence.subsampling_y) sequence.chroma_position = reader.bits(2);
}

}  // namespace

std::optional<Obu> ObuReader::next() {
  if (!ok_ || rest_.empty()) return std::nullopt;
  ByteReader reader(rest_);
  const unsigned header = reader.u8();
  if ((header & 4) != 0) reader.skip(1);
  std::optional<uint32_t> size = static_cast<uint32_t>(reader.remaining());
  if ((header & 2) != 0) size = read_leb128(reader);
  const Bytes payload = size ? reader.bytes(*size) : Bytes();
  if (!size || !reader.ok() || (header & 0x80) != 0) {
    ok_ = false;
    return std::nullopt;
  }
  const Obu obu{header >> 3 & 0xf, rest_.first(reader.position()), payload};
  rest_ = rest_.subspan(reader.position());
  return obu;
}

Result<Av1Sequence> parse_av1_sequence(Bytes payload) {
  BitReader reader(payload);
  Av1Sequence sequence;
  sequence.profile = reader.bits(3);
  if (sequence.profile > 2) return Unexpected("profile " + std::to_string(sequence.profile));
  reader.flag();  // still_picture
  const bool reduced = reader.flag();
  if (reduced)
    sequence.level = reader.bits(5);
  else
    read_operating_points(reader, sequence);
  const unsigned width_bits = reader.bits(4) + 1, height_bits = reader.bits(4) + 1;
  sequence.width = reader.bits(width_bits) + 1;
  sequence.height = reader.bits(height_bits) + 1;
  if (!reduced && reader.flag()) reader.skip(4 + 3);  // frame_id_numbers_present_flag
  reader.skip(3);                                     // superblocks, filter intra, intra edge filter
  if (!reduced) skip_tools(reader);
  reader.skip(3);  // superres, cdef, restoration
  read_colour(reader, sequence);
  if (!reader.ok()) return Unexpected("ends too early");
  if (sequence.width > kMaxDimension || sequence.height > kMaxDimension)
    return Unexpected("picture of " + std::to_string(sequence.width) + "x" + std::to_string(sequence.height) +
                      " is larger than " + std::to_string(kMaxDimension) + " either way");
  return sequence;
}

}  // namespace headgate::codec
