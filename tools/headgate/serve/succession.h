// SPDX-License-Identifier: LGPL-2.1-or-later
// There is one supervisor at a node: it has the lock of the runtime folder. It may become the program that is
// on disk, which has the lock then, and its listening sockets.
#pragma once

#include <string>

#include <base/loop.h>
#include <base/result.h>
#include <base/unique_fd.h>

#include "listeners.h"
#include "tasks.h"
#include "upgrade_exec.h"

namespace headgate::serve {

class Succession {
 public:
  Succession(Loop& loop, Tasks& tasks, NodeListeners& listeners)
      : loop_(loop), tasks_(tasks), listeners_(listeners) {}

  // Once, at the start, before there are children. Fails when another supervisor lives at this folder, or, of
  // one that has become this program, when the folder is another node's. `data`: for whoever reads why.
  Result<void> take(const std::string& runtime_dir, const std::string& data);
  bool succeeds() const { return succeeds_; }  // a supervisor before it, as the same process

  // Returns only what went wrong. Then nothing has changed, but that what Tasks ran was ended, and whoever
  // waited is told so, not from within this call.
  Result<void> become(const Self& self);

 private:
  Loop& loop_;
  Tasks& tasks_;
  NodeListeners& listeners_;
  UniqueFd lock_;
  bool succeeds_ = false;
};

}  // namespace headgate::serve
