// SPDX-License-Identifier: LGPL-2.1-or-later
#include "quarantine.h"

#include <base/json_line.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <sstream>

namespace headgate::serve {
namespace {

constexpr size_t kMaxSeen = 10'000;  // stations that were suspects lately

}  // namespace

bool Quarantine::is_of_input(int signal, bool stood_still) {
  constexpr std::array kOwnDoing{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
  return stood_still || std::find(kOwnDoing.begin(), kOwnDoing.end(), signal) != kOwnDoing.end();
}

std::vector<Station> Quarantine::suspects(const std::vector<wire::Mark>& marks, bool is_of_input) {
  const bool known = std::any_of(marks.begin(), marks.end(), [](const auto& mark) { return mark.crashed; });
  std::vector<Station> out;
  for (const wire::Mark& mark : marks) {
    const Station station{mark.event, mark.station};
    if ((known ? mark.crashed : is_of_input && mark.at_work()) &&
        std::find(out.begin(), out.end(), station) == out.end())
      out.push_back(station);
  }
  return out;
}

std::vector<Ruling> Quarantine::died(uint32_t worker, const std::vector<Station>& suspects, int64_t now_ms) {
  if (is_own(worker)) return died_alone(worker, now_ms);
  std::vector<Ruling> out;
  for (const Station& station : suspects) {
    if (entries_.count(station) != 0) continue;  // its last session on a shared worker
    if (seen_.count(station) == 0 && seen_.size() >= kMaxSeen) continue;
    auto& times = seen_[station];
    times.push_back(now_ms);
    while (now_ms - times.front() > rules_.within_ms) times.pop_front();
    const int deaths = static_cast<int>(times.size());
    if (deaths < rules_.deaths) continue;
    seen_.erase(station);
    uint32_t own = wire::kFirstOwnWorker;
    while (is_own(own)) ++own;
    if (entries_.size() >= wire::kMaxIsolated) {
      out.push_back({Ruling::What::no_room, station, 0, deaths, 0});
      continue;
    }
    Entry& entry = entries_[station];
    entry.worker = own;
    entry.deaths = deaths;
    entry.since_ms = entry.last_ms = now_ms;
    out.push_back({Ruling::What::isolated, station, own, deaths, 0});
  }
  return out;
}

std::vector<Ruling> Quarantine::died_alone(uint32_t worker, int64_t now_ms) {
  for (auto& [station, entry] : entries_) {
    if (entry.worker != worker) continue;
    entry.last_ms = now_ms;
    ++entry.deaths;
    if (++entry.own_deaths < rules_.own_deaths)
      return {{Ruling::What::died_alone, station, worker, entry.deaths, 0}};
    int64_t for_ms = rules_.first_refusal_ms;
    for (int i = 0; i < entry.refusals && for_ms < rules_.max_refusal_ms; ++i) for_ms *= 2;
    for_ms = std::min(for_ms, rules_.max_refusal_ms);
    ++entry.refusals;
    entry.refused_until_ms = now_ms + for_ms;
    return {{Ruling::What::refused, station, worker, entry.deaths, for_ms}};
  }
  return {};
}

std::vector<Ruling> Quarantine::look(int64_t now_ms) {
  std::erase_if(seen_, [&](auto& one) { return now_ms - one.second.back() > rules_.within_ms; });
  std::vector<Ruling> out;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    // The time that it could not have died does not count.
    const int64_t quiet_since = std::max(entry->second.last_ms, entry->second.refused_until_ms);
    if (now_ms - quiet_since < rules_.over_ms) {
      ++entry;
      continue;
    }
    out.push_back({Ruling::What::released, entry->first, entry->second.worker, entry->second.deaths, 0});
    entry = entries_.erase(entry);
  }
  return out;
}

std::optional<Ruling> Quarantine::release(Station station) {
  auto found = entries_.find(station);
  if (found == entries_.end()) return std::nullopt;
  const Ruling out{Ruling::What::released, station, found->second.worker, found->second.deaths, 0};
  entries_.erase(found);
  return out;
}

bool Quarantine::is_own(uint32_t worker) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& one) { return one.second.worker == worker; });
}

std::vector<uint32_t> Quarantine::own_workers(int64_t now_ms) const {
  std::vector<uint32_t> out;
  for (const auto& [station, entry] : entries_)
    if (entry.refused_until_ms <= now_ms) out.push_back(entry.worker);
  return out;
}

std::string Quarantine::reason(const Entry& entry) const {
  return "what this station sent has ended " + std::to_string(entry.deaths) + " workers";
}

std::vector<wire::Isolation> Quarantine::isolations() const {
  std::vector<wire::Isolation> out;
  for (const auto& [station, entry] : entries_)
    out.push_back({station.first, station.second, entry.worker, entry.refused_until_ms != 0,
                   entry.refused_until_ms * 1000, reason(entry)});
  return out;
}

std::string Quarantine::json(int64_t now_ms) const {
  std::string out = "[";
  for (const auto& [station, entry] : entries_) {
    const bool refused = entry.refused_until_ms > now_ms;
    if (out.size() > 1) out += ',';
    out += JsonLine()
               .field("event", station.first)
               .field("station", station.second)
               .field("state", refused ? "refused" : "isolated")
               .field("worker", entry.worker)
               .field("deaths", entry.deaths)
               .field("for_s", (now_ms - entry.since_ms) / 1000)
               .field("refused_for_s", refused ? (entry.refused_until_ms - now_ms + 999) / 1000 : 0)
               .take();
  }
  return out + "]";
}

std::string Quarantine::save() const {
  std::ostringstream out;
  for (const auto& [station, entry] : entries_)
    out << station.first << ' ' << station.second << ' ' << entry.worker << ' ' << entry.deaths << ' '
        << entry.own_deaths << ' ' << entry.refusals << ' ' << entry.since_ms << ' ' << entry.last_ms << ' '
        << entry.refused_until_ms << '\n';
  return out.str();
}

Result<void> Quarantine::load(const std::string& text, int64_t now_ms) {
  std::map<Station, Entry> entries;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    Station station;
    Entry entry;
    in >> station.first >> station.second >> entry.worker >> entry.deaths >> entry.own_deaths >>
        entry.refusals >> entry.since_ms >> entry.last_ms >> entry.refused_until_ms;
    const bool whole = !in.fail() && (in >> std::ws).eof();
    if (!whole || entry.worker < wire::kFirstOwnWorker ||
        entry.worker >= wire::kFirstOwnWorker + wire::kMaxIsolated || entries.size() >= wire::kMaxIsolated)
      return Unexpected("a line is wrong: " + line);
    if (entry.last_ms > now_ms) return Unexpected("it is of another boot");
    entries[station] = entry;
  }
  entries_ = std::move(entries);
  return {};
}

}  // namespace headgate::serve
