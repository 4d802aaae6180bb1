// SPDX-License-Identifier: LGPL-2.1-or-later
// Two SHA-256 (FIPS 180-4) at once. The processor's SHA instructions wait for each other within one message,
// so that two messages side by side take little longer than one; OpenSSL offers one at a time. Where the
// processor has no such instructions (or is no x86), both go through OpenSSL one after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <base/bytes.h>
#include <base/sha256.h>

namespace headgate {

// What computes: as the processor is, unless a test says otherwise.
enum class Sha256Way { best, openssl };

// Two running hashes that are fed the same bytes and are finished at different times (a segment's, and that
// of the file it lies in). Not thread-safe.
class Sha256Pair {
 public:
  explicit Sha256Pair(Sha256Way way = Sha256Way::best);
  Sha256Pair(Sha256Pair&&) noexcept;
  Sha256Pair& operator=(Sha256Pair&&) noexcept;
  ~Sha256Pair();
  void update(Bytes bytes);
  // Digest of what hash `which` (0 or 1) was fed since it was last finished; it starts afresh.
  Digest finish(size_t which);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The digest of each message, two of them under way at any time. As many digests as messages.
void sha256_of_all(std::span<const Bytes> messages, std::span<Digest> digests,
                   Sha256Way way = Sha256Way::best);

}  // namespace headgate
