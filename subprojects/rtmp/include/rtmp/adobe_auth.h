// SPDX-License-Identifier: LGPL-2.1-or-later
// Adobe's challenge-response for publishers ("authmod=adobe"), server side: the only way in which stock
// clients prove a password on plain RTMP without sending it. The client connects three times: without
// anything; with ?authmod=adobe&user=…; with the response to the challenge it was given. MD5 all through, so
// passwords must be random (here 128 bits). Challenges are stateless: the opaque is a time and a MAC over
// user, peer and time; only those that were answered rightly are remembered until they expire.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

#include <base/bytes.h>
#include <base/result.h>
#include <rtmp/handshake.h>

namespace headgate::rtmp {

// The description of a _error that starts or goes on with the exchange must fit FFmpeg's 256-byte buffer.
inline constexpr size_t kMaxDescription = 255;
inline constexpr int64_t kChallengeSeconds = 30;           // from challenge to response
inline constexpr size_t kMaxRememberedChallenges = 65536;  // answered and not yet expired

// The text of refusals, cut to kMaxDescription bytes between characters (UTF-8).
std::string fit_description(std::string text);

// Parameters that the client appended to the app name (or to tcUrl) after '?'.
struct AdobeQuery {
  std::string user, challenge, response, opaque;
};
// What follows the first '?': `authmod=adobe&user=…`. No value unless authmod is adobe and there is a user.
// Values are percent-decoded.
Result<AdobeQuery> parse_adobe_query(std::string_view query);

// base64(md5(base64(md5(user || salt || password)) || opaque || challenge)), as the clients compute it.
std::string adobe_response(std::string_view user, std::string_view salt, std::string_view password,
                           std::string_view opaque, std::string_view client_challenge);

// One per process; the key dies with it. Not thread-safe. Times are seconds of any clock that does not step.
class AdobeAuth {
 public:
  explicit AdobeAuth(FillRandom random = system_random);

  // Descriptions for NetConnection.Connect.Rejected.
  static std::string need_auth(std::string_view advice);  // to a connect without parameters
  std::string challenge(std::string_view user, std::string_view peer, int64_t now);
  static std::string failed(std::string_view detail);  // wrong response; detail: [a-z-], for people
  static std::string no_such_user();                   // not a name this server knows

  // Which of `passwords` (by any number of the caller's) gives the response; each challenge passes once.
  // Error: a word that says why not, for failed().
  Result<int> check(const AdobeQuery& query, std::string_view peer, int64_t now,
                    const std::map<uint8_t, std::string>& passwords);

  size_t remembered() const { return used_.size(); }

 private:
  std::string opaque(std::string_view user, std::string_view peer, uint32_t time, uint32_t nonce) const;
  void forget_expired(int64_t now);

  FillRandom random_;
  std::array<std::byte, 32> key_{};
  std::string salt_;
  std::unordered_set<std::string> used_;                // opaques
  std::multimap<int64_t, std::string> used_by_expiry_;  // the same, by when they expire
};

}  // namespace headgate::rtmp
