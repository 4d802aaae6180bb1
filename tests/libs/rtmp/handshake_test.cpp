// SPDX-License-Identifier: LGPL-2.1-or-later
// The digest handshake is checked by a second implementation, written from the client's side.
#include <openssl/hmac.h>
#include <rtmp/adobe_auth.h>
#include <rtmp/handshake.h>

#include "client.h"

namespace headgate::rtmp::test {
namespace {

constexpr std::string_view kClientKey = "Genuine Adobe Flash Player 001";
constexpr std::string_view kServerKey = "Genuine Adobe Flash Media Server 001";
constexpr std::string_view kSharedHex = "f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae";

void not_random(std::span<std::byte> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i * 7 + 3);
}

ByteVector hmac(Bytes key, Bytes data) {
  ByteVector out(32);
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(data.data()), data.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

size_t offset_of(Bytes block, size_t at) {
  size_t sum = 0;
  for (size_t i = at; i < at + 4; ++i) sum += std::to_integer<size_t>(block[i]);
  return sum % 728 + at + 4;
}

ByteVector digest_of(Bytes block, size_t offset, std::string_view key) {
  return hmac(as_bytes(key),
              joined({ByteVector(block.begin(), block.begin() + static_cast<ptrdiff_t>(offset)),
                      ByteVector(block.begin() + static_cast<ptrdiff_t>(offset) + 32, block.end())}));
}

ByteVector c1_with_digest(size_t at) {
  ByteVector c1(kHandshakeBlock);
  not_random(c1);
  c1[4] = std::byte{9}, c1[5] = std::byte{0}, c1[6] = std::byte{0x7c},
  c1[7] = std::byte{2};  // FFmpeg's version
  size_t offset = offset_of(c1, at);
  ByteVector digest = digest_of(c1, offset, kClientKey);
  std::copy(digest.begin(), digest.end(), c1.begin() + static_cast<ptrdiff_t>(offset));
  return c1;
}

TEST(Handshake, PlainEchoesC1) {
  ByteVector input(1 + kHandshakeBlock);
  not_random(input);
  input[0] = std::byte{3};
  std::fill_n(input.begin() + 5, 4, std::byte{0});
  ServerHandshake handshake(not_random);
  ByteVector out;
  for (std::byte b : input) {
    EXPECT_TRUE(out.empty());
    auto used = handshake.feed({&b, 1}, out);
    ASSERT_TRUE(used);
    EXPECT_EQ(*used, 1u);
  }
  ASSERT_EQ(out.size(), 1 + 2 * kHandshakeBlock);
  EXPECT_EQ(out[0], std::byte{3});
  EXPECT_EQ(to_hex(Bytes(out).subspan(1, 8)), "0000000000000000");
  EXPECT_EQ(to_hex(Bytes(out).subspan(1 + kHandshakeBlock)), to_hex(Bytes(input).subspan(1)));
  EXPECT_FALSE(handshake.done());
  ByteVector c2(kHandshakeBlock + 10);
  auto used = handshake.feed(c2, out);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, kHandshakeBlock) << "what follows C2 is not the handshake's";
  EXPECT_TRUE(handshake.done());
}

class DigestHandshake : public testing::TestWithParam<size_t> {};

TEST_P(DigestHandshake, IsAnsweredInTheClientsScheme) {
  ByteVector c1 = c1_with_digest(GetParam());
  std::array<std::byte, 32> found;
  EXPECT_EQ(find_client_digest(c1, found), GetParam() == 8 ? DigestScheme::kAt8 : DigestScheme::kAt772);
  ServerHandshake handshake(not_random);
  ByteVector out;
  ASSERT_TRUE(handshake.feed(joined({hex("03"), c1}), out));
  ASSERT_EQ(out.size(), 1 + 2 * kHandshakeBlock);
  Bytes s1 = Bytes(out).subspan(1, kHandshakeBlock), s2 = Bytes(out).subspan(1 + kHandshakeBlock);
  EXPECT_GE(std::to_integer<int>(s1[4]), 3);
  size_t offset = offset_of(s1, GetParam());
  EXPECT_EQ(to_hex(s1.subspan(offset, 32)), to_hex(digest_of(s1, offset, kServerKey)));
  ByteVector key =
      joined({ByteVector(as_bytes(kServerKey).begin(), as_bytes(kServerKey).end()), hex(kSharedHex)});
  EXPECT_EQ(to_hex(s2.last(32)), to_hex(hmac(hmac(key, found), s2.first(kHandshakeBlock - 32))));
}
INSTANTIATE_TEST_SUITE_P(Schemes, DigestHandshake, testing::Values(8, 772));

TEST(Handshake, VersionWithoutADigestIsPlain) {
  ByteVector c1 = c1_with_digest(8);
  c1[1500] ^= std::byte{1};
  ServerHandshake handshake(not_random);
  ByteVector out;
  ASSERT_TRUE(handshake.feed(joined({hex("03"), c1}), out));
  EXPECT_EQ(to_hex(Bytes(out).subspan(1 + kHandshakeBlock)), to_hex(c1));
}

TEST(Handshake, OtherVersionsAreRefused) {
  for (const char* first : {"06", "00", "47", "16"}) {
    ServerHandshake handshake;
    ByteVector out;
    EXPECT_FALSE(handshake.feed(hex(first), out)) << first;
  }
}

std::string value_of(std::string_view text, std::string_view key) {
  size_t at = text.find(std::string(key) + "=");
  EXPECT_NE(at, std::string_view::npos) << key;
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size() + 1);
  return std::string(text.substr(0, text.find('&')));
}

class AdobeAuthTest : public testing::Test {
 protected:
  // What a client appends to its app after a challenge.
  AdobeQuery answer(std::string_view password, int64_t now = 1000) {
    std::string description = auth_.challenge(kUser, "192.0.2.7", now);
    AdobeQuery query;
    query.user = kUser;
    query.opaque = value_of(description, "opaque");
    query.challenge = "MTIzNA==";
    query.response =
        adobe_response(kUser, value_of(description, "salt"), password, query.opaque, query.challenge);
    return query;
  }
  std::string error_of(const AdobeQuery& query, std::string_view peer = "192.0.2.7", int64_t now = 1001) {
    auto checked = auth_.check(query, peer, now, passwords_);
    EXPECT_FALSE(checked);
    return checked ? "" : checked.error().message;
  }

  static constexpr std::string_view kUser = "AAISEM2EKVTHO6EJTKV6XTG66H";
  AdobeAuth auth_;
  std::map<uint8_t, std::string> passwords_ = {{1, "FIRST"}, {9, "SECOND"}};
};

TEST_F(AdobeAuthTest, KnownResponse) {
  // printf userSALTpass | openssl md5 -binary | base64; then the same of that followed by opaqchal.
  EXPECT_EQ(adobe_response("user", "SALT", "pass", "opaq", "chal"), "Un6/IfOc7tZwKJA943MKhg==");
}

TEST_F(AdobeAuthTest, FindsThePasswordThatFits) {
  auto first = auth_.check(answer("FIRST"), "192.0.2.7", 1001, passwords_);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*first, 1);
  auto second = auth_.check(answer("SECOND"), "192.0.2.7", 1001, passwords_);
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, 9);
}

TEST_F(AdobeAuthTest, Refusals) {
  EXPECT_EQ(error_of(answer("WRONG")), "wrong-password");
  EXPECT_EQ(error_of(answer("FIRST"), "192.0.2.8"), "not-our-challenge");
  EXPECT_EQ(error_of(answer("FIRST"), "192.0.2.7", 1000 + kChallengeSeconds + 1), "challenge-expired");
  EXPECT_EQ(error_of(answer("FIRST", 2000), "192.0.2.7", 1999), "challenge-expired");
  AdobeQuery other = answer("FIRST");
  other.user = "BAISEM2EKVTHO6EJTKV6XTG66H";
  EXPECT_EQ(error_of(other), "not-our-challenge");
  AdobeQuery forged = answer("FIRST");
  forged.opaque[3] = forged.opaque[3] == 'A' ? 'B' : 'A';
  EXPECT_EQ(error_of(forged), "not-our-challenge");
  forged.opaque = "";
  EXPECT_EQ(error_of(forged), "not-our-challenge");
  AdobeAuth restarted;
  EXPECT_FALSE(restarted.check(answer("FIRST"), "192.0.2.7", 1001, passwords_));
}

TEST_F(AdobeAuthTest, AChallengePassesOnce) {
  AdobeQuery query = answer("FIRST");
  EXPECT_TRUE(auth_.check(query, "192.0.2.7", 1001, passwords_));
  EXPECT_EQ(error_of(query), "challenge-used-before");
  EXPECT_EQ(auth_.remembered(), 1u);
  // It is forgotten only when it has expired.
  EXPECT_EQ(error_of(query, "192.0.2.7", 1000 + kChallengeSeconds), "challenge-used-before");
  EXPECT_EQ(error_of(query, "192.0.2.7", 1000 + kChallengeSeconds + 5), "challenge-expired");
  EXPECT_EQ(auth_.remembered(), 0u);
}

TEST_F(AdobeAuthTest, StackBytesBehindALibrtmpResponseAreIgnored) {
  AdobeQuery query = answer("FIRST");
  query.response += "\xcb\x1f\xed\xf7\xff\x7f";
  EXPECT_TRUE(auth_.check(query, "192.0.2.7", 1001, passwords_));
  query = answer("FIRST");
  query.response.pop_back();
  EXPECT_EQ(error_of(query), "wrong-password");
}

TEST_F(AdobeAuthTest, WrongAnswersAreNotRemembered) {
  AdobeQuery query = answer("WRONG");
  error_of(query);
  EXPECT_EQ(auth_.remembered(), 0u);
}

TEST(AdobeDescriptions, FitTheClientsBuffers) {
  AdobeAuth auth;
  for (const std::string& text :
       {AdobeAuth::need_auth(std::string(400, 'x')), AdobeAuth::failed(std::string(400, 'x')),
        AdobeAuth::no_such_user(), auth.challenge(std::string(26, 'A'), "2001:db8::1", 1),
        auth.challenge(std::string(64, 'A'), "2001:db8::1", 1),
        auth.challenge(std::string(500, 'A'), "p", 1)})
    EXPECT_LE(text.size(), kMaxDescription) << text;
  std::string challenge = auth.challenge(std::string(64, 'A'), "2001:db8::1", 1);
  EXPECT_EQ(value_of(challenge, "opaque").size(), 32u) << "not cut";
  // The words that ffmpeg, librtmp and rtmp2 look for.
  EXPECT_NE(AdobeAuth::need_auth("").find("code=403 need auth; authmod=adobe"), std::string::npos);
  EXPECT_NE(challenge.find("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user="),
            std::string::npos);
}

TEST(AdobeDescriptions, AreCutBetweenCharacters) {
  std::string text = std::string(254, 'x') + "\xd5\xa1";  // Armenian, 2 bytes
  EXPECT_EQ(fit_description(text), std::string(254, 'x'));
  EXPECT_EQ(fit_description(text.substr(1)).size(), 255u);
}

TEST(AdobeQuery, AsClientsAppendIt) {
  auto query = parse_adobe_query("authmod=adobe&user=U&challenge=YQ==&response=a+b/c==&opaque=x-_");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->user, "U");
  EXPECT_EQ(query->challenge, "YQ==");
  EXPECT_EQ(query->response, "a+b/c==");
  EXPECT_EQ(query->opaque, "x-_");
  query = parse_adobe_query("x=1?authmod=adobe&user=a%2Fb%");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->user, "a/b%");
  EXPECT_FALSE(parse_adobe_query(""));
  EXPECT_FALSE(parse_adobe_query("authmod=adobe"));
  EXPECT_FALSE(parse_adobe_query("authmod=llnw&user=U"));
  EXPECT_FALSE(parse_adobe_query("user=U"));
}

}  // namespace
}  // namespace headgate::rtmp::test
