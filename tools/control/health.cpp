// SPDX-License-Identifier: LGPL-2.1-or-later
#include "health.h"

#include <base/json.h>
#include <health/conditions.h>

namespace headgate::control {
namespace {

constexpr size_t kMaxPaused = 64;  // a stream has fewer

}  // namespace

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

std::map<std::string, PausedRendition> paused_of(const std::string& health_json) {
  std::map<std::string, PausedRendition> out;
  Json::object_of(health_json).each("paused", [&out](const Json& one) {
    if (const std::string name = one.text("rendition"); !name.empty() && out.size() < kMaxPaused)
      out[name] = {one.text("reason"), one.text("cause"), one.text("since_utc")};
  });
  return out;
}

}  // namespace headgate::control
