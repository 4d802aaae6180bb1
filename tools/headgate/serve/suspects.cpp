// SPDX-License-Identifier: LGPL-2.1-or-later
#include "suspects.h"

#include <algorithm>

namespace headgate::serve {

Suspects::Found Suspects::ended(uint32_t worker, const std::string& kind, const std::vector<Station>& present,
                                int64_t now_ms, const std::function<uint32_t()>& next_worker) {
  Found found;
  Search search{{}, now_ms};
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
    search = {was.stations, was.since_ms};
    for (const Station& station : was.stations) others.erase(station);
  }
  for (const Station& station : others) {
    if (is_apart(station)) continue;  // its last session here
    const int ends = seen_.add({kind, station}, now_ms);
    if (ends < rules_.ends) continue;
    search.stations.push_back(station);
    search.since_ms = std::min(search.since_ms, seen_.first_ms({kind, station}));
    found.ends = std::max(found.ends, ends);
  }
  // Also of one: who was there and went away may have left what it took.
  if (!search.stations.empty()) set_apart(std::move(search), now_ms, next_worker, found);
  return found;
}

void Suspects::set_apart(Search search, int64_t now_ms, const std::function<uint32_t()>& next_worker,
                         Found& found) {
  auto& stations = search.stations;
  stations.resize(std::min(stations.size(), wire::kMaxSuspects));
  const size_t groups = make_room(search, found.together);
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

// What has been quiet for as long as this search has gone on leaks more slowly, if at all. Younger groups
// have to go only where without them this search could not tell one half of its stations from the other: then
// each search has its turn before the groups of all others are through, as long as there are not too many.
size_t Suspects::make_room(const Search& search, size_t& dissolved) {
  const size_t wanted = std::min(rules_.groups, search.stations.size());
  const size_t least = std::min<size_t>(2, wanted);
  while (!groups_.empty() && apart() + search.stations.size() > wire::kMaxSuspects)
    dissolved += dissolve_quietest();
  while (!groups_.empty() && groups_.size() + wanted > rules_.workers) {
    const bool quieter = std::any_of(groups_.begin(), groups_.end(),
                                     [&](const auto& one) { return one.second.since_ms <= search.since_ms; });
    if (!quieter && groups_.size() + least <= rules_.workers) break;
    dissolved += dissolve_quietest();
  }
  return std::min(wanted, rules_.workers - groups_.size());
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
