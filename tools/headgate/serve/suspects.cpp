// SPDX-License-Identifier: LGPL-2.1-or-later
#include "suspects.h"

#include <algorithm>

namespace headgate::serve {

Suspects::Found Suspects::ended(uint32_t worker, const std::string& kind, const std::vector<Station>& present,
                                int64_t now_ms, const std::function<uint32_t()>& next_worker) {
  Found found;
  Search search{{}, now_ms, 0};
  std::set<Station> others(present.begin(), present.end());
  if (auto group = groups_.find(worker); group != groups_.end()) {
    const Group was = std::move(group->second);
    groups_.erase(group);
    found.ends = was.ends + 1;
    // Whoever may have been there, also who has just left: the last of several may have had no part in it.
    if (was.made_of == 1) {
      found.guilty = was.stations[0];
      return found;
    }
    search = {was.stations, was.since_ms, 2};
    for (const Station& station : was.stations) others.erase(station);
  }
  for (const Station& station : others) {
    if (is_apart(station)) continue;  // its last session here
    const int ends = seen_.add({kind, station}, now_ms);
    if (ends < rules_.ends) continue;
    search.stations.push_back(station);
    search.since_ms = std::min(search.since_ms, seen_.before_ms({kind, station}));
    found.ends = std::max(found.ends, ends);
  }
  // Also of one: who was there and went away may have left what it took.
  if (!search.stations.empty()) set_apart(std::move(search), now_ms, next_worker, found);
  return found;
}

void Suspects::set_apart(Search search, int64_t now_ms, const std::function<uint32_t()>& next_worker,
                         Found& found) {
  found.together = make_room(search);
  auto& stations = search.stations;
  stations.resize(std::min(stations.size(), wire::kMaxSuspects - apart()));
  const size_t groups = std::min({rules_.groups, rules_.workers - groups_.size(), stations.size()});
  if (groups == 0) return;  // they are together again, and seen again
  std::vector<Group*> made;
  for (size_t i = 0; i < groups; ++i) {
    made.push_back(&groups_[next_worker()]);
    made.back()->ends = found.ends;
    made.back()->since_ms = now_ms;
  }
  for (size_t i = 0; i < stations.size(); ++i) made[i % groups]->stations.push_back(stations[i]);
  for (Group* group : made) group->made_of = group->stations.size();
  found.stations = stations.size();
  found.workers = groups;
}

// Whose worker has not taken too much for as long as this one's took leaks more slowly, if at all, and has to
// go. Younger ones stay, but for those without which a group could not be halved: whoever is found out next
// would otherwise lose his group to the others that leak as fast, and they theirs to him.
size_t Suspects::make_room(const Search& search) {
  const size_t stations = std::min(search.stations.size(), wire::kMaxSuspects);
  const size_t wanted = std::min(rules_.groups, stations);
  size_t dissolved = 0;
  while (!groups_.empty() &&
         (groups_.size() + wanted > rules_.workers || apart() + stations > wire::kMaxSuspects)) {
    const bool quieter = std::any_of(groups_.begin(), groups_.end(),
                                     [&](const auto& one) { return one.second.since_ms <= search.since_ms; });
    if (!quieter && groups_.size() + std::min(search.least, wanted) <= rules_.workers) break;
    dissolved += dissolve_quietest();
  }
  return dissolved;
}

size_t Suspects::dissolve_quietest() {
  const auto group = std::min_element(groups_.begin(), groups_.end(), [](const auto& a, const auto& b) {
    return a.second.since_ms < b.second.since_ms;
  });
  const size_t stations = group->second.stations.size();
  groups_.erase(group);
  return stations;
}

size_t Suspects::apart() const {
  size_t out = 0;
  for (const auto& [worker, group] : groups_) out += group.stations.size();
  return out;
}

size_t Suspects::look(int64_t now_ms) {
  seen_.look(now_ms);
  const size_t before = apart();
  std::erase_if(groups_, [&](const auto& one) { return now_ms >= until_ms(one.second); });
  return before - apart();
}

bool Suspects::release(Station station) {
  seen_.forget_if([&](const auto& key) { return key.second == station; });
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
