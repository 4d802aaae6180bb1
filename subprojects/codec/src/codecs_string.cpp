// SPDX-License-Identifier: LGPL-2.1-or-later
// RFC 6381, section 3.3; avc1 in ISO/IEC 14496-15, annex E.
#include <cstdio>

#include <base/encoding.h>
#include <codec/track.h>

#include "asc.h"

namespace headgate::codec {
namespace {

// Profile, constraint flags and level as the first SPS has them, whatever the record's own copy says.
std::string avc1_string(Bytes avcc) {
  ByteReader reader(avcc);
  reader.skip(5);
  reader.skip(1);  // number of parameter sets
  reader.skip(2);  // length of the first
  reader.skip(1);  // its NAL header
  const Bytes profile = reader.bytes(3);
  return reader.ok() ? "avc1." + to_hex(profile) : std::string("avc1");
}

std::string mp4a_string(Bytes config) {
  const Result<Asc> asc = parse_asc(config);
  return "mp4a.40." + std::to_string(asc ? asc->object_type : kAacLc);
}

}  // namespace

std::string codecs_string(const Track& track) {
  switch (track.codec) {
    case Codec::h264:
      return avc1_string(track.config);
    case Codec::aac:
      return mp4a_string(track.config);
    case Codec::h265:
    case Codec::av1:
    case Codec::opus:
      break;  // no function here makes such tracks
  }
  return {};
}

}  // namespace headgate::codec
