// SPDX-License-Identifier: LGPL-2.1-or-later
// What operators can make the node do. What they say is checked here; the supervisor does it.
#pragma once

#include "feed.h"
#include "routes.h"
#include "supervisor_link.h"

namespace headgate::control {

inline constexpr int64_t kKickMs = 8000;  // for a session to end; its pipeline is cut before

void add_operate_routes(Routes& routes, Feed& feed, SupervisorLink& supervisor);

}  // namespace headgate::control
