// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/demand.h"

namespace headgate::abrhlssink {

Demand::Names Demand::wanted(int64_t now_ns) {
  if (idle_ns_ == 0) return active_;
  std::set<std::string> names;
  std::erase_if(asked_ns_, [&](const auto& asked) { return now_ns - asked.second > idle_ns_; });
  for (const auto& [name, time_ns] : asked_ns_)
    if (!active_ || active_->count(name) != 0) names.insert(name);
  return names;
}

bool Demand::is_asked(const std::string& name, int64_t now_ns) const {
  const auto found = asked_ns_.find(name);
  return found != asked_ns_.end() && now_ns - found->second <= idle_ns_;
}

}  // namespace headgate::abrhlssink
