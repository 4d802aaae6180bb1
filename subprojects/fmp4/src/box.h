// SPDX-License-Identifier: LGPL-2.1-or-later
// Box types, and a box that is written as long as its object lives (ISO/IEC 14496-12, 4.2).
#pragma once

#include <cstdint>

#include <base/bytes.h>

namespace headgate::fmp4 {

// "moof" as a number: box types compare and print as such.
consteval uint32_t four_cc(const char (&text)[5]) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(text[i]);
  return value;
}

inline constexpr size_t kBoxHeader = 8;

class Box {
 public:
  Box(ByteWriter& out, uint32_t type) : out_(out), at_(out.size()) {
    out_.u32(0);
    out_.u32(type);
  }
  // FullBox: version and flags.
  Box(ByteWriter& out, uint32_t type, uint8_t version, uint32_t flags) : Box(out, type) {
    out_.u32(uint32_t{version} << 24 | flags);
  }
  ~Box() { out_.patch_u32(at_, static_cast<uint32_t>(out_.size() - at_)); }
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

 private:
  ByteWriter& out_;
  size_t at_;
};

}  // namespace headgate::fmp4
