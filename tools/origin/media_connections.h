// SPDX-License-Identifier: LGPL-2.1-or-later
// Connections on which nothing but plain requests for media has come (plain_request.h): answered here, with
// files by sendfile(), at a small part of what libsoup would take, also those that are still being written.
// With the first request of another kind, which stays in the kernel until then, a connection is handed over
// for good. In the loop's thread.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include <base/loop.h>
#include <base/unique_fd.h>

#include "reply.h"
#include "requests.h"
#include "seats.h"

namespace headgate::origin {

inline constexpr size_t kMaxSendOnce = 1u << 20;  // bytes; then the others have their turn

class MediaConnections {
 public:
  // `path` and `query` are plain_request's. The answer may come at once or later.
  using Handler = std::function<void(AnswerPtr answer, const std::string& path, const std::string& query)>;
  using HandOver = std::function<void(UniqueFd socket, Place place)>;
  MediaConnections(Loop& loop, Handler handler, HandOver hand_over);
  // Closes all.
  ~MediaConnections();
  MediaConnections(const MediaConnections&) = delete;
  MediaConnections& operator=(const MediaConnections&) = delete;

  // Answers are counted there, which outlives this.
  void count_in(Requests& requests) { requests_ = &requests; }
  // A new one, which does not block.
  void take(UniqueFd socket, Place place);
  // From now on each connection ends with its next answer.
  void retire() { retired_ = true; }

 private:
  struct Connection;
  class ConnectionAnswer;
  using ConnectionPtr = std::shared_ptr<Connection>;
  void on_event(const ConnectionPtr& one, uint32_t events);
  void read(const ConnectionPtr& one);
  void begin(const ConnectionPtr& one, Reply reply, bool waited);
  void count_answer(Connection& one, unsigned status, bool waited) const;
  void count_sent(const Connection& one, ssize_t bytes) const;
  void go_on(const ConnectionPtr& one);
  void flush(const ConnectionPtr& one);
  void read_ahead(const ConnectionPtr& one, const FileRange& range);
  bool send_text(Connection& one, bool& broken);
  bool send_file(Connection& one, bool& broken);
  void watch_for_what_comes(Connection& one);
  void set(Connection& one, Seat::Phase phase);
  void moved(Connection& one);
  void drop(Connection& one);
  void sweep();

  Loop& loop_;
  Handler handler_;
  HandOver hand_over_;
  Requests* requests_ = nullptr;
  std::list<ConnectionPtr> connections_;  // moved longest ago first
  Loop::TimerId sweeper_ = 0;             // while there are any
  bool retired_ = false;
};

}  // namespace headgate::origin
