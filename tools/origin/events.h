// SPDX-License-Identifier: LGPL-2.1-or-later
// /api/v1/events: server-sent events (WHATWG HTML, 9.2) about streams that change. Each changed stream is
// written once a second, for all listeners together; nothing is done while nobody listens.
#pragma once

#include <map>
#include <set>
#include <string>

#include <base/loop.h>

#include "catalog.h"
#include "reply.h"
#include "waiting_room.h"

namespace headgate::origin {

inline constexpr size_t kMaxListeners = 256;        // of which an address has its part (waiting_room.h)
inline constexpr size_t kMaxUnsentBytes = 4 << 20;  // of one listener: then it is too slow and cut off
inline constexpr int64_t kEventsMs = 1000;
inline constexpr int kTicksPerComment = 15;

class Events {
 public:
  Events(Loop& loop, Catalog& catalog) : loop_(loop), catalog_(catalog) {}
  ~Events();
  // Takes the request over.
  void listen(SoupServerMessage* message);
  // Another origin tells from now on: listeners are asked to connect again, and so is who comes here still.
  void retire();

 private:
  struct Listener {
    Events* events;
    SoupServerMessage* message;  // a reference
    std::string whose;
    size_t unsent = 0;  // bytes appended and not yet written to the connection
    gulong finished = 0, wrote = 0;
  };
  void tick();
  void send(Listener& listener, const std::string& text);
  void end(Listener& listener);
  void drop(Listener* listener);
  static void on_wrote(SoupServerMessage* message, guint size, gpointer data);

  Loop& loop_;
  Catalog& catalog_;
  std::set<Listener*> listeners_;
  WaitingRoom room_{kMaxListeners};
  Loop::TimerId timer_ = 0;
  int ticks_ = 0;  // since the last comment
  bool retired_ = false;
};

}  // namespace headgate::origin
