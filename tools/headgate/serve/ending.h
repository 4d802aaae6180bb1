// SPDX-License-Identifier: LGPL-2.1-or-later
// The order in which a node's processes end when it is told to: first those with sessions, then origin and
// control. Viewers get the last segments and the playlists' end meanwhile, and control tells of it. Who does
// not end in time is killed. In the loop's thread.
#pragma once

#include <functional>

#include <base/loop.h>

#include "children.h"

namespace headgate::serve {

inline constexpr int64_t kWorkersStopMs = 3900;  // then they are killed
inline constexpr int64_t kOthersStopMs = 500;

class Ending {
 public:
  // `ended`: nobody runs any more; perhaps from within begin(), and more than once.
  Ending(Loop& loop, Children& children, std::function<void()> ended)
      : loop_(loop), children_(children), ended_(std::move(ended)) {}
  ~Ending();
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

  void begin();    // once
  void changed();  // after begin(): Child::Events

 private:
  void end_others();
  bool any_running(bool others) const;

  Loop& loop_;
  Children& children_;
  const std::function<void()> ended_;
  bool others_ = false;  // their turn has come
  Loop::TimerId kill_ = 0;
};

}  // namespace headgate::serve
