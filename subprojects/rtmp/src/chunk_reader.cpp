// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/chunk_reader.h>

#include <algorithm>

#include "chunk_header.h"
#include "media_prefix.h"

namespace headgate::rtmp {
namespace {

constexpr uint32_t kMaxChunkSize = 0xffffff;  // no message is longer (5.4.1)
constexpr uint32_t kTinyChunk = 32;           // see Limits::max_tiny_chunks
constexpr size_t kControlPrefix = 4;          // Set Chunk Size and Abort are one number

Unexpected limit(const char* name, uint32_t value) {
  return Unexpected("RTMP: limit " + std::string(name) + " (" + std::to_string(value) + ") exceeded");
}

// As much of it as `have` tells.
size_t prefix_of(uint8_t type, Bytes have, uint32_t length) {
  switch (type) {
    case kSetChunkSize:
    case kAbort:
      return kControlPrefix;
    default:
      return media_prefix_size(type, have, length);
  }
}

}  // namespace

Result<size_t> ChunkReader::feed(Bytes data, MessageSink& sink) {
  if (failed_) return Unexpected("RTMP: fed after an error");
  stop_ = false;
  auto consumed = feed_some(data, sink);
  if (!consumed)
    failed_ = true;
  else
    bytes_received_ += *consumed;
  return consumed;
}

Result<size_t> ChunkReader::feed_some(Bytes data, MessageSink& sink) {
  size_t at = 0;
  while (at < data.size() && !stop_) {
    if (current_ == kNoStream) {
      // Nearly all chunks of 128-byte senders: one more piece of the message that is open.
      if (Stream* stream = continued(data[at])) {
        if (auto begun = begin_chunk(*stream); !begun) return Unexpected(begun.error());
        ++at;
        continue;
      }
      auto used =
          header_filled_ > 0 ? resume_header(data.subspan(at), sink) : take_header(data.subspan(at), sink);
      if (!used) return used;
      at += *used;
      continue;
    }
    Stream& stream = streams_[current_];
    size_t count = std::min<size_t>(chunk_left_, data.size() - at);
    take_payload(stream, data.subspan(at, count), sink);
    at += count;
    chunk_left_ -= static_cast<uint32_t>(count);
    if (chunk_left_ > 0) continue;
    current_ = kNoStream;
    if (stream.missing() > 0) continue;
    if (auto done = finish(stream, sink); !done) return Unexpected(done.error());
  }
  return at;
}

// Reads a header from `data`, or puts all of `data` by until more comes. Returns the bytes used.
Result<size_t> ChunkReader::take_header(Bytes data, MessageSink& sink) {
  auto basic = read_basic_header(data);
  std::optional<ChunkHeader> header;
  if (basic) {
    const Stream* before = find(basic->csid);
    header = read_chunk_header(data, *basic,
                               before && before->extended ? std::optional(before->time_field) : std::nullopt);
  }
  if (!header) {
    // Fewer than kMaxHeader bytes: with that many every header is complete.
    std::copy(data.begin(), data.end(), header_.begin());
    header_filled_ = static_cast<uint8_t>(data.size());
    return data.size();
  }
  if (auto applied = apply_header(basic->csid, *header, sink); !applied) return Unexpected(applied.error());
  return header->size;
}

// The same with the bytes that were put by in front of `data`.
Result<size_t> ChunkReader::resume_header(Bytes data, MessageSink& sink) {
  std::array<std::byte, kMaxHeader> joined = header_;
  size_t kept = header_filled_;
  size_t added = std::min(data.size(), kMaxHeader - kept);
  std::copy_n(data.begin(), added, joined.begin() + static_cast<ptrdiff_t>(kept));
  header_filled_ = 0;
  auto used = take_header(Bytes(joined).first(kept + added), sink);
  if (!used) return used;
  if (*used >= kept) return *used - kept;
  // What looked like a repeated extended timestamp was payload: it comes before `data`.
  Bytes rest = Bytes(joined).subspan(*used, kept - *used);
  auto replayed = feed_some(rest, sink);
  if (!replayed) return replayed;
  if (*replayed < rest.size()) {  // stopped at the end of a message; the rest begins a header
    rest = rest.subspan(*replayed);
    std::copy(rest.begin(), rest.end(), header_.begin());
    header_filled_ = static_cast<uint8_t>(rest.size());
  }
  return size_t{0};
}

ChunkReader::Stream* ChunkReader::find(uint32_t csid) {
  if (last_found_ < streams_.size() && streams_[last_found_].csid == csid) return &streams_[last_found_];
  for (uint32_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].csid != csid) continue;
    last_found_ = i;
    return &streams_[i];
  }
  return nullptr;
}

Result<void> ChunkReader::apply_header(uint32_t csid, const ChunkHeader& header, MessageSink& sink) {
  Stream* stream = find(csid);
  if (!stream) {
    // librtmp and rtmp2 begin some chunk streams with format 1; the others need a predecessor.
    if (header.format > 1) return Unexpected("RTMP: first chunk of a chunk stream without a message header");
    if (streams_.size() >= limits_.max_chunk_streams)
      return limit("max_chunk_streams", limits_.max_chunk_streams);
    last_found_ = static_cast<uint32_t>(streams_.size());
    stream = &streams_.emplace_back();
    stream->csid = csid;
  }
  if (!stream->open) {
    if (auto started = start_message(*stream, header); !started) return started;
  } else if (header.format != 3) {
    return Unexpected("RTMP: a new message header inside a message");
  }
  if (auto begun = begin_chunk(*stream); !begun) return begun;
  if (stream->missing() > 0) return {};
  current_ = kNoStream;  // a message of no bytes ends with its header
  return finish(*stream, sink);
}

// The stream whose open message goes on with this first byte of a chunk, if that is the whole header and the
// stream the one before's.
ChunkReader::Stream* ChunkReader::continued(std::byte first) {
  if (header_filled_ > 0 || last_found_ >= streams_.size()) return nullptr;
  Stream& stream = streams_[last_found_];
  bool whole =
      (first >> 6) == std::byte{3} && std::to_integer<uint32_t>(first & std::byte{0x3f}) == stream.csid;
  return whole && stream.open && !stream.extended ? &stream : nullptr;
}

Result<void> ChunkReader::begin_chunk(Stream& stream) {
  current_ = static_cast<uint32_t>(&stream - streams_.data());
  chunk_left_ = std::min(chunk_size_, stream.missing());
  if (chunk_left_ >= kTinyChunk)
    tiny_chunks_ = 0;
  else if (chunk_left_ < stream.missing() && ++tiny_chunks_ > limits_.max_tiny_chunks)
    return limit("max_tiny_chunks", limits_.max_tiny_chunks);
  return {};
}

Result<void> ChunkReader::start_message(Stream& stream, const ChunkHeader& header) {
  if (header.format == 0) {
    stream.header.stream_id = header.stream_id;
    stream.header.timestamp = header.time_field;
  }
  if (header.format <= 1) {
    stream.header.type = header.type;
    stream.header.length = header.length;
  }
  if (header.format <= 2) {
    stream.time_field = header.time_field;
    stream.extended = header.extended;
  }
  // Formats 1 and 2 carry a delta, extended or not; format 3 repeats the last field, also when that was the
  // timestamp of a format 0 (5.3.1.2.4; FFmpeg and rtmp2 count on it). Time wraps at 32 bits.
  if (header.format > 0) stream.header.timestamp += stream.time_field;

  if (auto fits = check_length(stream.header); !fits) return fits;
  if (open_bytes_ + stream.header.length > limits_.max_open_bytes)
    return limit("max_open_bytes", limits_.max_open_bytes);
  open_bytes_ += stream.header.length;
  stream.open = true;
  stream.begun = false;
  stream.skipped = false;
  stream.silent = false;
  stream.target = nullptr;
  stream.filled = 0;
  stream.prefix_filled = 0;
  stream.prefix_size = 0;
  grow_prefix(stream);
  return {};
}

// With all bytes there that were asked for so far: are there more?
void ChunkReader::grow_prefix(Stream& stream) {
  const size_t size =
      prefix_of(stream.header.type, Bytes(stream.prefix).first(stream.prefix_size), stream.header.length);
  stream.prefix_size = static_cast<uint8_t>(std::max<size_t>(size, stream.prefix_size));
}

Result<void> ChunkReader::check_length(const MessageHeader& header) const {
  switch (header.type) {
    case kSetChunkSize:
    case kAbort:
      if (header.length == kControlPrefix) return {};
      return Unexpected("RTMP: Set Chunk Size or Abort that is not 4 bytes long");
    case kAcknowledgement:
    case kUserControl:
    case kWindowAckSize:
    case kSetPeerBandwidth:
    case kCommandAmf0:
    case kCommandAmf3:
      if (header.length > limits_.max_command_bytes)
        return limit("max_command_bytes", limits_.max_command_bytes);
      return {};
    case kAggregate:
      if (header.length > limits_.max_aggregate_bytes)
        return limit("max_aggregate_bytes", limits_.max_aggregate_bytes);
      return {};
    case kAudio:
    case kVideo:
      if (header.length > limits_.max_media_bytes) return limit("max_media_bytes", limits_.max_media_bytes);
      return {};
    default:
      if (header.length > limits_.max_data_bytes) return limit("max_data_bytes", limits_.max_data_bytes);
      return {};
  }
}

void ChunkReader::begin(Stream& stream, MessageSink& sink) {
  std::span<std::byte> target =
      sink.begin(stream.csid, stream.header, Bytes(stream.prefix).first(stream.prefix_size));
  stream.begun = true;
  stream.skipped = target.empty() || target.size() != stream.payload_size();
  stream.target = stream.skipped ? nullptr : target.data();
}

void ChunkReader::take_payload(Stream& stream, Bytes data, MessageSink& sink) {
  while (stream.prefix_filled < stream.prefix_size && !data.empty()) {
    size_t count = std::min<size_t>(stream.prefix_size - stream.prefix_filled, data.size());
    std::copy_n(data.begin(), count, stream.prefix.begin() + stream.prefix_filled);
    stream.prefix_filled = static_cast<uint8_t>(stream.prefix_filled + count);
    data = data.subspan(count);
    if (stream.prefix_filled == stream.prefix_size) grow_prefix(stream);
  }
  if (data.empty()) return;
  if (!stream.begun) begin(stream, sink);
  if (stream.target) std::memcpy(stream.target + stream.filled, data.data(), data.size());
  stream.filled += static_cast<uint32_t>(data.size());
}

Result<void> ChunkReader::finish(Stream& stream, MessageSink& sink) {
  stream.open = false;
  open_bytes_ -= stream.header.length;
  if (stream.header.type == kSetChunkSize || stream.header.type == kAbort) return chunk_control(stream, sink);
  if (stream.silent) return {};
  if (!stream.begun) begin(stream, sink);
  std::span<std::byte> payload;
  if (stream.target) payload = {stream.target, stream.payload_size()};
  stream.target = nullptr;
  sink.complete(stream.csid, stream.header, Bytes(stream.prefix).first(stream.prefix_size), payload);
  return {};
}

Result<void> ChunkReader::chunk_control(const Stream& stream, MessageSink& sink) {
  uint32_t value = ByteReader(stream.prefix).u32();
  if (stream.header.type == kSetChunkSize) {
    if (value == 0 || value > 0x7fffffff) return Unexpected("RTMP: Set Chunk Size out of range");
    // Takes effect with the next chunk of whatever message; the one being read has its length already.
    chunk_size_ = std::min(value, kMaxChunkSize);
    return {};
  }
  Stream* aborted = find(value);
  if (!aborted || !aborted->open) return {};
  aborted->open = false;
  aborted->target = nullptr;
  open_bytes_ -= aborted->header.length;
  if (aborted->begun && !aborted->silent) sink.abandon(aborted->csid);
  return {};
}

}  // namespace headgate::rtmp
