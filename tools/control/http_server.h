// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP of the control process, over its Unix socket (whoever can open it is an operator) or over TCP (through
// a Door). Connections are counted, requests have bounds, one on which nothing moves for kIdleSeconds is
// closed.
#pragma once

#include <base/loop.h>
#include <base/unique_fd.h>

#include <functional>
#include <memory>
#include <string>

#include "door.h"
#include "exchange.h"

namespace headgate::control {

inline constexpr int64_t kMaxConnections = 128;  // of one server; more wait in the kernel
inline constexpr unsigned kIdleSeconds = 30;
inline constexpr size_t kMaxPathBytes = 1024;
inline constexpr goffset kMaxBodyBytes = 16 << 10;

class HttpServer {
 public:
  using Handler = std::function<void(const ExchangePtr&)>;
  // `door`: null for a server whose callers are operators by where they are.
  HttpServer(Loop& loop, UniqueFd listener, Door* door, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  int listener() const { return listener_.get(); }

 private:
  struct Count {
    HttpServer* server = nullptr;  // null: gone
    int64_t open = 0;
  };
  void watch();
  void unwatch();
  void accept_all();
  void give_to_libsoup(UniqueFd fd);
  bool admit(SoupServerMessage* message);  // false: it was answered
  static void on_headers(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                         gpointer self);
  static void on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                         gpointer self);

  Loop& loop_;
  UniqueFd listener_;
  Door* door_;
  Handler handler_;
  std::shared_ptr<Count> count_;
  SoupServer* server_;
  bool watching_ = false;
  Loop::TimerId resume_ = 0;
};

}  // namespace headgate::control
