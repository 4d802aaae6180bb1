// SPDX-License-Identifier: LGPL-2.1-or-later
// One HTTP request and its answer, over TCP or TLS; waits for it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <base/result.h>

namespace headgate::preflight {

inline constexpr size_t kMaxAnswerBytes = 64u << 20;

struct HttpRequest {
  std::string method = "GET", url;
  unsigned timeout_s = 30;  // of silence
  std::string body = {}, type = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};
struct HttpAnswer {
  unsigned status = 0;
  std::string body, type;  // the type without parameters
};
// Error: none came.
Result<HttpAnswer> http(const HttpRequest& request);

}  // namespace headgate::preflight
