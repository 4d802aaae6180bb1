// SPDX-License-Identifier: LGPL-2.1-or-later
// What the node's workers tell, read into the Catalog.
#pragma once

#include <map>
#include <set>
#include <string>

#include <base/loop.h>
#include <feed/media_feed.h>
#include <wire/messages.h>

#include "catalog.h"

namespace headgate::origin {

class WorkerFeed {
 public:
  WorkerFeed(Loop& loop, std::string runtime_dir, Catalog& catalog);
  Result<void> start() { return feed_.start(); }
  // Asks the worker that has the session for a rendition.
  void want(uint32_t worker, uint64_t session, const std::string& rendition);
  // Every worker that was there has told all that it has.
  bool caught_up() const { return telling_.empty(); }
  const std::map<std::string, wire::WorkerState>& workers() const { return states_; }  // by socket name

 private:
  void on_message(const std::string& name, const wire::Message& message);
  void on_closed(const std::string& name);

  Catalog& catalog_;
  std::map<std::string, wire::WorkerState> states_;
  std::set<std::string> telling_;  // who has not told all yet that there was when we connected
  tools::MediaFeed feed_;
};

}  // namespace headgate::origin
