// SPDX-License-Identifier: LGPL-2.1-or-later
// What the supervisor tells of its children: gate.died, worker.restarted, worker.adopted, worker.added,
// worker.ended, …
#pragma once

#include <map>
#include <string>

#include "child.h"
#include "node_events.h"

namespace headgate::serve {

class ChildEvents {
 public:
  // `always`: of so many workers nothing is told when they begin; further ones are `added`.
  ChildEvents(NodeEvents& events, int64_t always) : events_(events), always_(always) {}

  void changed(const Child& child);  // Child::Events
  void died(const Child& child);
  void incompatible(const Child& child);  // it is a process of another version, and ends with what it has

 private:
  NodeEvents& events_;
  const int64_t always_;
  std::map<std::string, int> told_;  // by name: the process that was told to be there
};

}  // namespace headgate::serve
