// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codec_name.h"

#include <cstdio>

namespace headgate::conformance {
namespace {

std::string text_of(uint32_t type) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const auto c = static_cast<char>(type >> shift & 0xFF);
    text += c >= 0x20 && c < 0x7F ? c : '?';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// ISO/IEC 14496-15, 5.3.3.1.2: profile, compatibility, level.
void avc(const std::string& name, Bytes config, MediaTrack& track) {
  ByteReader reader(config);
  reader.skip(1);
  const uint8_t profile = reader.u8(), compatibility = reader.u8(), level = reader.u8();
  track.nal_length = static_cast<uint8_t>((reader.u8() & 3) + 1);
  if (!reader.ok()) return;
  char text[32];
  std::snprintf(text, sizeof text, ".%02x%02x%02x", profile, compatibility, level);
  track.codec = name + text;
}

// ISO/IEC 14496-15, annex E.3.
void hevc(const std::string& name, Bytes config, MediaTrack& track) {
  ByteReader reader(config);
  reader.skip(1);
  const uint8_t first = reader.u8();
  const uint32_t compatibility = reader.u32();
  uint8_t constraints[6];
  for (uint8_t& byte : constraints) byte = reader.u8();
  const uint8_t level = reader.u8();
  reader.skip(8);  // segmentation, parallelism, chroma, depths, frame rate
  track.nal_length = static_cast<uint8_t>((reader.u8() & 3) + 1);
  if (!reader.ok()) return;
  uint32_t reversed = 0;
  for (int i = 0; i < 32; ++i) reversed |= (compatibility >> i & 1) << (31 - i);
  constexpr const char* kSpaces[] = {"", "A", "B", "C"};
  char text[64];
  std::snprintf(text, sizeof text, ".%s%u.%X.%c%u", kSpaces[first >> 6], first & 31u, reversed,
                first & 0x20 ? 'H' : 'L', static_cast<unsigned>(level));
  track.codec = name + text;
  size_t count = sizeof constraints;
  while (count > 0 && constraints[count - 1] == 0) --count;
  for (size_t i = 0; i < count; ++i) {
    std::snprintf(text, sizeof text, ".%X", static_cast<unsigned>(constraints[i]));
    track.codec += text;
  }
}

// AV1 Codec ISO Media File Format Binding, 5: the short form.
void av1(Bytes config, MediaTrack& track) {
  ByteReader reader(config);
  reader.skip(1);
  const uint8_t profile_level = reader.u8(), flags = reader.u8();
  if (!reader.ok()) return;
  const unsigned depth = flags & 0x40 ? (flags & 0x20 ? 12 : 10) : 8;
  char text[32];
  std::snprintf(text, sizeof text, "av01.%u.%02u%c.%02u", profile_level >> 5 & 7u, profile_level & 31u,
                flags & 0x80 ? 'H' : 'M', depth);
  track.codec = text;
}

// VP Codec ISO Media File Format Binding: the short form.
void vp(const std::string& name, Bytes config, MediaTrack& track) {
  ByteReader reader(config);
  reader.skip(4);
  const unsigned profile = reader.u8(), level = reader.u8(), depth = reader.u8() >> 4;
  if (!reader.ok()) return;
  char text[32];
  std::snprintf(text, sizeof text, ".%02u.%02u.%02u", profile, level, depth);
  track.codec = name + text;
}

// A descriptor's length: up to four groups of seven bits (ISO/IEC 14496-1, 8.3.3).
uint32_t expandable(ByteReader& reader) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const uint8_t byte = reader.u8();
    value = value << 7 | (byte & 0x7F);
    if (!(byte & 0x80)) break;
  }
  return value;
}

// mp4a.OO.A: object type, and for MPEG-4 audio the audio object type (RFC 6381, 3.3).
void mp4a(Bytes esds, MediaTrack& track) {
  constexpr uint8_t kEs = 3, kDecoderConfig = 4, kDecoderInfo = 5, kMpeg4Audio = 0x40;
  ByteReader reader(esds);
  reader.skip(4);
  if (reader.u8() != kEs) return;
  expandable(reader);
  reader.skip(2);
  const uint8_t flags = reader.u8();
  if (flags & 0x80) reader.skip(2);
  if (flags & 0x40) reader.skip(reader.u8());
  if (flags & 0x20) reader.skip(2);
  if (reader.u8() != kDecoderConfig) return;
  expandable(reader);
  const uint8_t object = reader.u8();
  reader.skip(12);
  char text[16];
  if (object != kMpeg4Audio) {
    std::snprintf(text, sizeof text, ".%02x", static_cast<unsigned>(object));
    if (reader.ok()) track.codec = std::string("mp4a") + text;
    return;
  }
  if (reader.u8() != kDecoderInfo) return;
  expandable(reader);
  const uint16_t begin = reader.u16();
  if (!reader.ok()) return;
  unsigned type = begin >> 11;
  if (type == 31) type = 32 + (begin >> 5 & 63u);
  std::snprintf(text, sizeof text, ".40.%u", type);
  track.codec = std::string("mp4a") + text;
}

}  // namespace

void name_codec(uint32_t type, Bytes children, MediaTrack& track) {
  track.codec = text_of(type);
  const std::string name = track.codec;
  const auto config = [&](const char(&box)[5]) -> std::optional<Bytes> {
    auto found = find_box(children, fourcc(box));
    if (!found || !found->whole) return std::nullopt;
    return found->body;
  };
  switch (type) {
    case fourcc("avc1"):
    case fourcc("avc3"):
      if (auto found = config("avcC")) avc(name, *found, track);
      break;
    case fourcc("hvc1"):
    case fourcc("hev1"):
      if (auto found = config("hvcC")) hevc(name, *found, track);
      break;
    case fourcc("av01"):
      if (auto found = config("av1C")) av1(*found, track);
      break;
    case fourcc("vp08"):
    case fourcc("vp09"):
      if (auto found = config("vpcC")) vp(name, *found, track);
      break;
    case fourcc("mp4a"):
      if (auto found = config("esds")) mp4a(*found, track);
      break;
    case fourcc("encv"):
    case fourcc("enca"):
      track.encrypted = true;
      break;
    default:
      break;
  }
}

}  // namespace headgate::conformance
