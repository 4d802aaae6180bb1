// SPDX-License-Identifier: LGPL-2.1-or-later
// What stream types and descriptors mean: ISO/IEC 13818-1, table 2-34; ATSC A/53 part 3; ETSI EN 300 468; the
// registrations of the SMPTE Registration Authority; "Opus in MPEG-TS" (draft ETSI TS, 2013).
#include <cstdio>

#include "psi.h"

namespace headgate::mpegts {
namespace {

using codec::Codec;

constexpr uint32_t fourcc(const char (&name)[5]) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(name[i]);
  return value;
}

struct Meaning {
  uint32_t key;
  Kind kind;
  std::optional<Codec> codec;
  const char* name;
};

constexpr uint8_t kPrivateData = 0x06;

constexpr Meaning kTypes[] = {
    {0x01, Kind::video, {}, "MPEG-1 video"},
    {0x02, Kind::video, {}, "MPEG-2 video"},
    {0x03, Kind::audio, {}, "MPEG-1 audio"},
    {0x04, Kind::audio, {}, "MPEG-2 audio"},
    {0x0f, Kind::audio, Codec::aac, "AAC"},
    {0x10, Kind::video, {}, "MPEG-4 part 2 video"},
    {0x11, Kind::audio, {}, "AAC in LATM"},
    {0x1b, Kind::video, Codec::h264, "H.264"},
    {0x1c, Kind::audio, {}, "MPEG-4 audio without framing"},
    {0x1f, Kind::video, {}, "H.264 SVC"},
    {0x20, Kind::video, {}, "H.264 MVC"},
    {0x21, Kind::video, {}, "JPEG 2000"},
    {0x24, Kind::video, Codec::h265, "H.265"},
    {0x32, Kind::video, {}, "JPEG XS"},
    {0x33, Kind::video, {}, "H.266"},
    {0x42, Kind::video, {}, "AVS video"},
    {0x81, Kind::audio, Codec::ac3, "AC-3"},
    {0x82, Kind::audio, {}, "DTS"},
    {0x87, Kind::audio, Codec::eac3, "E-AC-3"},
    {0xd1, Kind::video, {}, "Dirac"},
    {0xea, Kind::video, {}, "VC-1"},
};

// format_identifier of a registration descriptor, where the type is private data.
constexpr Meaning kRegistrations[] = {
    {fourcc("HEVC"), Kind::video, Codec::h265, "H.265"},
    {fourcc("Opus"), Kind::audio, Codec::opus, "Opus"},
    {fourcc("AC-3"), Kind::audio, Codec::ac3, "AC-3"},
    {fourcc("EAC3"), Kind::audio, Codec::eac3, "E-AC-3"},
    {fourcc("EC-3"), Kind::audio, Codec::eac3, "E-AC-3"},
    {fourcc("AV01"), Kind::video, {}, "AV1"},
    {fourcc("VC-1"), Kind::video, {}, "VC-1"},
    {fourcc("drac"), Kind::video, {}, "Dirac"},
    {fourcc("BSSD"), Kind::audio, {}, "SMPTE 302M audio"},
    {fourcc("AC-4"), Kind::audio, {}, "AC-4"},
    {fourcc("DTS1"), Kind::audio, {}, "DTS"},
    {fourcc("DTS2"), Kind::audio, {}, "DTS"},
    {fourcc("DTS3"), Kind::audio, {}, "DTS"},
    {fourcc("KLVA"), Kind::data, {}, "KLV metadata"},
};

// DVB's descriptors, likewise.
constexpr Meaning kDescriptors[] = {
    {0x56, Kind::data, {}, "teletext"},      {0x59, Kind::data, {}, "subtitles"},
    {0x6a, Kind::audio, Codec::ac3, "AC-3"}, {0x7a, Kind::audio, Codec::eac3, "E-AC-3"},
    {0x7b, Kind::audio, {}, "DTS"},          {0x7c, Kind::audio, {}, "AAC in LATM"},
};

template <size_t N>
bool apply(const Meaning (&table)[N], uint32_t key, Stream& stream) {
  for (const Meaning& meaning : table) {
    if (meaning.key != key) continue;
    stream.kind = meaning.kind;
    stream.codec = meaning.codec;
    stream.name = meaning.name;
    return true;
  }
  return false;
}

}  // namespace

void describe(Stream& stream, Bytes descriptors) {
  constexpr uint8_t kRegistration = 0x05, kExtension = 0x7f, kOpusExtension = 0x80;
  bool known = apply(kTypes, stream.type, stream);
  ByteReader reader(descriptors);
  while (reader.remaining() > 0) {
    const uint8_t tag = reader.u8();
    ByteReader body(reader.bytes(reader.u8()));
    if (!reader.ok()) break;  // cut short: what stood before it counts
    if (tag == kExtension && body.remaining() >= 2 && body.u8() == kOpusExtension)
      stream.opus_channels = body.u8();
    if (known || stream.type != kPrivateData) continue;
    if (tag == kRegistration)
      known = apply(kRegistrations, body.u32(), stream);
    else
      known = apply(kDescriptors, tag, stream);
  }
  if (known) return;
  char name[32];
  std::snprintf(name, sizeof name, "stream type 0x%02x", stream.type);
  stream.name = stream.type == kPrivateData ? "private data" : name;
}

}  // namespace headgate::mpegts
