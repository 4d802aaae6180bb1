// SPDX-License-Identifier: LGPL-2.1-or-later
// Boxes in memory, one after the other (ISO/IEC 14496-12, 4.2); 32-bit sizes only, as we write them.
#pragma once

#include <optional>

#include <base/bytes.h>

#include "box.h"

namespace headgate::fmp4 {

struct BoxView {
  uint32_t type = 0;
  Bytes body;
  Bytes whole;  // with its header
};

// Goes over `data`. next() is nothing at the end, and at a box that does not fit: ok() is then false.
class BoxReader {
 public:
  explicit BoxReader(Bytes data) : data_(data) {}
  bool ok() const { return ok_; }
  std::optional<BoxView> next() {
    if (data_.empty()) return std::nullopt;
    ByteReader reader(data_);
    const size_t size = reader.u32();
    const uint32_t type = reader.u32();
    if (!reader.ok() || size < kBoxHeader || size > data_.size()) {
      ok_ = false;
      data_ = {};
      return std::nullopt;
    }
    const BoxView box{type, data_.subspan(kBoxHeader, size - kBoxHeader), data_.first(size)};
    data_ = data_.subspan(size);
    return box;
  }

 private:
  Bytes data_;
  bool ok_ = true;
};

// The body of the first box of `type` in `data`.
inline std::optional<Bytes> find_box(Bytes data, uint32_t type) {
  BoxReader reader(data);
  while (const std::optional<BoxView> box = reader.next())
    if (box->type == type) return box->body;
  return std::nullopt;
}

}  // namespace headgate::fmp4
