// SPDX-License-Identifier: LGPL-2.1-or-later
// Our own accept: connections have their seats (seats.h), and one on which nothing moves for kIdleSeconds is
// closed. Players and caches are answered by MediaConnections, everybody else by libsoup's server, which is
// not made for strangers by the thousand: in public, nginx stands in front (docs/node.md).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <base/loop.h>
#include <base/unique_fd.h>

#include "media_connections.h"
#include "reply.h"
#include "seats.h"

namespace headgate::origin {

inline constexpr int kMaxRequests = 100;        // of one connection of libsoup's, then it is closed
inline constexpr int64_t kAcceptPauseMs = 100;  // when descriptors have run out

class HttpServer {
 public:
  using Handler = std::function<void(SoupServerMessage* message, const std::string& path)>;
  // `handler` gets GET and HEAD requests of a sane size; `media`, where there is one, those for media that
  // are plain.
  HttpServer(Loop& loop, UniqueFd listener, const ConnectionLimits& limits, Handler handler,
             MediaConnections::Handler media = nullptr);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // From now on connections are accepted; before, they wait in the kernel.
  void open();
  // Accepts nothing more; who is connected is told "Connection: close" with his next answer.
  void retire();
  int listener() const { return listener_.get(); }
  // Answers are counted there, which outlives this. Before the first connection.
  void count_in(Requests& requests);
  int64_t open_connections() const { return seats_.open(); }
  const Seats::Counts& counts() const { return seats_.counts(); }

 private:
  void accept_all();
  bool accept_one();  // false: none there
  void give_to_libsoup(UniqueFd fd, Place place);
  void watch();
  void pause(bool for_a_while);
  void sweep();
  void handle(SoupServerMessage* message, const char* path);
  static void on_headers(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                         gpointer self);
  static void on_started(SoupServer*, SoupServerMessage* message, gpointer self);
  void count_answer(SoupServerMessage* message, const char* path);
  static void on_answered(SoupServerMessage* message, gpointer self);
  static void on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                         gpointer self);

  Loop& loop_;
  UniqueFd listener_;
  Seats seats_;
  Handler handler_;
  Requests* requests_ = nullptr;
  SoupServer* server_;
  std::unique_ptr<MediaConnections> media_;  // null: libsoup answers everything
  Loop::TimerId resume_ = 0;
  Loop::TimerId sweeper_ = 0;  // while there are connections
  bool watching_ = false;
  bool open_ = false, retired_ = false;
};

}  // namespace headgate::origin
