// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a ticket would be let in, and why not.
#pragma once

#include <base/clock.h>

#include "feed.h"
#include "routes.h"
#include "ticket_keys.h"

namespace headgate::control {

void add_ticket_routes(Routes& routes, TicketKeys& keys, const Clock& clock, const Feed& feed);

}  // namespace headgate::control
