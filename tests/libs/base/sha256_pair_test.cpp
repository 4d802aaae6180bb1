// SPDX-License-Identifier: LGPL-2.1-or-later
// Two hashes at once against OpenSSL's one at a time, over all the ways in which lengths and blocks can meet.
#include <base/encoding.h>
#include <base/sha256_pair.h>
#include <gtest/gtest.h>

#include <random>

namespace headgate {
namespace {

ByteVector noise(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  ByteVector out(size);
  for (std::byte& byte : out) byte = static_cast<std::byte>(random());
  return out;
}

class Sha256PairTest : public testing::TestWithParam<Sha256Way> {};

std::vector<Digest> of_all(const std::vector<Bytes>& messages, Sha256Way way) {
  std::vector<Digest> digests(messages.size());
  sha256_of_all(messages, digests, way);
  return digests;
}

TEST_P(Sha256PairTest, KnowsTheStandardsExamples) {
  // FIPS 180-4 examples: one block, two blocks.
  const auto digests = of_all(
      {as_bytes("abc"), as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")}, GetParam());
  EXPECT_EQ(to_hex(digests[0]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(digests[1]), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_P(Sha256PairTest, EqualsOneAtATimeForAllLengths) {
  const ByteVector bytes = noise(600, 1);
  for (size_t first = 0; first <= 200; ++first) {
    const size_t second = first * 7 % 300;
    const auto digests = of_all({Bytes(bytes).first(first), Bytes(bytes).subspan(first, second)}, GetParam());
    ASSERT_EQ(digests[0], sha256(Bytes(bytes).first(first))) << first;
    ASSERT_EQ(digests[1], sha256(Bytes(bytes).subspan(first, second))) << second;
  }
}

TEST_P(Sha256PairTest, ManyMessagesOfAllSizesKeepTheirPlaces) {
  const ByteVector bytes = noise(100'000, 4);
  std::mt19937 random(5);
  for (size_t count = 0; count <= 40; ++count) {
    std::vector<Bytes> messages;
    for (size_t i = 0; i < count; ++i) {
      // Frames of a stream: a large one now and then, many small ones, and some of no bytes.
      const size_t size = random() % (random() % 8 == 0 ? 50'000 : 300);
      messages.push_back(Bytes(bytes).subspan(random() % 50'000, size));
    }
    const auto digests = of_all(messages, GetParam());
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(digests[i], sha256(messages[i])) << i << " of " << count;
  }
}

TEST_P(Sha256PairTest, RunsOnInPiecesAndEndsOneAtATime) {
  const ByteVector bytes = noise(100'000, 2);
  std::mt19937 random(3);
  Sha256Pair pair(GetParam());
  Sha256 segment, whole;
  for (size_t at = 0; at < bytes.size();) {
    const size_t piece = std::min<size_t>(random() % 700, bytes.size() - at);
    pair.update(Bytes(bytes).subspan(at, piece));
    segment.update(Bytes(bytes).subspan(at, piece));
    whole.update(Bytes(bytes).subspan(at, piece));
    at += piece;
    if (random() % 4 == 0) {
      ASSERT_EQ(pair.finish(0), segment.finish()) << at;
    }
  }
  EXPECT_EQ(pair.finish(1), whole.finish());
  EXPECT_EQ(pair.finish(1), sha256({})) << "it starts afresh";
  EXPECT_THROW(pair.finish(2), std::out_of_range);
}

TEST_P(Sha256PairTest, MovesWithWhatItHasHashed) {
  Sha256Pair pair(GetParam());
  pair.update(as_bytes("ab"));
  Sha256Pair moved = std::move(pair);
  moved.update(as_bytes("c"));
  EXPECT_EQ(moved.finish(0), sha256(as_bytes("abc")));
  EXPECT_EQ(moved.finish(1), sha256(as_bytes("abc")));
}

INSTANTIATE_TEST_SUITE_P(Ways, Sha256PairTest, testing::Values(Sha256Way::best, Sha256Way::openssl),
                         [](const auto& way) { return way.param == Sha256Way::best ? "best" : "openssl"; });

}  // namespace
}  // namespace headgate
