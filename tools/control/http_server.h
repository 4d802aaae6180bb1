// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP of the control process, over its Unix socket (whoever can open it is an operator) or over TCP (through
// a Door). Connections have their places and times (Connections), requests have bounds, one on which nothing
// moves for kIdleSeconds is closed.
#pragma once

#include <base/loop.h>
#include <base/unique_fd.h>

#include <functional>
#include <memory>
#include <string>

#include "connections.h"
#include "door.h"
#include "exchange.h"

namespace headgate::control {

inline constexpr unsigned kIdleSeconds = 30;
inline constexpr size_t kMaxPathBytes = 1024;
inline constexpr goffset kMaxBodyBytes = 16 << 10;

class HttpServer {
 public:
  using Handler = std::function<void(const ExchangePtr&)>;
  // `door`: null for a server whose callers are operators by where they are. `clock`: of what connections are
  // given time for.
  HttpServer(Loop& loop, const Clock& clock, UniqueFd listener, Door* door, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  int listener() const { return listener_.get(); }
  size_t connections() const { return places_->open.size(); }
  // The door knows others than before.
  void recheck();

 private:
  // Connections outlive the server for a moment.
  struct Places {
    HttpServer* server = nullptr;  // null: gone
    Connections open;
  };
  void watch();
  void unwatch();
  void accept_all();
  void give_to_libsoup(UniqueFd fd);
  void sweep();
  bool admit(SoupServerMessage* message);  // false: it was answered
  static void on_headers(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                         gpointer self);
  static void on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                         gpointer self);

  Loop& loop_;
  UniqueFd listener_;
  Door* door_;
  Handler handler_;
  std::shared_ptr<Places> places_;
  SoupServer* server_;
  bool watching_ = false;
  Loop::TimerId resume_ = 0;
  Loop::TimerId sweep_ = 0;  // while there are connections
};

}  // namespace headgate::control
