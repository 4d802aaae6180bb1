// SPDX-License-Identifier: LGPL-2.1-or-later
// Before a node's processes are started: whether control, gate and workers take their settings. Those that
// run already are not asked. In the loop's thread.
#pragma once

#include <functional>
#include <string>

#include "children.h"
#include "description_watch.h"
#include "node_events.h"
#include "tasks.h"

namespace headgate::serve {

class StartChecks {
 public:
  StartChecks(Tasks& tasks, Children& children, DescriptionWatch& descriptions, NodeEvents& events,
              Children::ProgramOf program_of)
      : tasks_(tasks),
        children_(children),
        descriptions_(descriptions),
        events_(events),
        program_of_(std::move(program_of)) {}

  // One after the other. `done` gets why nothing can be started; empty: all of it can. Perhaps from within
  // this call.
  void run(std::function<void(const std::string& refused)> done);

 private:
  void check_gate();
  void check_workers();
  Program check_of(const std::string& role) const;

  Tasks& tasks_;
  Children& children_;
  DescriptionWatch& descriptions_;
  NodeEvents& events_;
  const Children::ProgramOf program_of_;
  std::function<void(const std::string&)> done_;
};

}  // namespace headgate::serve
