// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gate_keys.h"

#include <base/json_line.h>

#include <utility>

#include "operations.h"

namespace headgate::serve {

bool GateKeys::told(const wire::Status& status) {
  const Arguments said(status.json);
  Keys now{said.text("kids"), said.text("keys_digest"), said.text("keys_problem")};
  if (now.digest.empty() && now.problem.empty()) return false;  // one of a version that does not say
  if (keys_ == now) return false;
  const std::optional<Keys> before = std::exchange(keys_, std::move(now));
  // What was so when this supervisor began has been told, but that something is wrong.
  const bool mended = before && !before->problem.empty() && keys_->problem.empty();
  if (mended || (before && before->digest != keys_->digest))
    events_.add(
        "keys.taken", Severity::info,
        {{kEventText, "tickets of publishers who come from now on are held against the folder's keys"},
         {"kids", keys_->kids}});
  if (!keys_->problem.empty() && (!before || before->problem != keys_->problem))
    events_.add("keys.refused", Severity::error,
                {{kEventText, "the folder of keys is wrong, those before stay in use"},
                 {"kids", keys_->kids},
                 {"reason", keys_->problem}});
  return true;
}

std::string GateKeys::json() const {
  if (!keys_) return "null";
  JsonLine out;
  out.field("kids", keys_->kids).field("digest", keys_->digest);
  if (!keys_->problem.empty()) out.field("problem", keys_->problem);
  return out.take();
}

}  // namespace headgate::serve
