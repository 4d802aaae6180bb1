// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <set>
#include <string>

namespace headgate::control {

// What is wrong with a stream by healthprobe's statistics: names of health::kConditions. Empty: nothing, or
// the text is none of its.
std::set<std::string> conditions_of(const std::string& health_json);

struct PausedRendition {
  std::string reason, cause, since_utc;
};
// Renditions of its ladder that are not encoded now (docs/health.md, `paused`), by name.
std::map<std::string, PausedRendition> paused_of(const std::string& health_json);

}  // namespace headgate::control
