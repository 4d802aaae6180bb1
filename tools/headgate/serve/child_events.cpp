// SPDX-License-Identifier: LGPL-2.1-or-later
#include "child_events.h"

#include <wire/version.h>

#include "instances.h"

namespace headgate::serve {
namespace {

void tell(NodeEvents& events, const Child& child, const char* what, Severity severity,
          const std::string& text, int pid) {
  if (const std::string instance = instance_of(child); !instance.empty()) {
    events.add(std::string("instance.") + what, severity,
               {{kEventText, text}, {"instance", instance}, {"pid", pid}, {"restarts", child.restarts()}});
    return;
  }
  const std::string kind = child.place().role + "." + what;
  if (child.place().number < 0)
    events.add(kind, severity, {{kEventText, text}, {"pid", pid}, {"restarts", child.restarts()}});
  else
    events.add(
        kind, severity,
        {{kEventText, text}, {"worker", child.place().number}, {"pid", pid}, {"restarts", child.restarts()}});
}

}  // namespace

void ChildEvents::changed(const Child& child) {
  int& pid = told_[child.name()];
  if (!child.running()) {
    if (child.stopping() && pid != 0)
      tell(events_, child, "ended", Severity::info, child.name() + " ended, as it was told to", pid);
    if (child.stopping()) told_.erase(child.name());
    return;
  }
  if (!child.ready() || pid == child.pid()) return;
  pid = child.pid();
  if (child.adopted())
    tell(events_, child, "adopted", Severity::info, child.name() + " was running and was taken over", pid);
  else if (child.restarts() > 0)
    tell(events_, child, "restarted", Severity::info, child.name() + " runs again", pid);
  else if (!instance_of(child).empty())
    tell(events_, child, "started", Severity::info, child.name() + " runs", pid);
  else if (child.place().number >= always_)
    tell(events_, child, "added", Severity::info, child.name() + " was started: more room", pid);
}

void ChildEvents::died(const Child& child) {
  told_.erase(child.name());                // it has ended, and is not told to have ended once more
  if (!instance_of(child).empty()) return;  // Instances tells why, and when it is started again
  const bool again = child.pause_ms() > 0;
  const std::string next =
      again ? "; it does so again and again, next start in " + std::to_string(child.pause_ms() / 1000) + " s"
            : "; another one is started";
  tell(events_, child, "died", again ? Severity::error : Severity::warning,
       child.name() + " " + child.end_text() + next, child.last_pid());
}

void ChildEvents::incompatible(const Child& child) {
  events_.add("process.incompatible", Severity::warning,
              {{kEventText, child.name() + " speaks protocol " + child.protocol() + ", this node " +
                                wire::text_of(wire::kVersion) + ": it ends with what it has"},
               {"process", child.name()},
               {"pid", child.pid()},
               {"protocol", child.protocol()}});
}

}  // namespace headgate::serve
