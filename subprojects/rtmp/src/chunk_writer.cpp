// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/chunk_writer.h>

#include <algorithm>

namespace headgate::rtmp {
namespace {

constexpr uint32_t kExtended = 0xffffff;

void write_basic_header(ByteWriter& writer, uint32_t format, uint32_t csid) {
  if (csid < 64) {
    writer.u8(format << 6 | csid);
  } else if (csid < 320) {
    writer.u8(format << 6);
    writer.u8(csid - 64);
  } else {
    writer.u8(format << 6 | 1);
    writer.u8((csid - 64) & 0xff);
    writer.u8((csid - 64) >> 8);
  }
}

void write_number_message(const ChunkWriter& writer, ByteVector& out, MessageType type, uint32_t value) {
  ByteVector payload;
  ByteWriter(payload).u32(value);
  writer.write(out, kControlCsid, {.type = type}, payload);
}

}  // namespace

void ChunkWriter::write(ByteVector& out, uint32_t csid, const MessageHeader& header, Bytes payload) const {
  ByteWriter writer(out);
  bool extended = header.timestamp >= kExtended;
  write_basic_header(writer, 0, csid);
  writer.u24(extended ? kExtended : header.timestamp);
  writer.u24(payload.size());
  writer.u8(header.type);
  for (int shift = 0; shift < 32; shift += 8) writer.u8(header.stream_id >> shift & 0xff);
  if (extended) writer.u32(header.timestamp);
  for (;;) {
    size_t count = std::min<size_t>(chunk_size_, payload.size());
    writer.bytes(payload.first(count));
    payload = payload.subspan(count);
    if (payload.empty()) return;
    write_basic_header(writer, 3, csid);
    if (extended) writer.u32(header.timestamp);
  }
}

void ChunkWriter::set_chunk_size(ByteVector& out, uint32_t size) {
  write_number_message(*this, out, kSetChunkSize, size);
  chunk_size_ = size;
}

void write_acknowledgement(const ChunkWriter& writer, ByteVector& out, uint32_t bytes_received) {
  write_number_message(writer, out, kAcknowledgement, bytes_received);
}

void write_window_ack_size(const ChunkWriter& writer, ByteVector& out, uint32_t bytes) {
  write_number_message(writer, out, kWindowAckSize, bytes);
}

void write_set_peer_bandwidth(const ChunkWriter& writer, ByteVector& out, uint32_t bytes) {
  constexpr uint8_t kDynamic = 2;  // limit type, 5.4.5
  ByteVector payload;
  ByteWriter fields(payload);
  fields.u32(bytes);
  fields.u8(kDynamic);
  writer.write(out, kControlCsid, {.type = kSetPeerBandwidth}, payload);
}

void write_user_control(const ChunkWriter& writer, ByteVector& out, UserControlEvent event, uint32_t value) {
  ByteVector payload;
  ByteWriter fields(payload);
  fields.u16(event);
  fields.u32(value);
  writer.write(out, kControlCsid, {.type = kUserControl}, payload);
}

}  // namespace headgate::rtmp
