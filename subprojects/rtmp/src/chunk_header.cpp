// SPDX-License-Identifier: LGPL-2.1-or-later
// Chunk headers: reading them out of bytes (5.3.1), and what they mean for their chunk stream.
#include "chunk_header.h"

#include <algorithm>

namespace headgate::rtmp {
namespace {

constexpr uint32_t kExtended = 0xffffff;  // in the 24-bit field: the value follows in 32 bits
constexpr std::array<size_t, 4> kMessageHeaderSize = {11, 7, 3, 0};
constexpr size_t kExtendedSize = 4;

uint32_t byte_at(Bytes data, size_t at) {
  return std::to_integer<uint32_t>(data[at]);
}
uint32_t u24_at(Bytes data, size_t at) {
  return byte_at(data, at) << 16 | byte_at(data, at + 1) << 8 | byte_at(data, at + 2);
}
uint32_t u32_at(Bytes data, size_t at) {
  return byte_at(data, at) << 24 | u24_at(data, at + 1);
}

}  // namespace

std::optional<BasicHeader> read_basic_header(Bytes data) {
  if (data.empty()) return std::nullopt;
  BasicHeader basic;
  basic.format = static_cast<uint8_t>(byte_at(data, 0) >> 6);
  uint32_t low = byte_at(data, 0) & 0x3f;
  if (low >= 2) {
    basic.csid = low;
    basic.size = 1;
  } else if (low == 0) {
    if (data.size() < 2) return std::nullopt;
    basic.csid = 64 + byte_at(data, 1);
    basic.size = 2;
  } else {
    if (data.size() < 3) return std::nullopt;
    basic.csid = 64 + byte_at(data, 1) + (byte_at(data, 2) << 8);
    basic.size = 3;
  }
  return basic;
}

std::optional<ChunkHeader> read_chunk_header(Bytes data, const BasicHeader& basic,
                                             std::optional<uint32_t> extended_before) {
  ChunkHeader header;
  header.format = basic.format;
  size_t at = basic.size;
  size_t message_size = kMessageHeaderSize[basic.format];
  if (data.size() < at + message_size) return std::nullopt;
  if (basic.format <= 2) header.time_field = u24_at(data, at);
  if (basic.format <= 1) {
    header.length = u24_at(data, at + 3);
    header.type = static_cast<uint8_t>(byte_at(data, at + 6));
  }
  if (basic.format == 0)  // the protocol's one little-endian field
    header.stream_id = byte_at(data, at + 7) | byte_at(data, at + 8) << 8 | byte_at(data, at + 9) << 16 |
                       byte_at(data, at + 10) << 24;
  at += message_size;
  if (basic.format <= 2 && header.time_field == kExtended) {
    if (data.size() < at + kExtendedSize) return std::nullopt;
    header.extended = true;
    header.time_field = u32_at(data, at);
    at += kExtendedSize;
  }
  if (basic.format == 3 && extended_before) {
    // Most senders repeat the extended timestamp here, some (rtmpdump) do not: it is there if the bytes are
    // its. One byte that differs decides at once, so that a short last chunk does not wait for more.
    for (size_t i = 0; i < kExtendedSize; ++i) {
      if (at + i >= data.size()) return std::nullopt;
      if (byte_at(data, at + i) != (*extended_before >> (24 - 8 * i) & 0xff)) {
        header.size = at;
        return header;
      }
    }
    at += kExtendedSize;
  }
  header.size = at;
  return header;
}

}  // namespace headgate::rtmp
