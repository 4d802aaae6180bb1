// SPDX-License-Identifier: LGPL-2.1-or-later
// One origin after another on the same port, so that no viewer notices: the new one takes connections when it
// knows what the one before knew, and the one before answers who is there, and goes. In the loop's thread.
#pragma once

#include <functional>
#include <string>

#include <base/loop.h>

#include "catalog.h"
#include "events.h"
#include "feed.h"
#include "http_server.h"

namespace headgate::origin {

// What workers and disk have to tell: usually some 100 ms. Later, what is there is served.
inline constexpr int64_t kKnowsMs = 3000;
inline constexpr int64_t kKnowsCheckMs = 10;
// From its successor's taking over to the end of an origin that is still fetched from; an idle connection is
// closed after kIdleSeconds.
inline constexpr int64_t kRetireMs = 60'000;
inline constexpr int64_t kRetireCheckMs = 100;

class Succession {
 public:
  struct Parts {
    HttpServer& server;
    const WorkerFeed& feed;
    const Catalog& catalog;
    Events& events;
  };
  Succession(Loop& loop, Parts parts) : loop_(loop), parts_(parts) {}
  ~Succession();
  Succession(const Succession&) = delete;
  Succession& operator=(const Succession&) = delete;

  // Opens the server: at once, or, if another origin answers meanwhile, when feed and catalog know what there
  // is. `serves` is called then, once.
  void open(const std::string& runtime_dir, std::function<void()> serves);
  // Another origin has the port: accepts nothing more, answers with "Connection: close", asks listeners of
  // events to connect again. `done` is called when nobody is connected, or after kRetireMs.
  void retire(std::function<void()> done);
  bool retired() const { return retired_; }

 private:
  Loop& loop_;
  Parts parts_;
  int64_t since_ms_ = 0;
  bool retired_ = false;
  Loop::TimerId timer_ = 0;
};

}  // namespace headgate::origin
