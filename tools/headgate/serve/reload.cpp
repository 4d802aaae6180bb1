// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reload.h"

#include <common/log.h>

#include <utility>

#include "notify.h"

namespace headgate::serve {

void hang_up_readers(Children& children) {
  children.each_gate([](Child& gate) { gate.hang_up(); });
  children.place("control").hang_up();
}

void Reload::begin(const tools::Actor& actor, Node node) {
  constexpr char kText[] = "keys, certificate, lists, tokens and pipeline descriptions are looked at again";
  const bool ready = node == Node::ready;
  if (ready) notify_systemd(reloading_state());
  tools::log_notice(kText, {{"BY", actor.by}, {"FROM", actor.from}});
  events_.add("node.reload", Severity::info, {{kEventText, kText}}, actor);
  hang_up_readers(children_);
  if (node != Node::starts) descriptions_.look();
  instances_.look(true);
  waits_ = ready && descriptions_.looking();
  if (ready && !waits_) notify_systemd("READY=1");
}

void Reload::fell_back() {
  tell_refused();
  taken_();
}

void Reload::tell_refused() {
  events_.add("pipeline.refused", Severity::error,
              {{kEventText, "the pipeline descriptions are wrong, those before stay in use"},
               {"folder", descriptions_.descriptions().source()},
               {"reason", descriptions_.refused()}});
}

void Reload::checked(bool good) {
  if (good) {
    events_.add("pipeline.taken", Severity::info,
                {{kEventText, "new pipeline descriptions, for sessions that begin from now on"}});
    taken_();
    children_.each_worker([](Child& child) { child.hang_up(); });
    instances_.look(true);
  } else {
    tell_refused();
  }
  if (std::exchange(waits_, false)) notify_systemd("READY=1");
}

}  // namespace headgate::serve
