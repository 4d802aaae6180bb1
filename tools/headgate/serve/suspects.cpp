// SPDX-License-Identifier: LGPL-2.1-or-later
#include "suspects.h"

#include <algorithm>

namespace headgate::serve {

Suspects::Found Suspects::ended(uint32_t worker, const std::string& kind, const std::vector<Station>& present,
                                int64_t now_ms, const std::function<uint32_t()>& next_worker) {
  Found found;
  if (auto group = groups_.find(worker); group != groups_.end()) {
    const Group was = std::move(group->second);
    groups_.erase(group);
    found.ends = was.ends + 1;
    // Whoever may have been there, also who has just left.
    if (was.stations.size() == 1)
      found.guilty = was.stations[0];
    else
      set_apart(was.stations, now_ms, next_worker, found);
    return found;
  }
  const std::set<Station> stations(present.begin(), present.end());
  std::vector<Station> again;
  for (const Station& station : stations) {
    if (is_apart(station)) continue;  // its last session here
    const int ends = seen_.add({kind, station}, now_ms);
    if (ends < rules_.ends) continue;
    again.push_back(station);
    found.ends = std::max(found.ends, ends);
  }
  // Also of one: who was there and went away may have left what it took.
  if (!again.empty()) set_apart(std::move(again), now_ms, next_worker, found);
  return found;
}

void Suspects::set_apart(std::vector<Station> stations, int64_t now_ms,
                         const std::function<uint32_t()>& next_worker, Found& found) {
  size_t apart = 0;
  for (const auto& [worker, group] : groups_) apart += group.stations.size();
  stations.resize(std::min(stations.size(), wire::kMaxSuspects - std::min(apart, wire::kMaxSuspects)));
  const size_t free = rules_.workers - std::min(groups_.size(), rules_.workers);
  const size_t groups = std::min({rules_.groups, free, stations.size()});
  if (groups == 0) return;  // they are together again, and seen again
  std::vector<Group*> made;
  for (size_t i = 0; i < groups; ++i) {
    made.push_back(&groups_[next_worker()]);
    made.back()->ends = found.ends;
    made.back()->until_ms = now_ms + rules_.within_ms;
  }
  for (size_t i = 0; i < stations.size(); ++i) made[i % groups]->stations.push_back(stations[i]);
  found.stations = stations.size();
  found.workers = groups;
}

size_t Suspects::look(int64_t now_ms) {
  seen_.look(now_ms);
  size_t out = 0;
  std::erase_if(groups_, [&](const auto& one) {
    const bool over = now_ms >= one.second.until_ms;
    if (over) out += one.second.stations.size();
    return over;
  });
  return out;
}

bool Suspects::release(Station station) {
  for (auto group = groups_.begin(); group != groups_.end(); ++group) {
    if (std::erase(group->second.stations, station) == 0) continue;
    if (group->second.stations.empty()) groups_.erase(group);
    return true;
  }
  return false;
}

bool Suspects::is_apart(Station station) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const auto& one) {
    return std::find(one.second.stations.begin(), one.second.stations.end(), station) !=
           one.second.stations.end();
  });
}

std::vector<uint32_t> Suspects::workers() const {
  std::vector<uint32_t> out;
  for (const auto& [worker, group] : groups_) out.push_back(worker);
  return out;
}

std::vector<wire::Suspect> Suspects::stations() const {
  std::vector<wire::Suspect> out;
  for (const auto& [worker, group] : groups_)
    for (const Station& station : group.stations) out.push_back({station.first, station.second, worker});
  return out;
}

}  // namespace headgate::serve
