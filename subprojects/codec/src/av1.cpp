// SPDX-License-Identifier: LGPL-2.1-or-later
// AV1CodecConfigurationRecord (AV1 Codec ISO Media File Format Binding, 2.3.3).
#include <codec/access_unit.h>
#include <codec/stream_config.h>
#include <codec/track.h>

#include "av1_sequence.h"

namespace headgate::codec {
namespace {

constexpr uint8_t kMarkerAndVersion = 0x81;
constexpr size_t kFixedFields = 4;

Unexpected wrong(const std::string& what) {
  return Unexpected("av1C: " + what);
}

// The first sequence header among `obus`.
Result<Obu> find_sequence(Bytes obus) {
  ObuReader reader(obus);
  while (const std::optional<Obu> obu = reader.next())
    if (obu->type == kObuSequenceHeader) return *obu;
  return wrong(reader.ok() ? "no sequence header" : "what should be OBUs is not");
}

Result<Track> make_track(const Obu& header, ByteVector config) {
  const Result<Av1Sequence> sequence = parse_av1_sequence(header.payload);
  if (!sequence) return wrong("sequence header: " + sequence.error().message);
  Track track;
  track.codec = Codec::av1;
  track.kind = Kind::video;
  track.config = std::move(config);
  track.width = sequence->width;
  track.height = sequence->height;
  track.frame_rate_milli = sequence->frame_rate_milli;
  track.colour = sequence->colour;
  return track;
}

}  // namespace

Result<Track> track_from_av1c(Bytes av1c) {
  if (av1c.size() > kMaxConfigBytes)
    return wrong(std::to_string(av1c.size()) + " bytes, more than " + std::to_string(kMaxConfigBytes));
  if (av1c.size() < kFixedFields) return wrong("ends too early");
  if (std::to_integer<uint8_t>(av1c[0]) != kMarkerAndVersion) return wrong("not of version 1");
  const Result<Obu> header = find_sequence(av1c.subspan(kFixedFields));
  if (!header) return Unexpected(header.error());
  return make_track(*header, ByteVector(av1c.begin(), av1c.end()));
}

Result<Track> track_from_av1_obus(Bytes obus) {
  const Result<Obu> header = find_sequence(obus);
  if (!header) return Unexpected(header.error());
  if (header->whole.size() + kFixedFields > kMaxConfigBytes)
    return wrong("sequence header of " + std::to_string(header->whole.size()) + " bytes");
  const Result<Av1Sequence> sequence = parse_av1_sequence(header->payload);
  if (!sequence) return wrong("sequence header: " + sequence.error().message);
  ByteVector config;
  ByteWriter out(config);
  out.u8(kMarkerAndVersion);
  out.u8(sequence->profile << 5 | sequence->level);
  out.u8(sequence->tier << 7 | (sequence->bit_depth > 8 ? 0x40u : 0) |
         (sequence->bit_depth > 10 ? 0x20u : 0) | (sequence->monochrome ? 0x10u : 0) |
         (sequence->subsampling_x ? 8u : 0) | (sequence->subsampling_y ? 4u : 0) | sequence->chroma_position);
  out.u8(0);  // initial_presentation_delay: not stated
  // obu_has_size_field is required here (2.3.3).
  const auto first = std::to_integer<uint8_t>(header->whole[0]);
  if ((first & 2) != 0) {
    out.bytes(header->whole);
  } else {
    out.u8((first & ~4u) | 2);
    const size_t size = header->payload.size();
    if (size >= 0x80) out.u8(0x80 | (size & 0x7f));
    out.u8(size >= 0x80 ? size >> 7 : size);
    out.bytes(header->payload);
  }
  return make_track(*header, std::move(config));
}

Bytes without_temporal_delimiter(Bytes temporal_unit) {
  ObuReader reader(temporal_unit);
  const std::optional<Obu> first = reader.next();
  if (!first || first->type != kObuTemporalDelimiter) return temporal_unit;
  return temporal_unit.subspan(first->whole.size());
}

}  // namespace headgate::codec
