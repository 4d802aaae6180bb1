// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sha256_blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace headgate {

#if defined(__x86_64__)

#define HEADGATE_SHA __attribute__((target("sha,sse4.1")))

namespace {

// FIPS 180-4, 4.2.2.
alignas(16) constexpr std::array<uint32_t, 64> kRoundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The eight working variables as the instructions want them: two registers, a b e f and c d g h.
struct Working {
  __m128i abef, cdgh;
};

HEADGATE_SHA inline Working load(const Sha256Words& words) {
  const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(words.data()));
  const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(words.data() + 4));
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

HEADGATE_SHA inline void store(const Working& working, Sha256Words& words) {
  const __m128i feba = _mm_shuffle_epi32(working.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(working.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words.data()), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// `kLanes` messages side by side: each round's instructions of one fill the waits of the other.
template <size_t kLanes>
HEADGATE_SHA void compress(const std::array<Sha256Words*, kLanes>& words,
                           std::array<const std::byte*, kLanes> data, size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  Working working[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) working[lane] = load(*words[lane]);
  for (; blocks > 0; --blocks) {
    Working before[kLanes];
    __m128i schedule[kLanes][4];  // 16 words of the message schedule, the latest ones
    for (size_t lane = 0; lane < kLanes; ++lane) {
      before[lane] = working[lane];
      for (size_t i = 0; i < 4; ++i)
        schedule[lane][i] =
            _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data[lane]) + i), big_endian);
      data[lane] += kSha256Block;
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; ++i) {  // four rounds each
      const __m128i constants = _mm_load_si128(reinterpret_cast<const __m128i*>(kRoundConstants.data()) + i);
#pragma GCC unroll 2
      for (size_t lane = 0; lane < kLanes; ++lane) {
        __m128i* w = schedule[lane];
        Working& to = working[lane];
        const __m128i sum = _mm_add_epi32(w[i % 4], constants);
        to.cdgh = _mm_sha256rnds2_epu32(to.cdgh, to.abef, sum);
        to.abef = _mm_sha256rnds2_epu32(to.abef, to.cdgh, _mm_shuffle_epi32(sum, 0x0e));
        if (i >= 12) continue;  // its words come from the sixteen before them
        const __m128i sigma0 = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
        const __m128i seven_back = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4);
        w[i % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(sigma0, seven_back), w[(i + 3) % 4]);
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      working[lane].abef = _mm_add_epi32(working[lane].abef, before[lane].abef);
      working[lane].cdgh = _mm_add_epi32(working[lane].cdgh, before[lane].cdgh);
    }
  }
  for (size_t lane = 0; lane < kLanes; ++lane) store(working[lane], *words[lane]);
}

}  // namespace

bool has_sha_instructions() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool sse41 = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;
    return sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  }();
  return has;
}

void sha256_blocks(Sha256Words& words, const std::byte* data, size_t blocks) {
  compress<1>({&words}, {data}, blocks);
}

void sha256_blocks(Sha256Words& first, const std::byte* first_data, Sha256Words& second,
                   const std::byte* second_data, size_t blocks) {
  compress<2>({&first, &second}, {first_data, second_data}, blocks);
}

#else

bool has_sha_instructions() {
  return false;
}
void sha256_blocks(Sha256Words&, const std::byte*, size_t) {}
void sha256_blocks(Sha256Words&, const std::byte*, Sha256Words&, const std::byte*, size_t) {}

#endif

}  // namespace headgate
