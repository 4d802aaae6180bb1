// SPDX-License-Identifier: LGPL-2.1-or-later
// Long texts as gzip (RFC 1952), version after version: what the version before had too is not compressed
// again. A text is cut into pieces where its own lines say, so that a line more in front does not move all
// cuts, and each piece becomes deflate blocks (RFC 1951) that refer to nothing before them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bytes_ptr.h"

namespace headgate::origin {

inline constexpr size_t kLeastPieceBytes = 4 << 10;
inline constexpr size_t kMostPieceBytes = 64 << 10;  // of a text without lines
inline constexpr int kPackLevel = 6;                 // of zlib

// A gzip stream that is not at its end.
struct OpenGzip {
  uint32_t crc = 0;   // of what is packed
  uint64_t size = 0;  // of the same
};
struct Packed {
  BytesPtr begin;
  std::optional<OpenGzip> open;  // none: `begin` is all of it
};

// The stream's end, with `more` (64 kB at most) uncompressed before it.
std::string gzip_end(const OpenGzip& open, std::string_view more);

class Packer {
 public:
  // `text` is kept until the next call.
  Packed pack(const BytesPtr& text);
  // Bytes of text that all calls together have compressed.
  uint64_t compressed() const { return compressed_; }

 private:
  struct Piece {
    std::string deflated;
    uint32_t crc = 0;
  };
  using Pieces = std::unordered_map<std::string_view, Piece>;  // by what they are of, in text_

  BytesPtr text_;
  Pieces pieces_;
  uint64_t compressed_ = 0;
};

}  // namespace headgate::origin
