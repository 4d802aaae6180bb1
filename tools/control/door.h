// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may ask over TCP: bearers of a token whose SHA-256 stands in a file, as lines of NAME ROLE DIGEST
// (roles read, operate; digests in hexadecimal; '#' begins a comment). Whoever has a token comes in whatever
// strangers do, at a rate of the token's own: behind a proxy all have one address.
#pragma once

#include <base/clock.h>
#include <base/result.h>
#include <base/sha256.h>

#include <map>
#include <string>
#include <vector>

#include "exchange.h"

namespace headgate::control {

inline constexpr size_t kMaxTokens = 256;
inline constexpr size_t kMaxTokensFile = 64 << 10;
inline constexpr size_t kMaxTokenBytes = 256;          // of what a stranger shows
inline constexpr size_t kMaxNameBytes = 64;            // of a token
inline constexpr int64_t kMaxRequestsPerSecond = 100;  // of each token; of all strangers together
inline constexpr int64_t kMaxFailuresPerMinute = 20;   // of one address; then it is told 429
inline constexpr size_t kMaxFailingAddresses = 4096;   // that are counted; beyond, all are taken for one

class Door {
 public:
  explicit Door(const Clock& clock) : clock_(clock) {}
  // Instead of those before. The error names the file and line; then those before stay.
  Result<void> load(const std::string& file);
  size_t tokens() const { return tokens_.size(); }
  // Whether whoever has come in by this token (Caller::token) still may.
  bool knows(const std::string& digest) const;

  // `authorization`: the header. Error.code: 401, or 429 (too many requests, or failures).
  Result<Caller> enter(const std::string& authorization, const std::string& address);

 private:
  // Requests in a second.
  struct Rate {
    int64_t second = 0, requests = 0;
    bool more(int64_t now_s);  // false: they are too many
  };
  struct Token {
    Caller caller;
    Digest digest;
    Rate rate;
  };
  Token* find(const std::string& token);

  const Clock& clock_;
  std::vector<Token> tokens_;
  Rate strangers_;
  int64_t minute_ = 0;
  std::map<std::string, int64_t> failures_;  // in this one, by address
};

}  // namespace headgate::control
