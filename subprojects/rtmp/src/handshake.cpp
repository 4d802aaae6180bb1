// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/handshake.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <base/room.h>

namespace headgate::rtmp {
namespace {

constexpr std::byte kVersion{3};
constexpr size_t kDigest = 32;
// The keys are a name in clear and 32 bytes that both sides share.
constexpr std::string_view kClientName = "Genuine Adobe Flash Player 001";
constexpr std::string_view kServerName = "Genuine Adobe Flash Media Server 001";
constexpr std::array<uint8_t, 32> kShared = {0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0,
                                             0xd1, 0x02, 0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80,
                                             0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae};
constexpr std::array<uint8_t, 4> kServerVersion = {4, 5, 0, 1};  // 3 or more: clients then check digests

using Digest32 = std::array<std::byte, kDigest>;

Digest32 hmac(Bytes key, Bytes data) {
  Digest32 out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(data.data()), data.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

size_t sum_at(Bytes block, size_t at) {
  size_t sum = 0;
  for (size_t i = 0; i < 4; ++i) sum += std::to_integer<size_t>(block[at + i]);
  return sum;
}

size_t digest_offset(Bytes block, DigestScheme scheme) {
  return scheme == DigestScheme::kAt8 ? sum_at(block, 8) % 728 + 12 : sum_at(block, 772) % 728 + 776;
}

// Of a C1 or S1 with the digest's own bytes left out.
Digest32 block_digest(Bytes block, size_t offset, std::string_view key) {
  ByteVector rest(block.begin(), block.begin() + static_cast<ptrdiff_t>(offset));
  rest.insert(rest.end(), block.begin() + static_cast<ptrdiff_t>(offset + kDigest), block.end());
  return hmac(as_bytes(key), rest);
}

}  // namespace

void system_random(std::span<std::byte> out) {
  while (!out.empty()) {
    ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<size_t>(got));
  }
}

DigestScheme find_client_digest(Bytes c1, std::span<std::byte, 32> digest) {
  for (DigestScheme scheme : {DigestScheme::kAt772, DigestScheme::kAt8}) {
    size_t offset = digest_offset(c1, scheme);
    Digest32 expected = block_digest(c1, offset, kClientName);
    if (CRYPTO_memcmp(expected.data(), c1.data() + offset, kDigest) != 0) continue;
    std::copy(expected.begin(), expected.end(), digest.begin());
    return scheme;
  }
  return DigestScheme::kNone;
}

Result<size_t> ServerHandshake::feed(Bytes data, ByteVector& out) {
  size_t used = 0;
  if (!answered_ && !data.empty()) {
    if (received_.empty() && data[0] != kVersion)
      return Unexpected("RTMP handshake: version " + std::to_string(std::to_integer<int>(data[0])) +
                        " is not taken, only 3 (plain RTMP)");
    size_t count = std::min(data.size(), 1 + kHandshakeBlock - received_.size());
    received_.insert(received_.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(count));
    used = count;
    if (received_.size() < 1 + kHandshakeBlock) return used;
    answer(out);
    answered_ = true;
    clear_keeping(received_, 0);
  }
  size_t count = std::min(data.size() - used, kHandshakeBlock - c2_received_);
  c2_received_ += count;
  done_ = answered_ && c2_received_ == kHandshakeBlock;
  return used + count;
}

void ServerHandshake::answer(ByteVector& out) {
  Bytes c1 = Bytes(received_).subspan(1);
  Digest32 client_digest;
  uint32_t client_version = ByteReader(c1.subspan(4)).u32();
  DigestScheme scheme =
      client_version == 0 ? DigestScheme::kNone : find_client_digest(c1, std::span(client_digest));

  out.push_back(kVersion);
  size_t s1_at = out.size();
  out.resize(s1_at + 2 * kHandshakeBlock);
  std::span<std::byte> s1 = std::span(out).subspan(s1_at, kHandshakeBlock);
  std::span<std::byte> s2 = std::span(out).subspan(s1_at + kHandshakeBlock, kHandshakeBlock);
  random_(s1.subspan(8));
  if (scheme == DigestScheme::kNone) {
    std::copy(c1.begin(), c1.end(), s2.begin());  // S2 echoes C1 (5.2.4)
    return;
  }
  std::copy_n(std::as_bytes(std::span(kServerVersion)).begin(), kServerVersion.size(), s1.begin() + 4);
  size_t offset = digest_offset(s1, scheme);
  Digest32 digest = block_digest(s1, offset, kServerName);
  std::copy(digest.begin(), digest.end(), s1.begin() + static_cast<ptrdiff_t>(offset));

  ByteVector server_key;
  ByteWriter key(server_key);
  key.text(kServerName);
  key.bytes(std::as_bytes(std::span(kShared)));
  random_(s2.first(kHandshakeBlock - kDigest));
  Digest32 signature = hmac(hmac(server_key, client_digest), s2.first(kHandshakeBlock - kDigest));
  std::copy(signature.begin(), signature.end(), s2.end() - kDigest);
}

}  // namespace headgate::rtmp
