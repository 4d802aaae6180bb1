// SPDX-License-Identifier: LGPL-2.1-or-later
#include "part_box.h"

#include <algorithm>
#include <cstdlib>

namespace headgate::store {
namespace {

constexpr std::array<uint8_t, 16> kUuid = {0x13, 0xc5, 0x5f, 0x58, 0x47, 0x3a, 0x48, 0x09,
                                           0x82, 0x87, 0x22, 0x5f, 0x07, 0xaa, 0x8e, 0x7d};
constexpr uint8_t kVersion = 1;
constexpr uint8_t kIndependent = 1;
constexpr uint8_t kEndsSegment = 2;
constexpr size_t kFixedBytes = 8 + 16 + 4 + 4 + 8 + 8 + 8 + 4 + 8 + 4;
constexpr size_t kBytesPerChunk = 8;

}  // namespace

size_t part_box_size(size_t chunks) {
  return kFixedBytes + chunks * kBytesPerChunk;
}

void write_part_box(const PartBox& box, ByteVector& out) {
  out.clear();
  ByteWriter writer(out);
  writer.u32(part_box_size(box.part.chunks.size()));
  writer.text("uuid");
  writer.bytes(std::as_bytes(std::span(kUuid)));
  writer.u8(kVersion);
  writer.u8((box.part.independent ? kIndependent : 0) | (box.ends_segment ? kEndsSegment : 0));
  writer.u8(box.part.chunks.size());
  writer.u8(0);
  writer.u32(box.index);
  writer.u64(box.msn);
  writer.u64(box.dseq);
  writer.u64(static_cast<uint64_t>(box.part.pts));
  writer.u32(static_cast<uint64_t>(box.part.duration));
  writer.u64(static_cast<uint64_t>(box.part.utc_us));
  writer.u32(box.part.length);
  for (const playlist::ChunkRange& chunk : box.part.chunks) {
    writer.u32(chunk.track_id);
    writer.u32(chunk.length);
  }
}

std::optional<PartBox> PartWalker::next() {
  if (position_ >= source_.size) return std::nullopt;
  buffer_.resize(std::min<uint64_t>(part_box_size(kMaxChunks), source_.size - position_));
  auto got = source_.read(position_, buffer_);
  if (!got) return std::nullopt;
  ByteReader reader(Bytes(buffer_).first(*got));
  uint32_t size = reader.u32();
  bool ours = as_text(reader.bytes(4)) == "uuid";
  Bytes uuid = reader.bytes(kUuid.size());
  ours = ours && std::ranges::equal(uuid, std::as_bytes(std::span(kUuid))) && reader.u8() == kVersion;
  PartBox box;
  uint8_t flags = reader.u8();
  box.part.independent = (flags & kIndependent) != 0;
  box.ends_segment = (flags & kEndsSegment) != 0;
  size_t chunks = reader.u8();
  reader.skip(1);
  box.index = reader.u32();
  box.msn = reader.u64();
  box.dseq = reader.u64();
  box.part.pts = static_cast<int64_t>(reader.u64());
  box.part.duration = reader.u32();
  box.part.utc_us = static_cast<int64_t>(reader.u64());
  box.part.length = reader.u32();
  box.part.offset = position_;
  if (std::max({box.msn, box.dseq}) > uint64_t{kMaxNumber} || std::abs(box.part.pts) > kMaxNumber ||
      std::abs(box.part.utc_us) > kMaxNumber)
    return std::nullopt;
  if (!ours || !reader.ok() || chunks == 0 || chunks > kMaxChunks || size != part_box_size(chunks) ||
      box.part.length > source_.size - position_)
    return std::nullopt;
  uint64_t at = position_ + size;
  uint64_t end = position_ + box.part.length;
  for (size_t i = 0; i < chunks; ++i) {
    playlist::ChunkRange range{reader.u32(), at, 0};
    range.length = reader.u32();
    if (!reader.ok() || at > end || range.length > end - at) return std::nullopt;
    fmp4::Source chunk_only{source_.read, at + range.length};
    fmp4::ChunkWalker walker(chunk_only, at);
    auto chunk = walker.next();
    if (!chunk || chunk->offset != at || chunk->length != range.length || chunk->track_id != range.track_id)
      return std::nullopt;
    at += range.length;
    box.part.chunks.push_back(range);
  }
  if (at != end) return std::nullopt;
  position_ = end;
  return box;
}

}  // namespace headgate::store
