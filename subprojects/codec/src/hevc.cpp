// SPDX-License-Identifier: LGPL-2.1-or-later
// HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1).
#include <codec/stream_config.h>
#include <codec/track.h>

#include "hevc_sps.h"

namespace headgate::codec {
namespace {

constexpr size_t kFixedFields = 22;  // before numOfArrays

Unexpected wrong(const std::string& what) {
  return Unexpected("hvcC: " + what);
}

Track make_track(const HevcSps& sps, ByteVector config) {
  Track track;
  track.codec = Codec::h265;
  track.kind = Kind::video;
  track.config = std::move(config);
  track.width = sps.width;
  track.height = sps.height;
  track.frame_rate_milli = sps.frame_rate_milli;
  track.colour = sps.colour;
  return track;
}

struct FirstSets {
  Bytes vps, sps, pps;

  Bytes* of(unsigned type) {
    return type == kHevcVps ? &vps : type == kHevcSps ? &sps : type == kHevcPps ? &pps : nullptr;
  }
};

// Arrays of other types (SEI) may stand between them.
Result<FirstSets> read_arrays(ByteReader& reader) {
  FirstSets first;
  const unsigned arrays = reader.u8();
  for (unsigned i = 0; i < arrays; ++i) {
    const unsigned type = reader.u8() & 0x3f;
    const unsigned count = reader.u16();
    if (!reader.ok()) return wrong("array " + std::to_string(i) + ": ends too early");
    for (unsigned j = 0; j < count; ++j) {
      const Bytes nal = reader.bytes(reader.u16());
      const std::string which = "array " + std::to_string(i) + ", NAL unit " + std::to_string(j);
      if (!reader.ok()) return wrong(which + ": ends too early");
      if (nal.size() < 2) return wrong(which + ": empty");
      if (hevc_nal_type(nal) != type) return wrong(which + ": of type " + std::to_string(hevc_nal_type(nal)));
      if (Bytes* const set = first.of(type); set && set->empty()) *set = nal;
    }
  }
  if (!reader.ok()) return wrong("ends too early");
  if (first.sps.empty()) return wrong("no sequence parameter set");
  if (first.vps.empty() || first.pps.empty()) return wrong("no video or no picture parameter set");
  return first;
}

void write_array(ByteWriter& out, unsigned type, std::span<const Bytes> sets) {
  constexpr uint8_t kComplete = 0x80;  // hvc1: none of them in the samples
  out.u8(kComplete | type);
  out.u16(sets.size());
  for (const Bytes set : sets) {
    out.u16(set.size());
    out.bytes(set);
  }
}

Result<void> check_sets(std::span<const Bytes> sets, unsigned type, const char* name) {
  if (sets.empty()) return wrong(std::string("no ") + name);
  for (const Bytes set : sets)
    if (set.size() < 2 || set.size() > kMaxConfigBytes || hevc_nal_type(set) != type)
      return wrong(std::string(name) + ": not one");
  return {};
}

}  // namespace

Result<Track> track_from_hvcc(Bytes hvcc) {
  if (hvcc.size() > kMaxConfigBytes)
    return wrong(std::to_string(hvcc.size()) + " bytes, more than " + std::to_string(kMaxConfigBytes));
  ByteReader reader(hvcc);
  const unsigned version = reader.u8();
  reader.skip(kFixedFields - 2);  // profile, level, chroma, depths: the SPS has the last word
  const unsigned length_size = (reader.u8() & 3) + 1;
  if (!reader.ok()) return wrong("ends too early");
  // Some senders write 0 here, as drafts of the standard did; the layout is the same.
  if (version > 1) return wrong("version " + std::to_string(version));
  if (length_size == 3) return wrong("NAL unit lengths of 3 bytes");
  const Result<FirstSets> first = read_arrays(reader);
  if (!first) return Unexpected(first.error());
  const Result<HevcSps> sps = parse_hevc_sps(first->sps);
  if (!sps) return wrong("SPS 0: " + sps.error().message);
  ByteVector config(hvcc.begin(), hvcc.end());
  config[0] = std::byte{1};
  return make_track(*sps, std::move(config));
}

Result<Track> track_from_h265_sets(std::span<const Bytes> vps, std::span<const Bytes> sps,
                                   std::span<const Bytes> pps) {
  if (Result<void> good = check_sets(vps, kHevcVps, "VPS"); !good) return Unexpected(good.error());
  if (Result<void> good = check_sets(sps, kHevcSps, "SPS"); !good) return Unexpected(good.error());
  if (Result<void> good = check_sets(pps, kHevcPps, "PPS"); !good) return Unexpected(good.error());
  const Result<HevcSps> parsed = parse_hevc_sps(sps[0]);
  if (!parsed) return wrong("SPS 0: " + parsed.error().message);
  ByteVector config;
  ByteWriter out(config);
  out.u8(1);
  out.u8(parsed->profile);
  out.u32(parsed->compatibility);
  for (const uint8_t byte : parsed->constraints) out.u8(byte);
  out.u8(parsed->level);
  out.u16(0xf000);  // min_spatial_segmentation_idc: not stated
  out.u8(0xfc);     // parallelismType: not known
  out.u8(0xfc | parsed->chroma_format);
  out.u8(0xf8 | (parsed->bit_depth_luma - 8));
  out.u8(0xf8 | (parsed->bit_depth_chroma - 8));
  out.u16(0);  // average frame rate: not stated
  constexpr unsigned kLengthSizeMinusOne = 3;
  out.u8(parsed->sub_layers << 3 | (parsed->temporal_nesting ? 4u : 0u) | kLengthSizeMinusOne);
  out.u8(3);
  write_array(out, kHevcVps, vps);
  write_array(out, kHevcSps, sps);
  write_array(out, kHevcPps, pps);
  if (config.size() > kMaxConfigBytes)
    return wrong("parameter sets of more than " + std::to_string(kMaxConfigBytes) + " bytes");
  return make_track(*parsed, std::move(config));
}

}  // namespace headgate::codec
