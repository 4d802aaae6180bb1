// SPDX-License-Identifier: LGPL-2.1-or-later
#include "esds.h"

#include <optional>

#include "box.h"

namespace headgate::fmp4 {
namespace {

// Descriptor tags (ISO/IEC 14496-1, 7.2.2.1).
constexpr uint8_t kEsDescriptor = 3, kDecoderConfig = 4, kDecoderSpecific = 5, kSlConfig = 6;
constexpr uint8_t kObjectTypeAac = 0x40;

size_t length_bytes(size_t length) {
  return length < 0x80 ? 1 : 2;
}

void write_descriptor(ByteWriter& out, uint8_t tag, size_t length) {
  out.u8(tag);
  if (length_bytes(length) == 2) out.u8(0x80 | length >> 7);
  out.u8(length & 0x7f);
}

// A descriptor's body when it has `tag`, and moves `reader` behind it.
std::optional<Bytes> read_descriptor(ByteReader& reader, uint8_t tag) {
  if (reader.u8() != tag) return std::nullopt;
  size_t length = 0;
  for (int i = 0; i < 4; ++i) {
    const uint8_t byte = reader.u8();
    length = length << 7 | (byte & 0x7f);
    if (byte < 0x80) {
      const Bytes body = reader.bytes(length);
      return reader.ok() ? std::optional(body) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

void write_esds(ByteWriter& out, Bytes asc) {
  constexpr size_t kConfigFields = 13, kEsFields = 3, kSlFields = 1;
  const size_t config = kConfigFields + 1 + length_bytes(asc.size()) + asc.size();
  const size_t es = kEsFields + 1 + length_bytes(config) + config + 2 + kSlFields;
  Box box(out, four_cc("esds"), 0, 0);
  write_descriptor(out, kEsDescriptor, es);
  out.u16(0);  // ES_ID: 0 in a file
  out.u8(0);   // no dependency, no URL, no OCR
  write_descriptor(out, kDecoderConfig, config);
  out.u8(kObjectTypeAac);
  out.u8(0x15);  // audio stream, reserved bit
  out.u24(0);    // decoder buffer, largest and average bit rate: not stated
  out.u32(0);
  out.u32(0);
  write_descriptor(out, kDecoderSpecific, asc.size());
  out.bytes(asc);
  write_descriptor(out, kSlConfig, kSlFields);
  out.u8(2);  // as MP4 has it
}

Result<codec::Track> read_esds(Bytes esds) {
  ByteReader reader(esds);
  reader.skip(4);
  const std::optional<Bytes> es = read_descriptor(reader, kEsDescriptor);
  if (!es || es->size() < 3) return Unexpected("esds: no ES descriptor");
  ByteReader inside(es->subspan(3));
  const std::optional<Bytes> config = read_descriptor(inside, kDecoderConfig);
  if (!config || config->size() < 13) return Unexpected("esds: no decoder configuration");
  if (std::to_integer<uint8_t>(config->front()) != kObjectTypeAac) return Unexpected("esds: not AAC");
  ByteReader specific(config->subspan(13));
  const std::optional<Bytes> asc = read_descriptor(specific, kDecoderSpecific);
  if (!asc) return Unexpected("esds: no AudioSpecificConfig");
  return codec::track_from_asc(*asc);
}

}  // namespace headgate::fmp4
