// SPDX-License-Identifier: LGPL-2.1-or-later
// Views over bytes, and bounds-checked big-endian reading and writing. No allocation except in ByteWriter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace headgate {

using Bytes = std::span<const std::byte>;
using ByteVector = std::vector<std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads forward over a span. After the first read past the end, ok() is false for good and every read yields
// zero or an empty span: check ok() once, after a group of reads.
class ByteReader {
 public:
  explicit ByteReader(Bytes data) : data_(data) {}
  bool ok() const { return ok_; }
  size_t remaining() const { return ok_ ? data_.size() - at_ : 0; }
  size_t position() const { return at_; }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u24() { return static_cast<uint32_t>(number(3)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  Bytes bytes(size_t count) {
    if (!take(count)) return {};
    return data_.subspan(at_ - count, count);
  }
  Bytes rest() { return bytes(remaining()); }
  void skip(size_t count) { take(count); }

 private:
  bool take(size_t count) {
    if (!ok_ || data_.size() - at_ < count) {
      ok_ = false;
      return false;
    }
    at_ += count;
    return true;
  }
  uint64_t number(size_t count) {
    if (!take(count)) return 0;
    uint64_t value = 0;
    for (size_t i = at_ - count; i < at_; ++i) value = value << 8 | std::to_integer<uint64_t>(data_[i]);
    return value;
  }

  Bytes data_;
  size_t at_ = 0;
  bool ok_ = true;
};

// Appends to a vector that it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(ByteVector& out) : out_(out) {}
  size_t size() const { return out_.size(); }
  void u8(uint64_t value) { number(value, 1); }
  void u16(uint64_t value) { number(value, 2); }
  void u24(uint64_t value) { number(value, 3); }
  void u32(uint64_t value) { number(value, 4); }
  void u64(uint64_t value) { number(value, 8); }
  void bytes(Bytes value) { out_.insert(out_.end(), value.begin(), value.end()); }
  void text(std::string_view value) { bytes(as_bytes(value)); }
  void zeros(size_t count) { out_.resize(out_.size() + count); }
  // Overwrites four bytes written before: box sizes.
  void patch_u32(size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i) out_[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
  }

 private:
  void number(uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) out_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  ByteVector& out_;
};

}  // namespace headgate
