// SPDX-License-Identifier: LGPL-2.1-or-later
// A connection between the process that read `publish` and the one that answers it.
#include <rtmp/server.h>

#include <cassert>

#include "router.h"

namespace headgate::rtmp {
namespace {

constexpr uint8_t kVersion = 2;

void write_text(ByteWriter& writer, std::string_view text) {
  writer.u16(text.size());  // a command is at most max_command_bytes
  writer.text(text);
}

std::string read_text(ByteReader& reader) {
  return std::string(as_text(reader.bytes(reader.u16())));
}

}  // namespace

ByteVector Server::save() const {
  assert(phase_ == Phase::kPublishAsked && output_.empty());
  ByteVector out;
  ByteWriter writer(out);
  writer.u8(kVersion);
  writer.u32(writer_.chunk_size());
  writer.u64(handshake_bytes_);
  writer.u8(fc_publish_seen_ ? 1 : 0);
  writer.u32(commands_);
  writer.u32(last_stream_id_);
  writer.u32(publish_stream_);
  writer.u32(ack_window_);
  writer.u64(acknowledged_);
  for (const std::string* text :
       {&connect_.app, &connect_.tc_url, &connect_.flash_ver, &publish_.name, &publish_.type})
    write_text(writer, *text);
  writer.u8(connect_.caps_ex ? 1 : 0);
  writer.u32(connect_.caps_ex.value_or(0));
  size_t size_at = out.size();
  writer.u32(0);
  reader_.save(out);
  writer.patch_u32(size_at, static_cast<uint32_t>(out.size() - size_at - 4));
  writer.bytes(pending_);
  return out;
}

Result<Server> Server::restore(Bytes saved, const Limits& limits) {
  Server out(limits);
  ByteReader reader(saved);
  uint8_t version = reader.u8();
  uint32_t chunk_size = reader.u32();
  out.handshake_bytes_ = reader.u64();
  out.fc_publish_seen_ = reader.u8() != 0;
  out.commands_ = reader.u32();
  out.last_stream_id_ = reader.u32();
  out.publish_stream_ = reader.u32();
  out.ack_window_ = reader.u32();
  out.acknowledged_ = reader.u64();
  for (std::string* text : {&out.connect_.app, &out.connect_.tc_url, &out.connect_.flash_ver,
                            &out.publish_.name, &out.publish_.type})
    *text = read_text(reader);
  const bool enhanced = reader.u8() != 0;
  const uint32_t caps_ex = reader.u32();
  if (enhanced) out.connect_.caps_ex = caps_ex;
  Bytes chunks = reader.bytes(reader.u32());
  Bytes pending = reader.rest();
  if (!reader.ok() || version != kVersion) return Unexpected("RTMP state: version or length");
  if (chunk_size == 0 || chunk_size > 0xffffff || out.ack_window_ == 0 ||
      pending.size() > limits.max_pending_bytes)
    return Unexpected("RTMP state: out of range");
  out.writer_.resume_chunk_size(chunk_size);
  out.connected_ = true;
  out.phase_ = Phase::kPublishAsked;
  ServerHandler nobody;  // restoring begins messages and completes none
  Router router(out, nobody, nullptr);
  auto chunk_reader = ChunkReader::restore(chunks, router, limits);
  if (!chunk_reader) return Unexpected(chunk_reader.error());
  out.reader_ = std::move(*chunk_reader);
  out.pending_.assign(pending.begin(), pending.end());
  return out;
}

}  // namespace headgate::rtmp
