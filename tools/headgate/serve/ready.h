// SPDX-License-Identifier: LGPL-2.1-or-later
// That the node serves, and where: an event, a line of the log, of standard output and for --ready-fd, and
// the service manager.
#pragma once

#include "listeners.h"
#include "node_events.h"

namespace headgate::serve {

// `ready_fd` is closed behind the line; -1: none.
void tell_ready(NodeEvents& events, const NodeListeners& listeners, int ready_fd);

}  // namespace headgate::serve
