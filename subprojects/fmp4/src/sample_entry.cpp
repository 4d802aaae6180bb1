// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sample_entry.h"

#include <algorithm>
#include <iterator>

#include "box.h"
#include "box_reader.h"
#include "esds.h"

namespace headgate::fmp4 {
namespace {

using codec::Codec;
using codec::Track;

constexpr size_t kVisualFields = 78, kAudioFields = 28;  // between the box header and the boxes inside
constexpr size_t kWidthAt = 24;                          // in the visual ones
constexpr size_t kFullBoxFields = 4;
constexpr uint32_t kNoBox = 0;
constexpr uint32_t kColr = four_cc("colr"), kNclx = four_cc("nclx");

// How a codec's entry and the configuration box in it are called. The box holds Track::config, behind version
// and flags where it is a FullBox; mp4a's holds descriptors. mjpg has no such box.
struct Form {
  Codec codec;
  uint32_t entry, box;
  int version;  // -1: not a FullBox
  Result<Track> (*read)(Bytes config);
};

Result<Track> read_vpcc(Bytes config) {
  return codec::track_from_vpcc(config, 0, 0);
}

constexpr Form kForms[] = {
    {Codec::h264, four_cc("avc1"), four_cc("avcC"), -1, codec::track_from_avcc},
    {Codec::h265, four_cc("hvc1"), four_cc("hvcC"), -1, codec::track_from_hvcc},
    {Codec::av1, four_cc("av01"), four_cc("av1C"), -1, codec::track_from_av1c},
    {Codec::vp9, four_cc("vp09"), four_cc("vpcC"), 1, read_vpcc},
    {Codec::mjpeg, four_cc("mjpg"), kNoBox, -1, nullptr},
    {Codec::aac, four_cc("mp4a"), four_cc("esds"), -1, read_esds},
    {Codec::opus, four_cc("Opus"), four_cc("dOps"), -1, codec::track_from_dops},
    {Codec::ac3, four_cc("ac-3"), four_cc("dac3"), -1, codec::track_from_dac3},
    {Codec::eac3, four_cc("ec-3"), four_cc("dec3"), -1, codec::track_from_dec3},
    {Codec::flac, four_cc("fLaC"), four_cc("dfLa"), 0, codec::track_from_flac},
};

void write_common(ByteWriter& out) {
  out.zeros(6);
  out.u16(1);  // data_reference_index
}

void write_visual_fields(ByteWriter& out, const Track& track) {
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
}

// AC-3's entries have 2 here whatever is coded (ETSI TS 102 366, F.3).
uint32_t entry_channels(const Track& track) {
  return track.codec == Codec::ac3 || track.codec == Codec::eac3 ? 2 : track.channels;
}

// 16.16 holds no more than 65535: then 0, because the configuration says it anyway; FLAC wants the rate
// halved until it fits.
uint32_t entry_rate(const Track& track) {
  constexpr uint32_t kMaxRate = 0xffff;
  uint32_t rate = track.timescale;
  if (track.codec == Codec::flac)
    while (rate > kMaxRate) rate /= 2;
  return rate <= kMaxRate ? rate << 16 : 0;
}

// FLAC: from the STREAMINFO. The others are always 16 here.
uint32_t entry_bits(const Track& track) {
  constexpr size_t kBitsAt = 4 + 12;  // bits per sample less one: 1 bit in this byte, 4 in the next
  if (track.codec != Codec::flac || track.config.size() <= kBitsAt + 1) return 16;
  const auto first = std::to_integer<uint32_t>(track.config[kBitsAt]);
  const auto second = std::to_integer<uint32_t>(track.config[kBitsAt + 1]);
  return ((first & 1) << 4 | second >> 4) + 1;
}

void write_audio_fields(ByteWriter& out, const Track& track) {
  write_common(out);
  out.zeros(8);
  out.u16(entry_channels(track));
  out.u16(entry_bits(track));
  out.u32(0);
  out.u32(entry_rate(track));
}

void write_configuration(ByteWriter& out, const Form& form, const Track& track) {
  if (form.box == kNoBox) return;
  if (form.codec == Codec::aac) return write_esds(out, track.config);
  Box box(out, form.box);
  if (form.version >= 0) out.u32(static_cast<uint32_t>(form.version) << 24);
  out.bytes(track.config);
}

// ISO/IEC 14496-12, 12.1.5. H.264's colour stands in its SPS alone.
void write_colour(ByteWriter& out, const codec::Colour& colour) {
  if (!colour.known()) return;
  constexpr uint8_t kFullRange = 0x80;
  Box box(out, kColr);
  out.u32(kNclx);
  out.u16(colour.primaries);
  out.u16(colour.transfer);
  out.u16(colour.matrix);
  out.u8(colour.full_range ? kFullRange : 0);
}

}  // namespace

Result<void> write_sample_entry(ByteWriter& out, const Track& track) {
  const auto* const form = std::find_if(std::begin(kForms), std::end(kForms),
                                        [&](const Form& other) { return other.codec == track.codec; });
  if (form == std::end(kForms) || track.config.empty() != (form->box == kNoBox))
    return Unexpected("a track without a decoder configuration");
  Box entry(out, form->entry);
  if (track.kind == codec::Kind::audio) {
    write_audio_fields(out, track);
    write_configuration(out, *form, track);
    return {};
  }
  if (track.width == 0 || track.height == 0) return Unexpected("a video track of unknown size");
  write_visual_fields(out, track);
  write_configuration(out, *form, track);
  write_colour(out, track.colour);
  return {};
}

Result<Track> read_sample_entry(Bytes entry) {
  ByteReader reader(entry);
  reader.skip(4);
  const uint32_t type = reader.u32();
  const auto* const form = std::find_if(std::begin(kForms), std::end(kForms),
                                        [&](const Form& other) { return other.entry == type; });
  if (!reader.ok() || form == std::end(kForms)) return Unexpected("stsd: an entry of no codec that is known");
  const std::string name(as_text(entry.subspan(4, 4)));
  const bool video = form->codec < Codec::aac;
  const Bytes fields = reader.bytes(video ? kVisualFields : kAudioFields);
  if (!reader.ok()) return Unexpected(name + ": no configuration box");
  ByteReader size(fields.subspan(video ? kWidthAt : 0));  // of video
  const uint32_t width = size.u16(), height = size.u16();
  if (form->box == kNoBox) return codec::mjpeg_track(width, height);
  std::optional<Bytes> config = find_box(reader.rest(), form->box);
  if (!config) return Unexpected(name + ": no configuration box");
  if (form->version >= 0) {
    ByteReader full(*config);
    if (full.u32() != static_cast<uint32_t>(form->version) << 24)
      return Unexpected(name + ": configuration box of another version");
    config = config->subspan(kFullBoxFields);
  }
  Result<Track> track = form->read(*config);
  if (track && form->codec == Codec::vp9) {
    if (width == 0 || height == 0) return Unexpected("vp09: no picture size");
    return codec::track_from_vpcc(track->config, width, height);
  }
  return track;
}

}  // namespace headgate::fmp4
