// SPDX-License-Identifier: LGPL-2.1-or-later
#include "random_access.h"

namespace headgate::conformance {

std::optional<bool> begins_random_access(const MediaTrack& track, Bytes sample) {
  const bool hevc = track.codec.compare(0, 3, "hvc") == 0 || track.codec.compare(0, 3, "hev") == 0;
  ByteReader reader(sample);
  while (reader.remaining() > track.nal_length) {
    size_t length = 0;
    for (int i = 0; i < track.nal_length; ++i) length = length << 8 | reader.u8();
    const Bytes unit = reader.bytes(length);
    if (!reader.ok()) return std::nullopt;
    if (unit.empty()) continue;
    const auto first = std::to_integer<unsigned>(unit[0]);
    const unsigned type = hevc ? first >> 1 & 63u : first & 31u;
    // H.264 table 7-1: 1 to 5 are slices, 5 of an IDR. H.265 table 7-1: 0 to 31 are slices, 16 to 23 of an
    // IRAP.
    if (hevc && type < 32) return type >= 16 && type < 24;
    if (!hevc && type >= 1 && type <= 5) return type == 5;
  }
  return std::nullopt;
}

}  // namespace headgate::conformance
