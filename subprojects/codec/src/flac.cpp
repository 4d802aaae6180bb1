// SPDX-License-Identifier: LGPL-2.1-or-later
// STREAMINFO (RFC 9639, 8.2) as FLAC-in-ISOBMFF keeps it.
#include "flac.h"

#include <codec/track.h>

#include "bits.h"

namespace headgate::codec {
namespace {

constexpr size_t kStreamInfoBytes = 34, kBlockHeader = 4;
constexpr uint8_t kLastBlock = 0x80;

Unexpected wrong(const std::string& what) {
  return Unexpected("FLAC: " + what);
}

Result<Bytes> find_stream_info(Bytes header) {
  constexpr std::string_view kMagic = "fLaC";
  if (header.size() == kStreamInfoBytes) return header;
  if (as_text(header.first(std::min(header.size(), kMagic.size()))) == kMagic)
    header = header.subspan(kMagic.size());
  ByteReader reader(header);
  const unsigned type = reader.u8() & 0x7f;
  const size_t length = reader.u24();
  const Bytes block = reader.bytes(length);
  if (!reader.ok()) return wrong("STREAMINFO ends too early");
  if (type != 0 || length != kStreamInfoBytes) return wrong("the first block is not a STREAMINFO");
  return block;
}

}  // namespace

Result<Track> track_from_flac(Bytes header) {
  const Result<Bytes> info = find_stream_info(header);
  if (!info) return Unexpected(info.error());
  BitReader reader(*info);
  const uint32_t min_block = reader.bits(16), max_block = reader.bits(16);
  reader.skip(24 + 24);  // frame sizes
  const uint32_t rate = reader.bits(20);
  const uint32_t channels = reader.bits(3) + 1;
  if (rate == 0) return wrong("sample rate of 0");
  constexpr uint32_t kMinBlock = 16;
  if (max_block < kMinBlock || min_block > max_block)
    return wrong("blocks of " + std::to_string(min_block) + " to " + std::to_string(max_block) + " samples");
  Track track;
  track.codec = Codec::flac;
  track.kind = Kind::audio;
  track.timescale = track.sample_rate = rate;
  track.channels = channels;
  if (min_block == max_block) track.frame_samples = max_block;
  ByteWriter out(track.config);
  out.u8(kLastBlock);
  out.u24(kStreamInfoBytes);
  out.bytes(*info);
  static_assert(kBlockHeader + kStreamInfoBytes <= kMaxConfigBytes);
  return track;
}

uint32_t flac_frame_samples(Bytes frame) {
  ByteReader reader(frame);
  constexpr unsigned kSync = 0xfff8, kSyncMask = 0xfffe;  // the last bit: the blocking strategy
  if ((reader.u16() & kSyncMask) != kSync) return 0;
  const unsigned code = reader.u8() >> 4;
  reader.skip(1);
  if (code == 1) return reader.ok() ? 192 : 0;
  if (code >= 2 && code <= 5) return reader.ok() ? 144u << code : 0;
  if (code >= 8) return reader.ok() ? 1u << code : 0;
  if (code == 0) return 0;
  // The frame's or sample's number stands before it, coded as UTF-8 has it.
  const unsigned first = reader.u8();
  unsigned more = 0;
  for (unsigned bit = 0x40; first >= 0xc0 && (first & bit) != 0; bit >>= 1) ++more;
  reader.skip(more);
  const uint32_t less_one = code == 6 ? reader.u8() : reader.u16();
  return reader.ok() ? less_one + 1 : 0;
}

}  // namespace headgate::codec
