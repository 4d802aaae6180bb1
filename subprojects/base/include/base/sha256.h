// SPDX-License-Identifier: LGPL-2.1-or-later
// SHA-256 (FIPS 180-4) through OpenSSL's EVP, which uses the processor's SHA instructions where it has them.
#pragma once

#include <array>
#include <cstddef>

#include <base/bytes.h>

namespace headgate {

using Digest = std::array<std::byte, 32>;

// One running hash. finish() returns the digest and starts afresh. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&& other) noexcept;
  Sha256& operator=(Sha256&& other) noexcept;
  ~Sha256();
  void update(Bytes bytes);
  Digest finish();

 private:
  void* context_;  // EVP_MD_CTX
};

Digest sha256(Bytes bytes);

}  // namespace headgate
