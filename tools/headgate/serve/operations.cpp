// SPDX-License-Identifier: LGPL-2.1-or-later
#include "operations.h"

#include <base/json_line.h>
#include <common/log.h>

namespace headgate::serve {

tools::Actor Arguments::actor() const {
  return {text("by"), text("from"), text("why")};
}

std::string refusal(const std::string& error, const std::string& remedy) {
  return JsonLine().field("error", error).field("do", remedy).take();
}

void Operations::carry_out(const wire::Operate& request,
                           const std::function<void(const wire::Message&)>& answer) {
  const Arguments arguments(request.json);
  const tools::Actor actor = arguments.actor();
  tools::log_notice("an operator wants: " + request.verb + " " + request.json,
                    {{"BY", actor.by}, {"FROM", actor.from}, {"REASON", actor.reason}});
  auto done = [answer, id = request.id](unsigned code, const std::string& json) {
    answer(wire::Operated{id, code, json});
  };
  auto verb = verbs_.find(request.verb);
  if (verb == verbs_.end())
    return done(501, refusal("this supervisor cannot do that: " + request.verb,
                             "its programs are of another version: start them anew"));
  verb->second(arguments, done);
}

}  // namespace headgate::serve
