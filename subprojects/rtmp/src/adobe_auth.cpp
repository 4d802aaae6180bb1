// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/adobe_auth.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include <base/encoding.h>

namespace headgate::rtmp {
namespace {

constexpr std::string_view kPrefix = "[ AccessManager.Reject ] : ";
constexpr std::string_view kContext = "headgate adobe challenge 1";
constexpr size_t kMac = 16, kOpaque = 4 + 4 + kMac;  // bytes: time, nonce, MAC
constexpr size_t kSaltBytes = 6;
constexpr size_t kMaxUser = 64;
constexpr size_t kResponse = 24;  // characters: an MD5 in base64

std::string md5_base64(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (std::string_view part : parts) joined += part;
  std::array<std::byte, 16> digest{};
  unsigned size = 0;
  EVP_Digest(joined.data(), joined.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_md5(),
             nullptr);
  return to_base64(digest);
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// '+' stays: clients send base64 as it is.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace

std::string fit_description(std::string text) {
  if (text.size() <= kMaxDescription) return text;
  size_t end = kMaxDescription;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;  // inside a UTF-8 character
  text.resize(end);
  return text;
}

Result<AdobeQuery> parse_adobe_query(std::string_view query) {
  AdobeQuery out;
  bool adobe = false;
  while (!query.empty()) {
    size_t end = query.find_first_of("&?");  // clients append "?authmod=…" to whatever query there was
    std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view key = pair.substr(0, equals);
    std::string value = percent_decoded(pair.substr(equals + 1));
    if (key == "authmod")
      adobe = value == "adobe";
    else if (key == "user")
      out.user = std::move(value);
    else if (key == "challenge")
      out.challenge = std::move(value);
    else if (key == "response")
      out.response = std::move(value);
    else if (key == "opaque")
      out.opaque = std::move(value);
  }
  if (!adobe || out.user.empty()) return Unexpected("no authmod=adobe with a user");
  return out;
}

std::string adobe_response(std::string_view user, std::string_view salt, std::string_view password,
                           std::string_view opaque, std::string_view client_challenge) {
  return md5_base64({md5_base64({user, salt, password}), opaque, client_challenge});
}

AdobeAuth::AdobeAuth(FillRandom random) : random_(random) {
  random_(key_);
  std::array<std::byte, kSaltBytes> salt{};
  random_(salt);
  salt_ = to_base64url(salt);
}

std::string AdobeAuth::need_auth(std::string_view advice) {
  return fit_description(std::string(kPrefix) +
                         "[ code=403 need auth; authmod=adobe ] : " + std::string(advice));
}

std::string AdobeAuth::failed(std::string_view detail) {
  return fit_description(std::string(kPrefix) +
                         "[ authmod=adobe ] : ?reason=authfailed&detail=" + std::string(detail));
}

std::string AdobeAuth::no_such_user() {
  return std::string(kPrefix) + "[ authmod=adobe ] : ?reason=nosuchuser";
}

std::string AdobeAuth::challenge(std::string_view user, std::string_view peer, int64_t now) {
  if (user.size() > kMaxUser) return no_such_user();
  std::array<std::byte, 4> random;
  random_(random);
  uint32_t nonce = ByteReader(random).u32();
  return fit_description(std::string(kPrefix) + "[ authmod=adobe ] : ?reason=needauth&user=" +
                         std::string(user) + "&salt=" + salt_ + "&challenge=" + to_hex(random) +
                         "&opaque=" + opaque(user, peer, static_cast<uint32_t>(now), nonce));
}

std::string AdobeAuth::opaque(std::string_view user, std::string_view peer, uint32_t time,
                              uint32_t nonce) const {
  ByteVector message;
  ByteWriter writer(message);
  writer.text(kContext);
  writer.u32(time);
  writer.u32(nonce);
  writer.u32(user.size());
  writer.text(user);
  writer.text(peer);
  std::array<std::byte, 32> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(mac.data()), &size);
  ByteVector out;
  ByteWriter fields(out);
  fields.u32(time);
  fields.u32(nonce);
  fields.bytes(Bytes(mac).first(kMac));
  return to_base64url(out);
}

void AdobeAuth::forget_expired(int64_t now) {
  while (!used_by_expiry_.empty() && used_by_expiry_.begin()->first < now) {
    used_.erase(used_by_expiry_.begin()->second);
    used_by_expiry_.erase(used_by_expiry_.begin());
  }
}

Result<int> AdobeAuth::check(const AdobeQuery& query, std::string_view peer, int64_t now,
                             const std::map<uint8_t, std::string>& passwords) {
  forget_expired(now);
  auto raw = from_base64url(query.opaque);
  if (!raw || raw->size() != kOpaque) return Unexpected("not-our-challenge");
  ByteReader reader(*raw);
  uint32_t time = reader.u32();
  uint32_t nonce = reader.u32();
  if (!equal(opaque(query.user, peer, time, nonce), query.opaque)) return Unexpected("not-our-challenge");
  uint32_t age = static_cast<uint32_t>(now) - time;
  if (age > kChallengeSeconds) return Unexpected("challenge-expired");
  if (used_.contains(query.opaque)) return Unexpected("challenge-used-before");
  if (used_.size() >= kMaxRememberedChallenges) return Unexpected("overload-try-again");
  // Behind the response librtmp sends up to 8 bytes of its stack.
  std::string_view response = std::string_view(query.response).substr(0, kResponse);
  int matched = -1;
  for (const auto& [id, password] : passwords)
    if (equal(adobe_response(query.user, salt_, password, query.opaque, query.challenge), response))
      matched = id;
  if (matched < 0) return Unexpected("wrong-password");
  used_.insert(query.opaque);
  used_by_expiry_.emplace(now + kChallengeSeconds, query.opaque);
  return matched;
}

}  // namespace headgate::rtmp
