// SPDX-License-Identifier: LGPL-2.1-or-later
// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
#include <codec/stream_config.h>
#include <codec/track.h>

#include "sps.h"

namespace headgate::codec {
namespace {

Unexpected wrong(const std::string& what) {
  return Unexpected("avcC: " + what);
}

unsigned nal_type(Bytes nal) {
  return std::to_integer<unsigned>(nal[0]) & 0x1f;
}

// `count` length-prefixed parameter sets of one NAL type; the first is kept.
Result<Bytes> read_sets(ByteReader& reader, unsigned count, unsigned type, const char* name) {
  Bytes first;
  for (unsigned i = 0; i < count; ++i) {
    const Bytes nal = reader.bytes(reader.u16());
    const std::string which = std::string(name) + " " + std::to_string(i);
    if (!reader.ok()) return wrong(which + ": ends too early");
    if (nal.empty()) return wrong(which + ": empty");
    if (nal_type(nal) != type) return wrong(which + ": NAL unit of type " + std::to_string(nal_type(nal)));
    if (i == 0) first = nal;
  }
  return first;
}

Track make_track(const Sps& sps, ByteVector config) {
  Track track;
  track.codec = Codec::h264;
  track.kind = Kind::video;
  track.config = std::move(config);
  track.width = sps.width;
  track.height = sps.height;
  track.frame_rate_milli = sps.frame_rate_milli;
  return track;
}

constexpr unsigned kSpsType = 7, kPpsType = 8;

Result<void> write_sets(ByteWriter& out, std::span<const Bytes> sets, unsigned type, const char* name,
                        size_t most) {
  if (sets.empty() || sets.size() > most) return wrong(std::to_string(sets.size()) + " " + name);
  const unsigned reserved = type == kSpsType ? 0xe0 : 0;
  out.u8(reserved | sets.size());
  for (const Bytes set : sets) {
    if (set.empty() || set.size() > kMaxConfigBytes || nal_type(set) != type)
      return wrong(std::string(name) + ": not one");
    out.u16(set.size());
    out.bytes(set);
  }
  return {};
}

}  // namespace

Result<Track> track_from_h264_sets(std::span<const Bytes> sps, std::span<const Bytes> pps) {
  constexpr size_t kMaxSps = 31, kMaxPps = 255, kSmallestSps = 4;
  if (sps.empty() || sps[0].size() < kSmallestSps) return wrong("no SPS");
  const Result<Sps> parsed = parse_sps(sps[0]);
  if (!parsed) return wrong("SPS 0: " + parsed.error().message);
  ByteVector config;
  ByteWriter out(config);
  out.u8(1);
  out.bytes(sps[0].subspan(1, 3));  // profile, constraints, level
  out.u8(0xff);                     // lengths of 4 bytes
  if (Result<void> written = write_sets(out, sps, kSpsType, "SPS", kMaxSps); !written)
    return Unexpected(written.error());
  if (Result<void> written = write_sets(out, pps, kPpsType, "PPS", kMaxPps); !written)
    return Unexpected(written.error());
  if (parsed->has_chroma_fields) {
    out.u8(0xfc | parsed->chroma_format);
    out.u8(0xf8 | (parsed->bit_depth_luma - 8));
    out.u8(0xf8 | (parsed->bit_depth_chroma - 8));
    out.u8(0);  // SPS extensions
  }
  if (config.size() > kMaxConfigBytes)
    return wrong("parameter sets of more than " + std::to_string(kMaxConfigBytes) + " bytes");
  return make_track(*parsed, std::move(config));
}

Result<Track> track_from_avcc(Bytes avcc) {
  if (avcc.size() > kMaxConfigBytes)
    return wrong(std::to_string(avcc.size()) + " bytes, more than " + std::to_string(kMaxConfigBytes));
  ByteReader reader(avcc);
  const unsigned version = reader.u8();
  reader.skip(3);  // profile, compatibility, level: the SPS has the last word
  const unsigned length_size = (reader.u8() & 3) + 1;
  const unsigned sps_count = reader.u8() & 0x1f;
  if (!reader.ok()) return wrong("ends too early");
  if (version != 1) return wrong("version " + std::to_string(version));
  if (length_size == 3) return wrong("NAL unit lengths of 3 bytes");
  if (sps_count == 0) return wrong("no sequence parameter set");
  Result<Bytes> first_sps = read_sets(reader, sps_count, kSpsType, "SPS");
  if (!first_sps) return Unexpected(first_sps.error());
  const unsigned pps_count = reader.u8();
  if (!reader.ok()) return wrong("ends before its picture parameter sets");
  if (pps_count == 0) return wrong("no picture parameter set");
  if (Result<Bytes> first_pps = read_sets(reader, pps_count, kPpsType, "PPS"); !first_pps)
    return Unexpected(first_pps.error());
  // What may follow (chroma format and bit depths, SPS extensions) is in the SPS too, and some writers leave
  // it out.
  Result<Sps> sps = parse_sps(*first_sps);
  if (!sps) return wrong("SPS 0: " + sps.error().message);

  return make_track(*sps, ByteVector(avcc.begin(), avcc.end()));
}

}  // namespace headgate::codec
