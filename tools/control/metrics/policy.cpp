// SPDX-License-Identifier: LGPL-2.1-or-later
// What NODE says of the supervisor's policy: what is full, who is in quarantine, what does not come up.
#include <map>

#include "node.h"

namespace headgate::metrics {
namespace {

// "worker-3": "worker".
std::string role_of(const std::string& process) {
  return process.substr(0, process.find('-'));
}

}  // namespace

void policy(Text& text, const Json& node) {
  node.at("capacity").each("measures", [&](const Json& one) {
    if (const std::string measure = one.text("measure"); !measure.empty())
      add_truth(text, Id::node_full, {{"measure", measure}}, one, "full");
  });
  if (has_list(node, "quarantine")) {
    std::map<std::string, int64_t> states{{"isolated", 0}, {"refused", 0}};
    node.each("quarantine", [&](const Json& one) {
      if (auto state = states.find(one.text("state")); state != states.end()) ++state->second;
    });
    for (const auto& [state, count] : states) text.add(Id::quarantined, {{"state", state}}, count);
  }
  if (has_list(node, "alarms")) {
    std::map<std::string, int64_t> roles{{"gate", 0}, {"origin", 0}, {"worker", 0}, {"control", 0}};
    node.each("alarms", [&](const Json& one) {
      if (auto role = roles.find(role_of(one.text("process"))); role != roles.end()) role->second = 1;
    });
    for (const auto& [role, alarm] : roles) text.add(Id::process_alarm, {{"role", role}}, alarm);
  }
}

}  // namespace headgate::metrics
