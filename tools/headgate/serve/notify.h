// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

namespace headgate::serve {

// sd_notify(3): tells $NOTIFY_SOCKET, if there is one.
void notify_systemd(const std::string& state);

// sd_watchdog_enabled(3): how often WATCHDOG=1 is to be told, twice in the time that the service manager
// waits for it; 0: it does not wait.
int64_t watchdog_interval_ms();

// sd_notify(3): what is told when a reload begins; READY=1 tells its end.
std::string reloading_state();

}  // namespace headgate::serve
