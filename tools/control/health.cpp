// SPDX-License-Identifier: LGPL-2.1-or-later
#include "health.h"

#include <base/json.h>
#include <health/conditions.h>

namespace headgate::control {

std::set<std::string> conditions_of(const std::string& health_json) {
  std::set<std::string> out;
  const auto look = [&out](const Json& object) {
    for (const auto& one : health::kConditions)
      if (object.truth(one.name)) out.insert(one.name);
  };
  const Json health = Json::object_of(health_json);
  look(health);
  health.each("streams", look);
  return out;
}

}  // namespace headgate::control
