// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be read of the node: itself, its streams, sessions, workers and events.
#pragma once

#include <string>

#include "event_stream.h"
#include "feed.h"
#include "origin_client.h"
#include "routes.h"
#include "supervisor_link.h"

namespace headgate::control {

void add_node_routes(Routes& routes, OriginClient& origin, Feed& feed, SupervisorLink& supervisor,
                     EventStream& events);

// NODE with each process's last Status as `stats`, where one is known.
std::string with_stats(const std::string& node, const std::map<std::string, SupervisorLink::Told>& told);

}  // namespace headgate::control
