// SPDX-License-Identifier: LGPL-2.1-or-later
// /api/v1/events: the node's events as they come (server-sent events, WHATWG HTML 9.2; a client that comes
// again with Last-Event-ID gets what it has missed), or those that there are as JSON.
#pragma once

#include <base/loop.h>

#include <functional>
#include <set>
#include <string>

#include "event_log.h"
#include "exchange.h"

namespace headgate::control {

inline constexpr size_t kMaxListeners = 64;
inline constexpr size_t kMaxListenersOfToken = kMaxListeners / 4;
// Of all tokens together: who comes by the Unix socket is to find a place.
inline constexpr size_t kMaxListenersOfTokens = kMaxListeners - kMaxListenersOfToken;
inline constexpr size_t kMaxUnsentBytes = 1 << 20;  // then a listener waits until it has read
inline constexpr int64_t kCommentMs = 15'000;
inline constexpr size_t kMaxPage = 1000;  // events of one JSON answer
inline constexpr size_t kDefaultPage = 100;
inline constexpr size_t kEventsAtOnce = 500;  // that are put before a listener that catches up

class EventStream {
 public:
  EventStream(Loop& loop, EventLog& log);
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  void answer(const ExchangePtr& exchange);
  size_t listeners() const { return listeners_.size(); }
  // Ends those whose token (Caller::token) is known no more.
  void recheck(const std::function<bool(const std::string& token)>& known);

 private:
  struct Listener {
    EventStream* stream;
    SoupServerMessage* message;  // a reference
    std::string token;           // whose it is; empty: it has come by the Unix socket
    uint64_t last;               // id that was put before it
    size_t unsent = 0;           // bytes appended and not yet written to the connection
    gulong finished = 0, wrote = 0;
  };
  void page(const ExchangePtr& exchange, uint64_t after);
  bool has_place(const std::string& token) const;
  void listen(const ExchangePtr& exchange, uint64_t after);
  void feed(Listener& listener);
  void send(Listener& listener, const std::string& text);
  void drop(Listener* listener);

  Loop& loop_;
  EventLog& log_;
  uint64_t subscription_;
  std::set<Listener*> listeners_;
  Loop::TimerId timer_ = 0;
};

}  // namespace headgate::control
