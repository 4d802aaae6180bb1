// SPDX-License-Identifier: LGPL-2.1-or-later
// Connections to the node's workers: found through the runtime directory, kept up, read into the Catalog.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include <base/loop.h>
#include <common/socket_watch.h>
#include <wire/channel.h>

#include "catalog.h"

namespace headgate::origin {

inline constexpr int64_t kReconnectMs = 200;  // after a worker closed the connection and lives

class WorkerFeed {
 public:
  WorkerFeed(Loop& loop, std::string runtime_dir, Catalog& catalog);
  ~WorkerFeed();
  Result<void> start();
  // Asks the worker that has the session for a rendition.
  void want(uint32_t worker, uint64_t session, const std::string& rendition);
  // Every worker that was there has told all that it has.
  bool caught_up() const { return telling_.empty(); }
  const std::map<std::string, wire::WorkerState>& workers() const { return states_; }  // by socket name

 private:
  void connect(const std::string& name);
  void on_message(const std::string& name, const wire::Message& message);
  void on_closed(const std::string& name);

  Loop& loop_;
  std::string runtime_dir_;
  Catalog& catalog_;
  std::unique_ptr<tools::SocketWatch> watch_;
  std::map<std::string, std::unique_ptr<wire::Channel>> channels_;
  std::map<std::string, wire::WorkerState> states_;
  std::map<std::string, Loop::TimerId> retries_;
  std::set<std::string> telling_;  // who has not told all yet that there was when we connected
};

}  // namespace headgate::origin
