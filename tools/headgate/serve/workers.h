// SPDX-License-Identifier: LGPL-2.1-or-later
// How many workers a node has: more before the present ones are full, fewer when they have long been too
// many.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <wire/messages.h>

#include "children.h"
#include "room.h"

namespace headgate::serve {

inline constexpr int64_t kDrainedMs = 2000;  // without a session; longer than somebody may be on the way

// Of one station alone: nobody else's room.
inline bool is_own(const Child& child) {
  return child.place().number >= static_cast<int>(wire::kFirstOwnWorker);
}

class Workers {
 public:
  struct Limits {
    int64_t workers = 1, max_workers = 1;  // always; at most
    int64_t capacity = 1;                  // sessions of one
  };

  Workers(Children& children, Limits limits) : children_(children), limits_(limits), room_(limits.capacity) {}

  void start();  // those that there always are
  void told(const Child& child, const wire::WorkerState& state);
  void ended(const Child& child);
  uint32_t sessions() const;  // of all, as they have told
  // Others beside those of these sockets, as many as there always are, in places that are free; their
  // sockets. Those that they are to replace are no help from now on.
  std::vector<std::string> start_others(const std::vector<std::string>& instead_of);
  int64_t sessions_of(const std::string& name) const;  // 0 also: not known
  void keep();                                         // time has passed, or somebody has come or gone

 private:
  int free_number() const;
  struct Load {
    uint32_t sessions = 0, capacity = 0;
    bool accepting = false;
    bool no_storage = false;  // for that reason
    int64_t drained_ms = 0;   // since when it takes nothing more, mono; 0: it does
  };

  void drain_spare(int64_t workers);
  void end_drained();

  Children& children_;
  const Limits limits_;
  std::map<std::string, Load> loads_;  // of workers that run and have told
  Room room_;
  bool started_ = false;
};

}  // namespace headgate::serve
