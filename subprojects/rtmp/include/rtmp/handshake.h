// SPDX-License-Identifier: LGPL-2.1-or-later
// The server's side of the RTMP handshake (Adobe RTMP 1.0, 5.2), in its plain form and in the one with
// digests that Flash-era clients ask for by a non-zero version in C1.
#pragma once

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::rtmp {

inline constexpr size_t kHandshakeBlock = 1536;  // C1, C2, S1, S2

using FillRandom = void (*)(std::span<std::byte>);
void system_random(std::span<std::byte> out);  // getrandom(2)

class ServerHandshake {
 public:
  explicit ServerHandshake(FillRandom random = system_random) : random_(random) {}
  // Takes what belongs to the handshake from the front of `data` and returns how much that was; appends
  // S0 S1 S2 to `out` once C1 is complete. C2 is read and not judged: clients differ.
  // Error: a version other than 3 (RTMPE is 6 and 8).
  Result<size_t> feed(Bytes data, ByteVector& out);
  bool done() const { return done_; }

 private:
  void answer(ByteVector& out);

  FillRandom random_;
  ByteVector received_;     // C0 C1 until answered
  size_t c2_received_ = 0;  // counted only
  bool answered_ = false;
  bool done_ = false;
};

// Which of the two places (offset bytes at 8 or at 772) holds a valid digest of a client's C1; for tests too.
enum class DigestScheme { kNone, kAt8, kAt772 };
DigestScheme find_client_digest(Bytes c1, std::span<std::byte, 32> digest);

}  // namespace headgate::rtmp
