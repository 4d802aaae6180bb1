// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: sees the bytes of a TLS client before OpenSSL does, and refuses a ClientHello that
// says it is longer than it may be. RFC 8446, 4 and 5.1.
#pragma once

#include <base/bytes.h>

#include <algorithm>
#include <array>

namespace headgate::ingest {

class HelloGuard {
 public:
  explicit HelloGuard(size_t most) : most_(most) {}

  // What comes next may be a ClientHello in the clear: at the beginning, and after a HelloRetryRequest.
  void arm() {
    armed_ = true;
    have_ = skip_ = 0;
  }
  // False: refused.
  bool passes(Bytes bytes) {
    while (armed_ && !bytes.empty()) {
      if (skip_ > 0) {
        const size_t gone = std::min(skip_, bytes.size());
        skip_ -= gone;
        bytes = bytes.subspan(gone);
        continue;
      }
      head_[have_++] = bytes.front();
      bytes = bytes.subspan(1);
      if (have_ == kRecordHead && !on_record()) return false;
      if (have_ == head_.size() && !on_message()) return false;
    }
    return true;
  }

 private:
  static constexpr uint8_t kChangeCipherSpec = 20, kHandshake = 22, kClientHello = 1;
  static constexpr size_t kRecordHead = 5, kMessageHead = 4;  // type, version, length; type, length

  bool on_record() {
    ByteReader reader(head_);
    const uint8_t type = reader.u8();
    reader.skip(2);
    const size_t length = reader.u16();
    if (type == kChangeCipherSpec) {  // means nothing in TLS 1.3, and may stand before the message
      skip_ = length;
      have_ = 0;
    } else if (type != kHandshake) {
      armed_ = false;
    } else if (length < kMessageHead) {
      return false;  // cut up so that nobody sees what it is
    }
    return true;
  }
  bool on_message() {
    armed_ = false;
    ByteReader reader(Bytes(head_).subspan(kRecordHead));
    return reader.u8() != kClientHello || reader.u24() <= most_;
  }

  size_t most_;
  bool armed_ = true;
  std::array<std::byte, kRecordHead + kMessageHead> head_{};
  size_t have_ = 0, skip_ = 0;
};

}  // namespace headgate::ingest
