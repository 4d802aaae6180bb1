// SPDX-License-Identifier: LGPL-2.1-or-later
// ADTS (ISO/IEC 13818-7, 6.2), whose header says what an AudioSpecificConfig says.
#include <codec/stream_config.h>
#include <codec/track.h>

#include "bits.h"

namespace headgate::codec {
namespace {

struct Header {
  unsigned profile = 0, rate_index = 0, channels = 0;
  bool crc = false;
  size_t frame_bytes = 0;
  unsigned raw_blocks = 0;
};

std::optional<Header> read_header(Bytes bytes) {
  constexpr uint32_t kSyncword = 0xfff, kReservedRate = 13;
  constexpr size_t kShortHeader = 7, kCrc = 2;
  BitReader reader(bytes.first(std::min(bytes.size(), kShortHeader)));
  if (reader.bits(12) != kSyncword) return std::nullopt;
  reader.flag();                                 // MPEG-4 or MPEG-2
  if (reader.bits(2) != 0) return std::nullopt;  // layer
  Header header;
  header.crc = !reader.flag();
  header.profile = reader.bits(2);
  header.rate_index = reader.bits(4);
  reader.flag();  // private_bit
  header.channels = reader.bits(3);
  reader.skip(4);  // original, home, copyright
  header.frame_bytes = reader.bits(13);
  reader.skip(11);  // buffer fullness
  header.raw_blocks = reader.bits(2) + 1;
  if (!reader.ok() || header.rate_index >= kReservedRate ||
      header.frame_bytes < kShortHeader + (header.crc ? kCrc : 0))
    return std::nullopt;
  return header;
}

}  // namespace

std::optional<AdtsFrame> adts_frame(Bytes bytes) {
  const std::optional<Header> header = read_header(bytes);
  if (!header) return std::nullopt;
  return AdtsFrame{header->crc ? 9u : 7u, header->frame_bytes, header->raw_blocks};
}

Result<Track> track_from_adts(Bytes bytes) {
  const std::optional<Header> header = read_header(bytes);
  if (!header) return Unexpected("ADTS: no header");
  if (header->channels == 0)
    return Unexpected("ADTS: channel configuration 0, whose channels stand in the frame, is not supported");
  const unsigned object_type = header->profile + 1;
  ByteVector config;
  ByteWriter(config).u16(object_type << 11 | header->rate_index << 7 | header->channels << 3);
  return track_from_asc(config);
}

}  // namespace headgate::codec
