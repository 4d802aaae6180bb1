// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: chunk headers as they stand in the bytes, without state.
#pragma once

#include <optional>

#include <base/bytes.h>
#include <rtmp/chunk_reader.h>

namespace headgate::rtmp {

struct BasicHeader {
  uint8_t format = 0;  // fmt 0-3
  uint8_t size = 0;    // bytes it took
  uint32_t csid = 0;
};
// No value: more bytes are needed.
std::optional<BasicHeader> read_basic_header(Bytes data);

struct ChunkHeader {
  uint8_t format = 0;
  uint8_t type = 0;         // formats 0, 1
  bool extended = false;    // formats 0-2
  uint32_t length = 0;      // formats 0, 1
  uint32_t stream_id = 0;   // format 0
  uint32_t time_field = 0;  // formats 0-2; extended or not
  size_t size = 0;          // bytes of the whole chunk header
};
// `extended_before`: the extended timestamp of the chunk stream's last header, if it had one.
// No value: more bytes are needed.
std::optional<ChunkHeader> read_chunk_header(Bytes data, const BasicHeader& basic,
                                             std::optional<uint32_t> extended_before);

}  // namespace headgate::rtmp
