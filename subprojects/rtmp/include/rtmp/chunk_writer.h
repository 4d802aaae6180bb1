// SPDX-License-Identifier: LGPL-2.1-or-later
// RTMP chunk stream, sending side: replies of a server, and whole streams of test clients.
#pragma once

#include <base/bytes.h>
#include <rtmp/chunk_reader.h>

namespace headgate::rtmp {

// Chunk streams that the server sends on (2 is the protocol's own, 5.4).
inline constexpr uint32_t kControlCsid = 2;
inline constexpr uint32_t kCommandCsid = 3;

// Appends messages to a vector of the caller's. Every message starts with a full header (type 0), so the only
// state is the chunk size.
class ChunkWriter {
 public:
  // `csid` 2..65599. header.length is ignored: the payload's size counts (below 2^24).
  void write(ByteVector& out, uint32_t csid, const MessageHeader& header, Bytes payload) const;
  // Announces `size` (1..0xffffff) and uses it from the next message on.
  void set_chunk_size(ByteVector& out, uint32_t size);

  uint32_t chunk_size() const { return chunk_size_; }
  // What an earlier writer of the same connection announced.
  void resume_chunk_size(uint32_t size) { chunk_size_ = size; }

 private:
  uint32_t chunk_size_ = 128;
};

// Control messages (5.4, 7.1.7) as whole chunks.
void write_acknowledgement(const ChunkWriter& writer, ByteVector& out, uint32_t bytes_received);
void write_window_ack_size(const ChunkWriter& writer, ByteVector& out, uint32_t bytes);
void write_set_peer_bandwidth(const ChunkWriter& writer, ByteVector& out, uint32_t bytes);
enum UserControlEvent : uint16_t { kStreamBegin = 0, kPingRequest = 6, kPingResponse = 7 };
void write_user_control(const ChunkWriter& writer, ByteVector& out, UserControlEvent event, uint32_t value);

}  // namespace headgate::rtmp
