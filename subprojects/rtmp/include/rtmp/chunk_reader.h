// SPDX-License-Identifier: LGPL-2.1-or-later
// RTMP chunk stream, receiving side (Adobe RTMP 1.0, section 5.3), incremental and without buffers for
// payload: each message's bytes are copied once, straight to where the sink wants them. This is the hot path:
// a stream's cost per chunk decides how many streams a core carries. Nothing is allocated per chunk or
// message.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <rtmp/flv.h>
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
  kAggregate = 22,  // several in one: Server takes it apart
};

struct MessageHeader {
  uint8_t type = 0;
  uint32_t stream_id = 0;
  uint32_t timestamp = 0;  // ms, absolute, 32-bit wrapping
  uint32_t length = 0;     // bytes of the message: prefix and payload
};

// An audio or video message is an FLV tag body: a codec header, then the frame. The header's bytes, whose
// number depends on what they are (flv.h), are given apart as the message's prefix, so that a sink can let
// frames follow each other in its memory with nothing between them. A header that is longer than kMaxPrefix
// goes on in the payload. Other messages have no prefix; a message shorter than its prefix is all prefix.

// Where payload goes. Called from ChunkReader::feed on its thread.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // A message's prefix is complete and the rest will follow. Returns where the header.length - prefix.size()
  // bytes of payload shall be written: a span of exactly that size, valid until complete() or abandon() for
  // the same csid; or an empty span to have the payload skipped (complete() is still called, with an empty
  // payload). Messages on different csids may be open at the same time.
  virtual std::span<std::byte> begin(uint32_t csid, const MessageHeader& header, Bytes prefix) = 0;
  virtual void complete(uint32_t csid, const MessageHeader& header, Bytes prefix,
                        std::span<std::byte> payload) = 0;
  // The message will not be completed (Abort message). Not called on destruction of the reader.
  virtual void abandon(uint32_t csid) = 0;
};

struct ChunkHeader;

// Protocol control messages that concern the chunk layer (Set Chunk Size, Abort) are handled inside and not
// passed on; everything else goes to the sink. Errors are final: a protocol violation or a limit, with its
// name in the text.
class ChunkReader {
 public:
  explicit ChunkReader(const Limits& limits = {}) : limits_(limits) {}

  // Consumes all of `data`, unless complete() called stop(): then up to the end of that message. Returns the
  // number of bytes consumed. The first error ends the stream.
  Result<size_t> feed(Bytes data, MessageSink& sink);
  // From complete(): the running feed() returns after this message.
  void stop() { stop_ = true; }

  uint64_t bytes_received() const { return bytes_received_; }  // consumed by feed
  uint32_t chunk_size() const { return chunk_size_; }

  // The state between two feeds, for handing a connection to another process; open messages travel with the
  // bytes they have so far. restore() asks the sink's begin() again for each, except for skipped ones, of
  // which the new sink hears nothing.
  void save(ByteVector& out) const;
  static Result<ChunkReader> restore(Bytes saved, MessageSink& sink, const Limits& limits = {});

 private:
  // The longest chunk header: 3 bytes basic, 11 message, 4 extended timestamp (5.3.1).
  static constexpr size_t kMaxHeader = 18;
  static constexpr uint32_t kNoStream = UINT32_MAX;

  // One csid: the last header, and the message that is open on it.
  struct Stream {
    uint32_t csid = 0;
    MessageHeader header;
    uint32_t time_field = 0;  // timestamp or delta as last sent, extended or not
    bool extended = false;    // the last header had an extended timestamp
    bool begun = false;       // sink.begin() was called for the open message
    bool skipped = false;     // and it wants no payload
    bool silent = false;      // the sink knows nothing of it: skipped before a restore
    bool open = false;        // between a message's first chunk and its end
    uint8_t prefix_size = 0;  // of the open message, as far as prefix_filled bytes tell
    uint8_t prefix_filled = 0;
    std::array<std::byte, kMaxPrefix> prefix{};
    uint32_t filled = 0;          // payload bytes received behind the prefix
    std::byte* target = nullptr;  // where payload goes; not when skipped
    uint32_t payload_size() const { return header.length - prefix_size; }
    uint32_t missing() const { return header.length - prefix_filled - filled; }
  };

  Result<size_t> feed_some(Bytes data, MessageSink& sink);
  Result<size_t> take_header(Bytes data, MessageSink& sink);
  Result<size_t> resume_header(Bytes data, MessageSink& sink);
  Result<void> apply_header(uint32_t csid, const ChunkHeader& header, MessageSink& sink);
  Stream* continued(std::byte first);
  Result<void> begin_chunk(Stream& stream);
  Result<void> start_message(Stream& stream, const ChunkHeader& header);
  Result<void> check_length(const MessageHeader& header) const;
  static void grow_prefix(Stream& stream);
  static void begin(Stream& stream, MessageSink& sink);
  static void take_payload(Stream& stream, Bytes data, MessageSink& sink);
  Result<void> finish(Stream& stream, MessageSink& sink);
  Result<void> chunk_control(const Stream& stream, MessageSink& sink);
  Result<void> restore_stream(ByteReader& reader, MessageSink& sink);
  Stream* find(uint32_t csid);

  Limits limits_;
  uint32_t chunk_size_ = 128;
  uint64_t bytes_received_ = 0;
  uint64_t open_bytes_ = 0;       // of all open messages' declared lengths
  uint32_t tiny_chunks_ = 0;      // in a row
  uint32_t current_ = kNoStream;  // index into streams_ whose chunk is being read
  uint32_t chunk_left_ = 0;       // payload bytes missing of that chunk
  bool stop_ = false;
  bool failed_ = false;
  uint8_t header_filled_ = 0;  // bytes of a chunk header cut by the end of a feed
  std::array<std::byte, kMaxHeader> header_{};
  std::vector<Stream> streams_;
  uint32_t last_found_ = 0;  // most chunks are on the csid of the one before
};

}  // namespace headgate::rtmp
