// SPDX-License-Identifier: LGPL-2.1-or-later
#include <codec/access_unit.h>

#include <algorithm>

#include <codec/nal.h>
#include <codec/stream_config.h>

#include "av1_sequence.h"
#include "flac.h"
#include "hevc_sps.h"
#include "vp9_header.h"

namespace headgate::codec {
namespace {

Entry entry_of_nals(Codec codec, unsigned length_size, Bytes access_unit) {
  Entry recovery = Entry::none;
  NalReader reader(access_unit, length_size);
  while (const std::optional<Bytes> nal = reader.next()) {
    if (is_vcl(codec, *nal)) return is_key_nal(codec, *nal) ? Entry::key : recovery;
    if (codec == Codec::h264) recovery = std::max(recovery, recovery_point(*nal));
  }
  return Entry::unknown;
}

// The first frame's header (AV1, 5.9.2): show_existing_frame, frame_type, show_frame.
Entry entry_of_obus(Bytes temporal_unit) {
  ObuReader reader(temporal_unit);
  while (const std::optional<Obu> obu = reader.next()) {
    if (obu->type != kObuFrame && obu->type != kObuFrameHeader) continue;
    if (obu->payload.empty()) return Entry::unknown;
    return (std::to_integer<unsigned>(obu->payload[0]) & 0xf0) == 0x10 ? Entry::key : Entry::none;
  }
  return Entry::unknown;
}

uint32_t eac3_samples(Bytes access_unit) {
  uint32_t samples = 0;
  while (const std::optional<Ac3Frame> frame = ac3_frame(access_unit)) {
    if (frame->begins_unit) samples += frame->samples;
    if (frame->bytes >= access_unit.size() || samples > kMaxFrameSamples) break;
    access_unit = access_unit.subspan(frame->bytes);
  }
  return std::min(samples, kMaxFrameSamples);
}

}  // namespace

bool is_key_nal(Codec codec, Bytes nal) {
  constexpr unsigned kIdr = 5, kFirstIrap = 16, kLastIrap = 23;
  if (nal.empty()) return false;
  if (codec == Codec::h264) return (std::to_integer<unsigned>(nal[0]) & 0x1f) == kIdr;
  if (codec != Codec::h265) return false;
  const unsigned type = hevc_nal_type(nal);
  return type >= kFirstIrap && type <= kLastIrap;
}

Entry entry_of(Codec codec, unsigned length_size, Bytes access_unit) {
  switch (codec) {
    case Codec::h264:
    case Codec::h265:
      return entry_of_nals(codec, length_size, access_unit);
    case Codec::av1:
      return entry_of_obus(access_unit);
    case Codec::vp9:
      if (access_unit.empty()) return Entry::unknown;
      return parse_vp9_key_frame(access_unit) ? Entry::key : Entry::none;
    case Codec::mjpeg:
    case Codec::aac:
    case Codec::opus:
    case Codec::ac3:
    case Codec::eac3:
    case Codec::flac:
      return Entry::key;
  }
  return Entry::unknown;
}

bool is_key(const Track& track, Bytes access_unit) {
  return entry_of(track.codec, nal_length_size(track), access_unit) >= Entry::open;
}

Result<Track> track_from_access_unit(Codec codec, Bytes access_unit, uint32_t frame_rate_milli) {
  switch (codec) {
    case Codec::av1: {
      Result<Track> track = track_from_av1_obus(access_unit);
      if (track && track->frame_rate_milli == 0) track->frame_rate_milli = frame_rate_milli;
      return track;
    }
    case Codec::vp9:
      return track_from_vp9_frame(access_unit, frame_rate_milli);
    case Codec::ac3:
      return track_from_ac3_frame(access_unit);
    case Codec::eac3:
      return track_from_eac3_frame(access_unit);
    case Codec::h264:
    case Codec::h265:
    case Codec::mjpeg:
    case Codec::aac:
    case Codec::opus:
    case Codec::flac:
      break;
  }
  return Unexpected("a codec whose access units do not say how they are decoded");
}

uint32_t frame_samples(const Track& track, Bytes access_unit) {
  switch (track.codec) {
    case Codec::opus:
      return opus_packet_samples(access_unit);
    case Codec::flac:
      return flac_frame_samples(access_unit);
    case Codec::eac3:
      return eac3_samples(access_unit);
    default:
      return track.frame_samples;
  }
}

}  // namespace headgate::codec
