// SPDX-License-Identifier: LGPL-2.1-or-later
// FLV made by hand.
#pragma once

#include <base/bytes.h>

#include <initializer_list>

namespace headgate::load {

inline void tag(ByteVector& flv, uint8_t type, uint32_t time_ms, Bytes body) {
  ByteWriter writer(flv);
  writer.u8(type);
  writer.u24(body.size());
  writer.u24(time_ms);
  writer.u8(time_ms >> 24);
  writer.u24(0);
  writer.bytes(body);
  writer.u32(body.size() + 11);
}

inline ByteVector flv_header() {
  ByteVector flv;
  ByteWriter writer(flv);
  writer.text("FLV");
  writer.u8(1);
  writer.u8(5);
  writer.u32(9);
  writer.u32(0);
  return flv;
}

inline ByteVector body(std::initializer_list<int> head, size_t size = 0, uint8_t fill = 0) {
  ByteVector out;
  for (int value : head) out.push_back(static_cast<std::byte>(value));
  if (size > out.size()) out.resize(size, static_cast<std::byte>(fill));
  return out;
}

}  // namespace headgate::load
