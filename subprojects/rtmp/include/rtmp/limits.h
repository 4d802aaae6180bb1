// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace headgate::rtmp {

// Everything a stranger can make big, with what an honest client needs beside it. Exceeding one ends the
// connection.
struct Limits {
  uint32_t max_chunk_streams = 64;             // csids in use on one connection; clients use up to 6
  uint32_t max_command_bytes = 4 * 1024;       // one command or control message; a connect has about 400
  uint32_t max_data_bytes = 64 * 1024;         // onMetaData and the like
  uint32_t max_media_bytes = 8 * 1024 * 1024;  // one audio or video message; a 4K key frame has about 2 MB
  uint32_t max_aggregate_bytes = 4 * 1024 * 1024;  // several of these in one; some have a second's
  uint32_t max_open_bytes =
      16 * 1024 * 1024;  // payload of messages begun and not finished, all csids together
  uint32_t max_amf_depth = 16;
  uint32_t max_amf_values = 1024;               // in one message
  uint32_t max_amf_repeated_bytes = 64 * 1024;  // of a message's AMF3 strings, by reference; honest ones need
                                                // some hundred
  uint32_t max_tiny_chunks = 4096;  // chunks under 32 bytes payload that are not a message's last, in a row
  uint32_t max_commands_before_publish = 64;
  uint32_t max_bytes_before_publish = 64 * 1024;  // after the handshake; about 1,000 come
  uint32_t max_pending_bytes = 64 * 1024;  // read behind `publish` and not parsed before it was answered
  uint32_t max_output_bytes = 64 * 1024;   // replies that the owner could not send yet

  // For peers that have proved nothing yet: whatever they do, a connection holds less than 64 KiB.
  static Limits before_admission() {
    Limits limits;
    limits.max_open_bytes = 16 * 1024;
    limits.max_data_bytes = 8 * 1024;
    limits.max_amf_repeated_bytes = 4 * 1024;
    limits.max_pending_bytes = 32 * 1024;
    limits.max_output_bytes = 8 * 1024;
    return limits;
  }
};

}  // namespace headgate::rtmp
