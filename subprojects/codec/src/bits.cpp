// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bits.h"

namespace headgate::codec {

uint32_t BitReader::bits(unsigned count) {
  if (!ok_ || count > data_.size() * 8 - at_) {
    ok_ = false;
    return 0;
  }
  uint32_t value = 0;
  for (unsigned i = 0; i < count; ++i, ++at_) {
    const auto byte = std::to_integer<unsigned>(data_[at_ / 8]);
    value = value << 1 | (byte >> (7 - at_ % 8) & 1);
  }
  return value;
}

void BitReader::skip(size_t count) {
  if (!ok_ || count > data_.size() * 8 - at_) {
    ok_ = false;
    return;
  }
  at_ += count;
}

void BitReader::align() {
  skip((8 - at_ % 8) % 8);
}

uint32_t BitReader::ue() {
  unsigned zeros = 0;
  while (ok_ && !flag()) {
    if (++zeros > 31) ok_ = false;
  }
  if (!ok_ || zeros == 0) return 0;
  const uint32_t rest = bits(zeros);
  return ok_ ? (uint32_t{1} << zeros) - 1 + rest : 0;
}

int32_t BitReader::se() {
  const uint32_t code = ue();
  const auto magnitude = static_cast<int32_t>(code / 2 + code % 2);
  return code % 2 != 0 ? magnitude : -magnitude;
}

ByteVector rbsp_of(Bytes nal, size_t header) {
  ByteVector out;
  if (nal.size() <= header) return out;
  out.reserve(nal.size() - header);
  int zeros = 0;
  for (const std::byte byte : nal.subspan(header)) {
    if (zeros >= 2 && byte == std::byte{3}) {
      zeros = 0;
      continue;
    }
    zeros = byte == std::byte{0} ? zeros + 1 : 0;
    out.push_back(byte);
  }
  return out;
}

}  // namespace headgate::codec
