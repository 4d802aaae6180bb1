// SPDX-License-Identifier: LGPL-2.1-or-later
// Where `headgate top` has its facts from: asks the node in a thread of its own, so that a node that is slow,
// or gone, never holds up the keys.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <base/unique_fd.h>

#include "events.h"
#include "node_client.h"
#include "top_model.h"

namespace headgate::cli {

// CPU and memory of processes of this machine, from /proc; of others nothing.
class ProcessMeter {
 public:
  std::vector<ProcessUse> measure(const Json& node, int64_t mono_us);

 private:
  struct Before {
    int64_t mono_us = 0;
    double cpu_s = 0;
  };
  std::map<int64_t, Before> before_;  // by process id
};

// When a volume will be full: by what comes in, or by how it has been filling if that is faster.
class FillForecast {
 public:
  double full_in_s(int64_t mono_us, double free_bytes, double kbps);

 private:
  std::deque<std::pair<int64_t, double>> seen_;
};

// One look at the node.
class NodeLook {
 public:
  explicit NodeLook(std::string socket) : client_(std::move(socket)) {}
  Result<std::shared_ptr<const TopSnapshot>> take();

 private:
  NodeClient client_;
  ProcessMeter meter_;
  FillForecast forecast_;
};

class TopSource {
 public:
  // What the node is told, and what the person is told of it when it is done.
  struct Order {
    const char* method = "POST";
    std::string path, json, done;
  };
  struct News {
    std::shared_ptr<const TopSnapshot> snapshot;  // a new one, or none
    std::string error;                            // why the last look failed; empty: it did not
    std::vector<std::string> told;                // of orders
    std::vector<NodeEvent> events;  // the newest of the station that was asked for, oldest first
    std::string no_events;          // why there are none
  };

  explicit TopSource(std::string socket);
  // Ends the thread with what it is about: at most the client's patience.
  ~TopSource();
  TopSource(const TopSource&) = delete;
  TopSource& operator=(const TopSource&) = delete;

  int fd() const;  // readable: there is news
  News news();
  void order(Order order);
  void look_now();
  // Below 0: of none.
  void watch_events(int64_t station);

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace headgate::cli
