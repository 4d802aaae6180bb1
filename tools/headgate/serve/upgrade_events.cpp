// SPDX-License-Identifier: LGPL-2.1-or-later
#include "upgrade_events.h"

#include "notify.h"

namespace headgate::serve {

void tell_upgrade_began(NodeEvents& events, const tools::Actor& actor) {
  notify_systemd(reloading_state());
  events.add("upgrade.started", Severity::info, {{kEventText, "the programs on disk are tried"}}, actor);
}

void tell_upgrade_ended(NodeEvents& events, const UpgradeReport& report) {
  if (report.state == UpgradeReport::State::done) {
    events.add("upgrade.done", Severity::info,
               {{kEventText, "the node runs the programs on disk"}, {"version", report.version}});
  } else {
    events.add("upgrade.failed", Severity::error,
               {{kEventText, "the programs on disk were not taken, those before go on"},
                {"state", name_of(report.state)},
                {"reason", report.reason}});
  }
  notify_systemd("READY=1");
}

}  // namespace headgate::serve
