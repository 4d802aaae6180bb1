// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/sha256_pair.h>

#include <algorithm>
#include <cstring>
#include <variant>

#include "sha256_blocks.h"

namespace headgate {
namespace {

constexpr Sha256Words kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr size_t kLengthBytes = 8;

// One message: its hash value so far, and the bytes that do not fill a block yet.
struct Lane {
  Sha256Words words = kInitial;
  std::array<std::byte, kSha256Block> rest{};
  uint64_t bytes = 0;

  size_t held() const { return bytes % kSha256Block; }

  // Takes what completes a block that was begun.
  Bytes fill(Bytes data) {
    if (held() == 0) return data;
    const size_t taken = std::min(data.size(), kSha256Block - held());
    std::memcpy(rest.data() + held(), data.data(), taken);
    bytes += taken;
    if (held() == 0) sha256_blocks(words, rest.data(), 1);
    return data.subspan(taken);
  }
  void keep(Bytes data) {  // less than a block, none was begun
    if (!data.empty()) std::memcpy(rest.data(), data.data(), data.size());
    bytes += data.size();
  }
  Bytes take_blocks(Bytes data, size_t blocks) {
    sha256_blocks(words, data.data(), blocks);
    return skip(data, blocks);
  }
  Bytes skip(Bytes data, size_t blocks) {
    bytes += blocks * kSha256Block;
    return data.subspan(blocks * kSha256Block);
  }

  Digest finish() {
    // FIPS 180-4, 5.1.1: a one, zeros, the length in bits.
    std::array<std::byte, 2 * kSha256Block> last{};
    std::memcpy(last.data(), rest.data(), held());
    last[held()] = std::byte{0x80};
    const size_t blocks = held() + 1 + kLengthBytes <= kSha256Block ? 1 : 2;
    const uint64_t bits = bytes * 8;
    for (size_t i = 0; i < kLengthBytes; ++i)
      last[blocks * kSha256Block - 1 - i] = static_cast<std::byte>(bits >> (8 * i));
    sha256_blocks(words, last.data(), blocks);
    Digest digest;
    for (size_t i = 0; i < digest.size(); ++i)
      digest[i] = static_cast<std::byte>(words[i / 4] >> (24 - 8 * (i % 4)));
    *this = {};
    return digest;
  }
};

void update(Lane& a, Bytes for_a, Lane& b, Bytes for_b) {
  for_a = a.fill(for_a);
  for_b = b.fill(for_b);
  const size_t both = std::min(for_a.size(), for_b.size()) / kSha256Block;
  if (both > 0) {
    sha256_blocks(a.words, for_a.data(), b.words, for_b.data(), both);
    for_a = a.skip(for_a, both);
    for_b = b.skip(for_b, both);
  }
  for_a = a.take_blocks(for_a, for_a.size() / kSha256Block);
  for_b = b.take_blocks(for_b, for_b.size() / kSha256Block);
  a.keep(for_a);
  b.keep(for_b);
}

bool by_instructions(Sha256Way way) {
  return way == Sha256Way::best && has_sha_instructions();
}

using Lanes = std::array<Lane, 2>;
using Contexts = std::array<Sha256, 2>;

}  // namespace

struct Sha256Pair::State {
  std::variant<Lanes, Contexts> hashes;
};

Sha256Pair::Sha256Pair(Sha256Way way) : state_(std::make_unique<State>()) {
  if (!by_instructions(way)) state_->hashes.emplace<Contexts>();
}
Sha256Pair::Sha256Pair(Sha256Pair&&) noexcept = default;
Sha256Pair& Sha256Pair::operator=(Sha256Pair&&) noexcept = default;
Sha256Pair::~Sha256Pair() = default;

void Sha256Pair::update(Bytes bytes) {
  if (auto* lanes = std::get_if<Lanes>(&state_->hashes))
    headgate::update((*lanes)[0], bytes, (*lanes)[1], bytes);
  else
    for (Sha256& context : std::get<Contexts>(state_->hashes)) context.update(bytes);
}

Digest Sha256Pair::finish(size_t which) {
  if (auto* lanes = std::get_if<Lanes>(&state_->hashes)) return lanes->at(which).finish();
  return std::get<Contexts>(state_->hashes).at(which).finish();
}

std::array<Digest, 2> sha256_of_two(Bytes first, Bytes second, Sha256Way way) {
  if (!by_instructions(way)) return {sha256(first), sha256(second)};
  Lanes lanes;
  update(lanes[0], first, lanes[1], second);
  return {lanes[0].finish(), lanes[1].finish()};
}

}  // namespace headgate
