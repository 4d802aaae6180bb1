// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a ticket would be let in, and why not.
#pragma once

#include <base/clock.h>
#include <ticket/verifier.h>

#include <string>

#include "feed.h"
#include "routes.h"

namespace headgate::control {

// `verifier`: null when the keys could not be read, and `problem` is why.
void add_ticket_routes(Routes& routes, const ticket::Verifier* verifier, const std::string& problem,
                       const Clock& clock, const Feed& feed);

}  // namespace headgate::control
