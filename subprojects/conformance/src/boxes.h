// SPDX-License-Identifier: LGPL-2.1-or-later
// Boxes (ISO/IEC 14496-12, 4.2) one after the other.
#pragma once

#include <optional>

#include <base/bytes.h>

namespace headgate::conformance {

constexpr uint32_t fourcc(const char (&name)[5]) {
  return static_cast<uint32_t>(static_cast<unsigned char>(name[0])) << 24 |
         static_cast<uint32_t>(static_cast<unsigned char>(name[1])) << 16 |
         static_cast<uint32_t>(static_cast<unsigned char>(name[2])) << 8 |
         static_cast<uint32_t>(static_cast<unsigned char>(name[3]));
}

struct Box {
  uint32_t type = 0;
  size_t offset = 0;  // of its first byte in what was given to Boxes
  size_t size = 0;    // with its header, as far as the bytes go
  bool whole = true;  // the bytes go as far as its size
  Bytes body;
};

class Boxes {
 public:
  explicit Boxes(Bytes bytes) : bytes_(bytes) {}
  // The next box; nothing at the end, or where there is none: broken() then.
  std::optional<Box> next() {
    const size_t left = bytes_.size() - at_;
    if (left == 0) return std::nullopt;
    ByteReader reader(bytes_.subspan(at_));
    uint64_t size = reader.u32();
    Box box;
    box.type = reader.u32();
    box.offset = at_;
    if (size == 1) size = reader.u64();
    if (size == 0) size = left;  // to the end
    if (!reader.ok() || size < reader.position()) {
      broken_ = true;
      return std::nullopt;
    }
    box.whole = size <= left;
    box.size = box.whole ? static_cast<size_t>(size) : left;
    box.body = bytes_.subspan(at_ + reader.position(), box.size - reader.position());
    at_ += box.size;
    return box;
  }
  bool broken() const { return broken_; }

 private:
  Bytes bytes_;
  size_t at_ = 0;
  bool broken_ = false;
};

// The first box of that type among these.
inline std::optional<Box> find_box(Bytes bytes, uint32_t type) {
  Boxes boxes(bytes);
  while (auto box = boxes.next())
    if (box->type == type) return box;
  return std::nullopt;
}

}  // namespace headgate::conformance
