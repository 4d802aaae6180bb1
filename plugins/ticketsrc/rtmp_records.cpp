// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp_records.h"

#include <codec/stream_config.h>

namespace headgate::ticketsrc {

using rtmp::fourcc;
using rtmp::PacketKind;

bool describes_itself(uint32_t codec) {
  return codec == fourcc("ac-3") || codec == fourcc("ec-3");
}

bool needs_frame(const rtmp::MediaHeader& header, Bytes record) {
  return header.kind == PacketKind::kTsDescriptor || header.codec == fourcc("vp09") ||
         (header.codec == fourcc("Opus") && record.empty());
}

Result<codec::Track> config_of(uint32_t codec, Bytes record) {
  switch (codec) {
    case fourcc("avc1"):
      return codec::track_from_avcc(record);
    case fourcc("hvc1"):
      return codec::track_from_hvcc(record);
    case fourcc("av01"):
      return codec::track_from_av1c(record);
    case fourcc("mp4a"):
      return codec::track_from_asc(record);
    case fourcc("Opus"):
      return codec::track_from_opus_head(record);
    default:
      return codec::track_from_flac(record);
  }
}

Result<codec::Track> config_of_frame(uint32_t codec, Bytes frame) {
  return codec == fourcc("ac-3") ? codec::track_from_ac3_frame(frame) : codec::track_from_eac3_frame(frame);
}

bool begins_track(const rtmp::MediaHeader& header, Bytes payload) {
  if (header.kind == PacketKind::kFrame)
    return describes_itself(header.codec) && config_of_frame(header.codec, payload).has_value();
  if (header.kind != PacketKind::kSequenceHeader && header.kind != PacketKind::kTsDescriptor) return false;
  if (describes_itself(header.codec) || payload.size() > codec::kMaxConfigBytes) return false;
  return needs_frame(header, payload) || header.codec == fourcc("av01") ||
         config_of(header.codec, payload).has_value();
}

}  // namespace headgate::ticketsrc
