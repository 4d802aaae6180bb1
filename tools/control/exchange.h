// SPDX-License-Identifier: LGPL-2.1-or-later
// A request and its answer, now or later; who asked may be gone by then. Every answer is one object of JSON,
// but for what is said to be text, and every connection ends with it: libsoup 3.2 never lets go of one that
// its client closes between two requests. One that is dropped unanswered is answered 500.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::control {

inline constexpr char kTypeJson[] = "application/json";

// Who asks, and what he may.
struct Caller {
  std::string name;  // of the token; over the Unix socket the user's (tools::Actor)
  bool operates = false;
  std::string from{};   // an address; "admin.sock uid=0"
  std::string token{};  // the digest of the token, in hexadecimal; empty: he has come by the Unix socket
};

class Exchange {
 public:
  Exchange(SoupServerMessage* message, const std::string& path, Caller caller);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const std::string& path() const { return path_; }
  std::string method() const;                  // HEAD is told as GET
  std::string header(const char* name) const;  // empty: it has none
  std::string query(const char* name) const;   // likewise
  std::string body() const;
  const Caller& caller() const { return caller_; }
  // Words of the path that stand where the route has {…}, in order.
  std::vector<std::string> parts;

  // The first one counts.
  void send(unsigned status, const std::string& json);
  void send_text(unsigned status, const char* type, const std::string& text);
  // What is wrong, and what to do about it.
  void fail(unsigned status, const std::string& error, const std::string& remedy);
  bool gone() const { return gone_; }
  // The answer is somebody else's from here on; he unpauses it (Event streams).
  SoupServerMessage* take_over();

 private:
  SoupServerMessage* message_;
  const std::string path_;
  const Caller caller_;
  gulong finished_ = 0;
  bool sent_ = false, gone_ = false;
};
using ExchangePtr = std::shared_ptr<Exchange>;

// {"error", "do"}
std::string error_json(const std::string& error, const std::string& remedy);
// What every answer has; the body is not set yet.
void set_headers(SoupServerMessage* message, const char* type);

}  // namespace headgate::control
