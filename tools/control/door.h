// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may ask over TCP: bearers of a token whose SHA-256 stands in a file, as lines of NAME ROLE DIGEST
// (roles read, operate; digests in hexadecimal; '#' begins a comment). Whoever guesses is stopped after a few
// tries.
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
inline constexpr int64_t kMaxRequestsPerSecond = 100;  // of all together
inline constexpr int64_t kMaxFailuresPerMinute = 20;   // of one address; then its tokens are not looked at
inline constexpr size_t kMaxFailingAddresses = 4096;   // that are counted; beyond, all are taken for one

class Door {
 public:
  explicit Door(const Clock& clock) : clock_(clock) {}
  // Instead of those before. The error names the file and line; then those before stay.
  Result<void> load(const std::string& file);
  size_t tokens() const { return tokens_.size(); }

  // `authorization`: the header. Error.code: 401, or 429 (too many requests, or failures).
  Result<Caller> enter(const std::string& authorization, const std::string& address);

 private:
  struct Token {
    Caller caller;
    Digest digest;
  };
  const Caller* find(const std::string& token) const;

  const Clock& clock_;
  std::vector<Token> tokens_;
  int64_t second_ = 0, requests_ = 0;  // in this one
  int64_t minute_ = 0;
  std::map<std::string, int64_t> failures_;  // in this one, by address
};

}  // namespace headgate::control
