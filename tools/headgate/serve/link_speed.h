// SPDX-License-Identifier: LGPL-2.1-or-later
// How fast a network card says that it is. The kernel asks its driver, and first takes the lock of all
// network settings (RTNL), which another driver or a program may hold for as long as it likes: it is asked
// aside (looks.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "guard.h"

namespace headgate::serve {

inline constexpr int64_t kSpeedAgeMs = 10'000;  // what is so old is asked again; until it is told it counts

// Mbit/s of a card, a folder of /sys/class/net; 0: not known. Now, in the calling thread, which may have to
// wait.
int64_t link_speed(const std::string& card);

// Likewise, as far as it is known at `now_ms`, which never goes back; whether it waits is its maker's to say.
using SpeedOf = std::function<int64_t(const std::string& card, int64_t now_ms)>;
// Never waits, and knows nothing of a card (0) before it was told. For one thread.
SpeedOf speeds_aside(Looks<std::string, int64_t>::Look look = link_speed);

}  // namespace headgate::serve
