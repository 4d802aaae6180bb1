// SPDX-License-Identifier: LGPL-2.1-or-later
// ChunkReader between two processes. The saved form is read with the same suspicion as the network: it comes
// from the process that parsed strangers' bytes.
#include <rtmp/chunk_reader.h>

#include <algorithm>

#include "chunk_header.h"

namespace headgate::rtmp {
namespace {

constexpr uint8_t kVersion = 2;
constexpr uint32_t kMaxCsid = 65599;
enum SavedFlag : uint8_t { kExtendedTime = 1, kOpen = 2, kBegun = 4, kSkipped = 8 };

}  // namespace

void ChunkReader::save(ByteVector& out) const {
  ByteWriter writer(out);
  writer.u8(kVersion);
  writer.u32(chunk_size_);
  writer.u64(bytes_received_);
  writer.u32(tiny_chunks_);
  writer.u32(current_);
  writer.u32(chunk_left_);
  writer.u8(header_filled_);
  writer.bytes(Bytes(header_).first(header_filled_));
  writer.u16(streams_.size());
  for (const Stream& stream : streams_) {
    writer.u32(stream.csid);
    writer.u8(stream.header.type);
    writer.u32(stream.header.stream_id);
    writer.u32(stream.header.timestamp);
    writer.u32(stream.header.length);
    writer.u32(stream.time_field);
    writer.u8((stream.extended ? kExtendedTime : 0) | (stream.open ? kOpen : 0) |
              (stream.begun ? kBegun : 0) | (stream.skipped ? kSkipped : 0));
    if (!stream.open) continue;
    writer.u8(stream.prefix_filled);
    writer.bytes(Bytes(stream.prefix).first(stream.prefix_filled));
    writer.u32(stream.filled);
    if (stream.target) writer.bytes({stream.target, stream.filled});
  }
}

Result<void> ChunkReader::restore_stream(ByteReader& reader, MessageSink& sink) {
  Stream stream;
  stream.csid = reader.u32();
  stream.header.type = reader.u8();
  stream.header.stream_id = reader.u32();
  stream.header.timestamp = reader.u32();
  stream.header.length = reader.u32();
  stream.time_field = reader.u32();
  uint8_t flags = reader.u8();
  if (!reader.ok() || stream.csid < 2 || stream.csid > kMaxCsid || find(stream.csid))
    return Unexpected("RTMP state: chunk stream");
  stream.extended = flags & kExtendedTime;
  if (!(flags & kOpen)) {
    streams_.push_back(stream);
    return {};
  }
  ChunkHeader header;
  header.format = 0;
  header.type = stream.header.type;
  header.length = stream.header.length;
  header.stream_id = stream.header.stream_id;
  header.time_field = stream.header.timestamp;
  uint32_t time_field = stream.time_field;
  bool extended = stream.extended;
  if (auto started = start_message(stream, header); !started) return started;
  stream.time_field = time_field;
  stream.extended = extended;
  stream.prefix_filled = reader.u8();
  Bytes prefix = reader.bytes(stream.prefix_filled);
  if (stream.prefix_filled > kMaxPrefix) return Unexpected("RTMP state: open message");
  std::copy(prefix.begin(), prefix.end(), stream.prefix.begin());
  for (uint8_t size = 0; stream.prefix_filled >= stream.prefix_size && size != stream.prefix_size;) {
    size = stream.prefix_size;
    grow_prefix(stream);
  }
  stream.filled = reader.u32();
  bool begun = flags & kBegun;
  if (!reader.ok() || stream.prefix_filled > stream.prefix_size || stream.filled > stream.payload_size() ||
      stream.missing() == 0 || (stream.prefix_filled < stream.prefix_size && (begun || stream.filled > 0)) ||
      (!begun && stream.filled > 0))
    return Unexpected("RTMP state: open message");
  if (begun && (flags & kSkipped)) {
    stream.begun = stream.skipped = stream.silent = true;
  } else if (begun) {
    Bytes payload = reader.bytes(stream.filled);
    if (!reader.ok()) return Unexpected("RTMP state: payload");
    begin(stream, sink);
    if (stream.target && !payload.empty()) std::memcpy(stream.target, payload.data(), payload.size());
  }
  streams_.push_back(stream);
  return {};
}

Result<ChunkReader> ChunkReader::restore(Bytes saved, MessageSink& sink, const Limits& limits) {
  ChunkReader out(limits);
  ByteReader reader(saved);
  uint8_t version = reader.u8();
  out.chunk_size_ = reader.u32();
  out.bytes_received_ = reader.u64();
  out.tiny_chunks_ = reader.u32();
  uint32_t current = reader.u32();
  uint32_t chunk_left = reader.u32();
  out.header_filled_ = reader.u8();
  Bytes header = reader.bytes(out.header_filled_);
  uint16_t count = reader.u16();
  if (!reader.ok() || version != kVersion) return Unexpected("RTMP state: version or length");
  if (out.chunk_size_ == 0 || out.chunk_size_ > 0xffffff || header.size() >= kMaxHeader ||
      count > limits.max_chunk_streams)
    return Unexpected("RTMP state: out of range");
  std::copy(header.begin(), header.end(), out.header_.begin());
  for (uint16_t i = 0; i < count; ++i)
    if (auto read = out.restore_stream(reader, sink); !read) return Unexpected(read.error());
  if (reader.remaining() > 0) return Unexpected("RTMP state: bytes left over");
  if (current == kNoStream) return out;
  if (current >= count || !out.streams_[current].open || chunk_left == 0 ||
      chunk_left > out.streams_[current].missing() || out.header_filled_ > 0)
    return Unexpected("RTMP state: current chunk");
  out.current_ = current;
  out.chunk_left_ = chunk_left;
  return out;
}

}  // namespace headgate::rtmp
