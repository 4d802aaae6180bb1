// SPDX-License-Identifier: LGPL-2.1-or-later
// RTMP chunk stream, receiving side (Adobe RTMP 1.0, section 5.3), incremental and without buffers for
// payload: each message's bytes are copied once, straight to where the sink wants them. This is the hot path:
// a stream's cost per chunk decides how many streams a core carries.
#pragma once

#include <cstdint>
#include <map>

#include <base/bytes.h>
#include <base/result.h>
#include <rtmp/limits.h>

namespace headgate::rtmp {

enum MessageType : uint8_t {
  kSetChunkSize = 1,
  kAbort = 2,
  kAcknowledgement = 3,
  kUserControl = 4,
  kWindowAckSize = 5,
  kSetPeerBandwidth = 6,
  kAudio = 8,
  kVideo = 9,
  kDataAmf3 = 15,
  kCommandAmf3 = 17,
  kDataAmf0 = 18,
  kCommandAmf0 = 20,
  kAggregate = 22,
};

struct MessageHeader {
  uint8_t type = 0;
  uint32_t stream_id = 0;
  uint32_t timestamp = 0;  // ms, absolute, 32-bit wrapping
  uint32_t length = 0;     // payload bytes
};

// Where payload goes. Called from ChunkReader::feed on its thread.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // The first payload bytes of a message have come. Returns where its `header.length` bytes shall be written:
  // a span of exactly that size, valid until complete() or abandon() for the same csid; or an empty span to
  // have the payload skipped (complete() is still called). Messages on different csids may be open at the
  // same time.
  virtual std::span<std::byte> begin(uint32_t csid, const MessageHeader& header) = 0;
  virtual void complete(uint32_t csid, const MessageHeader& header, std::span<std::byte> payload) = 0;
  // The message will not be completed (Abort, or the reader is destroyed or saved away).
  virtual void abandon(uint32_t csid) = 0;
};

// Protocol control messages that concern the chunk layer (Set Chunk Size, Abort) are handled inside and not
// passed on; everything else goes to the sink. Errors are final: a protocol violation or a limit, with its
// name in the text.
class ChunkReader {
 public:
  explicit ChunkReader(const Limits& limits = {});
  // Consumes all of `data`. The first error ends the stream.
  Result<void> feed(Bytes data, MessageSink& sink);
  uint64_t bytes_received() const;
  uint32_t chunk_size() const;

  // The state between two feeds, for handing a connection to another process; open messages travel with the
  // bytes they have so far. restore() asks the sink's begin() again for each.
  void save(ByteVector& out) const;
  static Result<ChunkReader> restore(Bytes saved, MessageSink& sink, const Limits& limits = {});
};

}  // namespace headgate::rtmp
