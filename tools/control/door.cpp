// SPDX-License-Identifier: LGPL-2.1-or-later
#include "door.h"

#include <base/encoding.h>
#include <base/io.h>
#include <ticket/secret.h>

#include <algorithm>
#include <sstream>

namespace headgate::control {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr char kOthers[] = "others";

Unexpected refused(int code, const std::string& text) {
  return Unexpected(code, text);
}

}  // namespace

Result<void> Door::load(const std::string& file) {
  auto content = read_file(file, kMaxTokensFile);
  if (!content) return Unexpected(content.error());
  std::vector<Token> tokens;
  std::istringstream lines{std::string(as_text(*content))};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string place = file + ":" + std::to_string(number) + ": ";
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name, role, digest, more;
    if (!(words >> name)) continue;
    if (!(words >> role >> digest) || words >> more)
      return Unexpected(place + "a line is NAME ROLE SHA256-OF-TOKEN");
    if (name.size() > kMaxNameBytes) return Unexpected(place + "the name is too long");
    if (role != "read" && role != "operate")
      return Unexpected(place + "the role is 'read' or 'operate', not '" + role + "'");
    const auto bytes = from_hex(digest);
    Token token{{name, role == "operate"}, {}, {}};
    if (!bytes || bytes->size() != token.digest.size())
      return Unexpected(place + "the digest is 64 hexadecimal digits: printf %s TOKEN | sha256sum");
    std::copy(bytes->begin(), bytes->end(), token.digest.begin());
    if (tokens.size() == kMaxTokens)
      return Unexpected(place + "more than " + std::to_string(kMaxTokens) + " tokens");
    tokens.push_back(token);
  }
  tokens_ = std::move(tokens);
  return {};
}

bool Door::knows(const std::string& digest) const {
  return std::any_of(tokens_.begin(), tokens_.end(),
                     [&](const Token& one) { return to_hex(one.digest) == digest; });
}

bool Door::Rate::more(int64_t now_s) {
  if (now_s != second) second = now_s, requests = 0;
  return ++requests <= kMaxRequestsPerSecond;
}

// All are compared, each in the same time: how far one got tells nothing.
Door::Token* Door::find(const std::string& token) {
  const Digest digest = sha256(as_bytes(token));
  Token* found = nullptr;
  for (Token& one : tokens_)
    if (ticket::same_secret(one.digest, digest)) found = &one;
  return found;
}

Result<Caller> Door::enter(const std::string& authorization, const std::string& address) {
  const int64_t now = clock_.mono_us() / 1'000'000;
  const std::string rate = "more than " + std::to_string(kMaxRequestsPerSecond) + " requests a second";
  const std::string token =
      authorization.starts_with(kBearer) ? authorization.substr(kBearer.size()) : std::string();
  Token* known = token.empty() || token.size() > kMaxTokenBytes ? nullptr : find(token);
  if (known && !known->rate.more(now)) return refused(429, rate + " with this token");
  if (known) {
    Caller caller = known->caller;
    caller.from = address;
    caller.token = to_hex(known->digest);
    return caller;
  }
  if (!strangers_.more(now)) return refused(429, rate + " without a token that is known");
  if (now / 60 != minute_) {
    minute_ = now / 60;
    failures_.clear();
  }
  const bool counted = failures_.size() < kMaxFailingAddresses || failures_.count(address) != 0;
  const std::string whose = counted ? address : kOthers;
  auto failed = failures_.find(whose);
  if (failed != failures_.end() && failed->second >= kMaxFailuresPerMinute)
    return refused(429, "too many wrong tokens from this address in this minute");
  if (!token.empty()) ++failures_[whose];
  return refused(401, token.empty() ? "a token is needed" : "this token is not known");
}

}  // namespace headgate::control
