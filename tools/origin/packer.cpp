// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packer.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace headgate::origin {
namespace {

constexpr char kHeader[] = {'\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, '\xff'};  // deflate; no name, no time
constexpr char kLastBlock[] = {3, 0};                                      // with nothing in it
constexpr size_t kMostStored = 0xffff;

void put_little(std::string& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

const Bytef* bytef(std::string_view text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

uint32_t crc_of(std::string_view text) {
  return static_cast<uint32_t>(::crc32_z(0, bytef(text), text.size()));
}

// The last bytes of a line say which one it is: names and times count up.
uint64_t mark_of(std::string_view line) {
  uint64_t words[2] = {};
  const size_t size = std::min(line.size(), sizeof words);
  std::memcpy(words, line.data() + line.size() - size, size);
  return (words[0] * 0x9e3779b97f4a7c15u) ^ (words[1] * 0xc2b2ae3d27d4eb4fu);
}

// Of what follows in a text, the first piece: it ends behind a line that one in 256 is like, in what it and
// the line before it say.
std::string_view first_piece(std::string_view text) {
  uint64_t before = 0;
  size_t end = 0;
  while (end < text.size() && end < kMostPieceBytes) {
    const size_t line_end = text.find('\n', end);
    if (line_end == std::string_view::npos) return text.substr(0, kMostPieceBytes);
    const uint64_t mark = mark_of(text.substr(end, line_end - end));
    end = line_end + 1;
    const bool cut = ((mark + before * 3) * 0xff51afd7ed558ccdu) >> 56 == 0;
    before = mark;
    if (cut && end >= kLeastPieceBytes) break;
  }
  return text.substr(0, std::min(end, kMostPieceBytes));
}

class Deflater {
 public:
  Deflater() {
    // Raw: the blocks of several pieces become one stream.
    if (::deflateInit2(&stream_, kPackLevel, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK)
      std::abort();  // out of memory
  }
  ~Deflater() { ::deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Ends at a byte, and what follows refers to nothing in it.
  std::string deflated(std::string_view text) {
    ::deflateReset(&stream_);
    // The bound is of a finished stream; a flush takes some bytes more than an end.
    constexpr size_t kFlush = 16;
    std::string out(::deflateBound(&stream_, text.size()) + kFlush, '\0');
    stream_.next_in = const_cast<Bytef*>(bytef(text));
    stream_.avail_in = static_cast<uInt>(text.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    if (::deflate(&stream_, Z_FULL_FLUSH) != Z_OK || stream_.avail_in > 0 || stream_.avail_out == 0)
      std::abort();
    out.resize(out.size() - stream_.avail_out);
    out.shrink_to_fit();
    return out;
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::string gzip_end(const OpenGzip& open, std::string_view more) {
  more = more.substr(0, kMostStored);
  std::string out;
  if (more.empty()) {
    out.append(kLastBlock, sizeof kLastBlock);
  } else {
    const auto length = static_cast<uint32_t>(more.size());
    put_little(out, 1, 1);  // last block, stored
    put_little(out, length, 2);
    put_little(out, ~length, 2);
    out += more;
  }
  const auto crc = ::crc32_combine(open.crc, crc_of(more), static_cast<z_off_t>(more.size()));
  put_little(out, static_cast<uint32_t>(crc), 4);
  put_little(out, static_cast<uint32_t>(open.size + more.size()), 4);
  return out;
}

Packed Packer::pack(const BytesPtr& text) {
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(text.get(), &size));
  std::string_view left(data, size);
  std::optional<Deflater> deflater;
  Pieces pieces;
  OpenGzip open;
  std::string out(kHeader, sizeof kHeader);
  while (!left.empty()) {
    const std::string_view piece = first_piece(left);
    left.remove_prefix(piece.size());
    auto [place, is_new] = pieces.try_emplace(piece);
    Piece& packed = place->second;
    if (auto known = pieces_.find(piece); is_new && known != pieces_.end()) {
      packed = std::move(known->second);
      pieces_.erase(known);
    } else if (is_new) {
      if (!deflater) deflater.emplace();
      packed = {deflater->deflated(piece), crc_of(piece)};
      compressed_ += piece.size();
    }
    out += packed.deflated;
    open.crc =
        static_cast<uint32_t>(::crc32_combine(open.crc, packed.crc, static_cast<z_off_t>(piece.size())));
    open.size += piece.size();
  }
  pieces_ = std::move(pieces);
  text_.reset(g_bytes_ref(text.get()));
  return {BytesPtr(g_bytes_new(out.data(), out.size())), open};
}

}  // namespace headgate::origin
