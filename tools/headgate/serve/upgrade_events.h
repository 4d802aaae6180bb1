// SPDX-License-Identifier: LGPL-2.1-or-later
// What operators and the service manager are told of an upgrade.
#pragma once

#include <common/actor.h>

#include "node_events.h"
#include "upgrade_report.h"

namespace headgate::serve {

void tell_upgrade_began(NodeEvents& events, const tools::Actor& actor);  // who wanted it
void tell_upgrade_ended(NodeEvents& events, const UpgradeReport& report);

}  // namespace headgate::serve
