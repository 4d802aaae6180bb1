// SPDX-License-Identifier: LGPL-2.1-or-later
// Most-significant-bit-first reading with Exp-Golomb codes (ITU-T H.264, 9.1). As with ByteReader: after the
// first read past the end ok() is false for good and everything reads as zero.
#pragma once

#include <cstdint>

#include <base/bytes.h>

namespace headgate::codec {

class BitReader {
 public:
  explicit BitReader(Bytes data) : data_(data) {}
  bool ok() const { return ok_; }
  size_t position() const { return at_; }                                // bits
  size_t remaining() const { return ok_ ? data_.size() * 8 - at_ : 0; }  // bits
  uint32_t bits(unsigned count);                                         // up to 32
  bool flag() { return bits(1) != 0; }
  void skip(size_t count);
  void align();  // to the next byte
  uint32_t ue();
  int32_t se();

 private:
  Bytes data_;
  size_t at_ = 0;
  bool ok_ = true;
};

// The raw byte sequence payload of a NAL unit without its first `header` bytes: emulation prevention bytes
// removed (H.264, 7.3.1).
ByteVector rbsp_of(Bytes nal, size_t header);

}  // namespace headgate::codec
