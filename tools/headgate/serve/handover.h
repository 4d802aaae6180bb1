// SPDX-License-Identifier: LGPL-2.1-or-later
// The listening sockets that processes of an earlier supervisor have kept: gate, origin and control are asked
// for them, once, at the start, and waited for. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/unique_fd.h>

#include "children.h"
#include "listeners.h"

namespace headgate::serve {

inline constexpr int64_t kAdoptMs = 2000;    // for running children to hand their sockets over
inline constexpr int64_t kApartMs = 10'000;  // for one that cannot be talked to, to end

class Handover {
 public:
  // `over`: all that can be had is there; perhaps from within any of these calls.
  Handover(Loop& loop, Children& children, NodeListeners& listeners, std::function<void()> over)
      : loop_(loop), children_(children), listeners_(listeners), over_(std::move(over)) {}
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  void begin();
  void told(const std::vector<std::string>& names, std::vector<UniqueFd> fds);  // by one that was asked
  void settled();      // one that was asked is to hand nothing over, or has gone
  void wait_longer();  // for one that is to end first, if any is waited for
  void stop();         // nothing is waited for any more; over() is not told

 private:
  void wait(int64_t ms);

  Loop& loop_;
  Children& children_;
  NodeListeners& listeners_;
  const std::function<void()> over_;
  int waiting_ = 0;  // children
  Loop::TimerId timer_ = 0;
};

}  // namespace headgate::serve
