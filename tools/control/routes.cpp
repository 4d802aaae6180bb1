// SPDX-License-Identifier: LGPL-2.1-or-later
#include "routes.h"

namespace headgate::control {
namespace {

std::vector<std::string> words_of(const std::string& path) {
  std::vector<std::string> out;
  for (size_t at = 1; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    out.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return out;
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& words,
          std::vector<std::string>& parts) {
  if (pattern.size() != words.size()) return false;
  parts.clear();
  for (size_t i = 0; i < words.size(); ++i) {
    if (pattern[i].starts_with('{'))
      parts.push_back(words[i]);
    else if (pattern[i] != words[i])
      return false;
  }
  return true;
}

}  // namespace

void Routes::answer(const ExchangePtr& exchange) const {
  const auto words = words_of(exchange->path());
  std::string others;
  for (const Route& route : all_) {
    std::vector<std::string> parts;
    if (!fits(words_of(route.path), words, parts)) continue;
    if (route.method != exchange->method()) {
      others += (others.empty() ? "" : ", ") + route.method;
      continue;
    }
    if (route.right == Right::operates && !exchange->caller().operates)
      return exchange->fail(403, "the token '" + exchange->caller().name + "' may only read",
                            "use one whose role is 'operate'");
    exchange->parts = std::move(parts);
    return route.answer(exchange);
  }
  if (others.empty())
    return exchange->fail(404, "there is nothing here", "GET /api/v1/openapi.yaml tells what there is");
  exchange->fail(405, "this address takes " + others, "ask with one of these methods");
}

std::string Routes::text() const {
  std::string out;
  for (const Route& route : all_) out += route.method + " " + route.path + "\n";
  return out;
}

}  // namespace headgate::control
