// SPDX-License-Identifier: LGPL-2.1-or-later
// RFC 6381, section 3.3; avc1 and hvc1 in ISO/IEC 14496-15, annex E; av01 in AV1-ISOBMFF, 5; vp09 in
// VP-codec-ISOBMFF, "Codecs Parameter String"; opus in Opus-in-ISOBMFF; ac-3 and ec-3 in TS 102 366, annex F.
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

std::string two_digits(unsigned value) {
  char text[8];
  std::snprintf(text, sizeof text, "%02u", value);
  return text;
}

// General profile space, tier, idc, compatibility in reverse bit order, level, and the constraint bytes up to
// the last that is not 0. From the record: parsing the SPS made sure that it is as long.
std::string hvc1_string(Bytes hvcc) {
  ByteReader reader(hvcc);
  reader.skip(1);
  const unsigned profile = reader.u8();
  uint32_t compatibility = reader.u32(), reversed = 0;
  for (int i = 0; i < 32; ++i, compatibility >>= 1) reversed = reversed << 1 | (compatibility & 1);
  Bytes constraints = reader.bytes(6);
  const unsigned level = reader.u8();
  if (!reader.ok()) return "hvc1";
  constexpr std::string_view kSpaces[] = {"", "A", "B", "C"};
  char text[32];
  std::snprintf(text, sizeof text, ".%u.%X.%c%u", profile & 0x1f, reversed, (profile & 0x20) != 0 ? 'H' : 'L',
                level);
  std::string codecs = "hvc1.";
  codecs += kSpaces[profile >> 6];
  codecs += text + 1;
  while (!constraints.empty() && constraints.back() == std::byte{0})
    constraints = constraints.first(constraints.size() - 1);
  for (const std::byte byte : constraints) {
    std::snprintf(text, sizeof text, ".%X", std::to_integer<unsigned>(byte));
    codecs += text;
  }
  return codecs;
}

// The optional fields only where one of them says something that is not the default.
std::string av01_string(const Track& track) {
  const Bytes av1c = track.config;
  if (av1c.size() < 4) return "av01";
  const auto profile_level = std::to_integer<unsigned>(av1c[1]), flags = std::to_integer<unsigned>(av1c[2]);
  std::string codecs = "av01." + std::to_string(profile_level >> 5) + "." + two_digits(profile_level & 0x1f);
  codecs += (flags & 0x80) != 0 ? "H." : "M.";
  codecs += (flags & 0x40) == 0 ? "08" : (flags & 0x20) == 0 ? "10" : "12";
  constexpr unsigned kChromaFields = 0x1f, k420 = 0x0c;
  constexpr Colour kBt709{1, 1, 1, false};
  const Colour& colour = track.colour;
  const bool usual_colour = (!colour.known() || colour == kBt709) && !colour.full_range;
  if ((flags & kChromaFields) == k420 && usual_colour) return codecs;
  codecs += (flags & 0x10) != 0 ? ".1." : ".0.";
  codecs += std::to_string(flags >> 3 & 1) + std::to_string(flags >> 2 & 1) + std::to_string(flags & 3);
  codecs += "." + two_digits(colour.primaries) + "." + two_digits(colour.transfer) + "." +
            two_digits(colour.matrix) + (colour.full_range ? ".1" : ".0");
  return codecs;
}

// As with AV1; chroma 4:2:0 is the default whichever its position.
std::string vp09_string(const Track& track) {
  const Bytes vpcc = track.config;
  if (vpcc.size() < 8) return "vp09";
  const auto depths = std::to_integer<unsigned>(vpcc[2]);
  std::string codecs = "vp09." + two_digits(std::to_integer<unsigned>(vpcc[0])) + "." +
                       two_digits(std::to_integer<unsigned>(vpcc[1])) + "." + two_digits(depths >> 4);
  const unsigned chroma = depths >> 1 & 7;
  constexpr Colour kBt709{1, 1, 1, false};
  const Colour& colour = track.colour;
  if (chroma <= 1 && (!colour.known() || colour == kBt709) && !colour.full_range) return codecs;
  codecs += "." + two_digits(chroma) + "." + two_digits(colour.primaries) + "." +
            two_digits(colour.transfer) + "." + two_digits(colour.matrix) +
            (colour.full_range ? ".01" : ".00");
  return codecs;
}

}  // namespace

std::string codecs_string(const Track& track) {
  switch (track.codec) {
    case Codec::h264:
      return avc1_string(track.config);
    case Codec::aac:
      return mp4a_string(track.config);
    case Codec::h265:
      return hvc1_string(track.config);
    case Codec::av1:
      return av01_string(track);
    case Codec::vp9:
      return vp09_string(track);
    case Codec::mjpeg:
      return "mjpg";
    case Codec::opus:
      return "opus";
    case Codec::ac3:
      return "ac-3";
    case Codec::eac3:
      return "ec-3";
    case Codec::flac:
      return "fLaC";
  }
  return {};
}

}  // namespace headgate::codec
