// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <set>
#include <string>

namespace headgate::control {

// What is wrong with a stream by healthprobe's statistics: names of health::kConditions. Empty: nothing, or
// the text is none of its.
std::set<std::string> conditions_of(const std::string& health_json);

}  // namespace headgate::control
