// SPDX-License-Identifier: LGPL-2.1-or-later
// SHA-256's compression of whole blocks with the processor's SHA instructions, one message or two at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headgate {

inline constexpr size_t kSha256Block = 64;
using Sha256Words = std::array<uint32_t, 8>;  // the hash value H(i), FIPS 180-4, 6.2

bool has_sha_instructions();
// Only where has_sha_instructions(). `blocks` whole blocks from each address.
void sha256_blocks(Sha256Words& words, const std::byte* data, size_t blocks);
void sha256_blocks(Sha256Words& first, const std::byte* first_data, Sha256Words& second,
                   const std::byte* second_data, size_t blocks);

}  // namespace headgate
