// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/sha256_pair.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <variant>

#include "sha256_blocks.h"

namespace headgate {
namespace {

constexpr Sha256Words kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr size_t kLengthBytes = 8;

// A message's last bytes, less than a block, with what FIPS 180-4, 5.1.1 puts behind them: a one, zeros, the
// length in bits.
struct Ending {
  std::array<std::byte, 2 * kSha256Block> blocks;
  size_t count;

  void make(Bytes rest, uint64_t message_bytes) {
    blocks.fill(std::byte{0});
    if (!rest.empty()) std::memcpy(blocks.data(), rest.data(), rest.size());
    blocks[rest.size()] = std::byte{0x80};
    count = rest.size() + 1 + kLengthBytes <= kSha256Block ? 1 : 2;
    const uint64_t bits = message_bytes * 8;
    for (size_t i = 0; i < kLengthBytes; ++i)
      blocks[count * kSha256Block - 1 - i] = static_cast<std::byte>(bits >> (8 * i));
  }
};

Digest digest_of(const Sha256Words& words) {
  Digest digest;
  for (size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::byte>(words[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

// A message that runs on: its hash value so far, and the bytes that do not fill a block yet.
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
    Ending ending;
    ending.make(Bytes(rest).first(held()), bytes);
    sha256_blocks(words, ending.blocks.data(), ending.count);
    const Digest digest = digest_of(words);
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

// A message that is there as a whole, on its way through: its whole blocks where they are, then its ending.
class Passage {
 public:
  Passage(std::span<const Bytes> messages, std::span<Digest> digests, size_t& next)
      : messages_(messages), digests_(digests), next_(next) {
    take_next();
  }
  bool done() const { return done_; }
  size_t blocks() const { return blocks_; }
  Sha256Words& words() { return words_; }
  const std::byte* at() const { return at_; }

  // So many blocks have gone through: at a message's end its digest is there, and the next one's turn comes.
  void advance(size_t blocks) {
    at_ += blocks * kSha256Block;
    blocks_ -= blocks;
    if (blocks_ > 0) return;
    if (!ending_now_) return begin_ending();
    digests_[which_] = digest_of(words_);
    take_next();
  }

 private:
  void take_next() {
    done_ = next_ == messages_.size();
    if (done_) return;
    which_ = next_++;
    const Bytes message = messages_[which_];
    words_ = kInitial;
    at_ = message.data();
    blocks_ = message.size() / kSha256Block;
    ending_.make(message.subspan(blocks_ * kSha256Block), message.size());
    ending_now_ = false;
    if (blocks_ == 0) begin_ending();
  }
  void begin_ending() {
    ending_now_ = true;
    at_ = ending_.blocks.data();
    blocks_ = ending_.count;
  }

  std::span<const Bytes> messages_;
  std::span<Digest> digests_;
  size_t& next_;  // shared by both passages
  size_t which_ = 0;
  Sha256Words words_{};
  const std::byte* at_ = nullptr;
  size_t blocks_ = 0;
  Ending ending_;
  bool ending_now_ = false, done_ = false;
};

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

void sha256_of_all(std::span<const Bytes> messages, std::span<Digest> digests, Sha256Way way) {
  assert(digests.size() == messages.size());
  if (!by_instructions(way)) {
    std::transform(messages.begin(), messages.end(), digests.begin(), [](Bytes one) { return sha256(one); });
    return;
  }
  size_t next = 0;
  Passage a(messages, digests, next), b(messages, digests, next);
  while (!a.done() && !b.done()) {
    const size_t both = std::min(a.blocks(), b.blocks());
    sha256_blocks(a.words(), a.at(), b.words(), b.at(), both);
    a.advance(both);
    b.advance(both);
  }
  for (Passage* last : {&a, &b}) {
    while (!last->done()) {
      sha256_blocks(last->words(), last->at(), last->blocks());
      last->advance(last->blocks());
    }
  }
}

}  // namespace headgate
