// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sample_entry.h"

#include "box.h"
#include "box_reader.h"

namespace headgate::fmp4 {
namespace {

constexpr uint32_t kAvc1 = four_cc("avc1"), kAvcC = four_cc("avcC");
constexpr uint32_t kMp4a = four_cc("mp4a"), kEsds = four_cc("esds");
constexpr size_t kVisualFields = 78, kAudioFields = 28;  // between the box header and the boxes inside
// Descriptor tags (ISO/IEC 14496-1, 7.2.2.1).
constexpr uint8_t kEsDescriptor = 3, kDecoderConfig = 4, kDecoderSpecific = 5, kSlConfig = 6;
constexpr uint8_t kObjectTypeAac = 0x40;

void write_common(ByteWriter& out) {
  out.zeros(6);
  out.u16(1);  // data_reference_index
}

void write_avc1(ByteWriter& out, const codec::Track& track) {
  Box entry(out, kAvc1);
  write_common(out);
  out.zeros(16);
  out.u16(track.width);
  out.u16(track.height);
  out.u32(0x00480000);  // 72 dpi, both ways
  out.u32(0x00480000);
  out.u32(0);
  out.u16(1);       // frames per sample
  out.zeros(32);    // compressor name
  out.u16(0x18);    // depth
  out.u16(0xffff);  // pre-defined
  Box config(out, kAvcC);
  out.bytes(track.config);
}

size_t length_bytes(size_t length) {
  return length < 0x80 ? 1 : 2;
}

void write_descriptor(ByteWriter& out, uint8_t tag, size_t length) {
  out.u8(tag);
  if (length_bytes(length) == 2) out.u8(0x80 | length >> 7);
  out.u8(length & 0x7f);
}

void write_esds(ByteWriter& out, Bytes asc) {
  constexpr size_t kConfigFields = 13, kEsFields = 3, kSlFields = 1;
  const size_t config = kConfigFields + 1 + length_bytes(asc.size()) + asc.size();
  const size_t es = kEsFields + 1 + length_bytes(config) + config + 2 + kSlFields;
  Box box(out, kEsds, 0, 0);
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

void write_mp4a(ByteWriter& out, const codec::Track& track) {
  constexpr uint32_t kMaxRate = 0xffff;  // 16.16 holds no more; the esds says it anyway
  Box entry(out, kMp4a);
  write_common(out);
  out.zeros(8);
  out.u16(track.channels);
  out.u16(16);  // bits of a sample
  out.u32(0);
  out.u32(track.timescale <= kMaxRate ? track.timescale << 16 : 0);
  write_esds(out, track.config);
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

}  // namespace

Result<void> write_sample_entry(ByteWriter& out, const codec::Track& track) {
  switch (track.codec) {
    case codec::Codec::h264:
      write_avc1(out, track);
      return {};
    case codec::Codec::aac:
      write_mp4a(out, track);
      return {};
    case codec::Codec::h265:
    case codec::Codec::av1:
    case codec::Codec::vp9:
    case codec::Codec::opus:
    case codec::Codec::ac3:
    case codec::Codec::eac3:
    case codec::Codec::flac:
      break;
  }
  return Unexpected("only H.264 and AAC can be written to fragmented MP4 so far");
}

Result<codec::Track> read_sample_entry(Bytes entry) {
  ByteReader reader(entry);
  reader.skip(4);
  const uint32_t type = reader.u32();
  if (!reader.ok() || (type != kAvc1 && type != kMp4a)) return Unexpected("stsd: neither avc1 nor mp4a");
  const bool video = type == kAvc1;
  reader.skip(video ? kVisualFields : kAudioFields);
  const std::optional<Bytes> config = find_box(reader.rest(), video ? kAvcC : kEsds);
  if (!config) return Unexpected(video ? "avc1: no avcC" : "mp4a: no esds");
  return video ? codec::track_from_avcc(*config) : read_esds(*config);
}

}  // namespace headgate::fmp4
