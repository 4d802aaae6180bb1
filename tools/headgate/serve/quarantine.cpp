// SPDX-License-Identifier: LGPL-2.1-or-later
#include "quarantine.h"

#include <base/json_line.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <sstream>

namespace headgate::serve {
namespace {

constexpr uint32_t kOwnNumbers = 1000;  // of workers, from kFirstOwnWorker on

Ruling ruling(Ruling::What what, Station station, uint32_t worker, int deaths) {
  Ruling out;
  out.what = what;
  out.station = station;
  out.worker = worker;
  out.deaths = deaths;
  return out;
}

Ruling together(size_t stations) {
  Ruling out = ruling(Ruling::What::together, {}, 0, 0);
  out.stations = stations;
  return out;
}

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
  if (auto found = of(worker); found != entries_.end()) return {died_alone(found, now_ms)};
  std::vector<Ruling> out;
  for (const Station& station : suspects) {
    if (entries_.count(station) != 0) continue;  // its last session on a shared worker
    if (const int deaths = seen_.add(station, now_ms); deaths >= rules_.deaths)
      out.push_back(isolate(station, deaths, 0, now_ms));
  }
  return out;
}

std::vector<Ruling> Quarantine::took_too_much(uint32_t worker, const std::string& kind,
                                              const std::vector<Station>& present, int64_t now_ms) {
  if (auto entry = of(worker); entry != entries_.end()) return {died_alone(entry, now_ms)};
  std::vector<Station> others;  // than those whose last session it has
  for (const Station& station : present)
    if (entries_.count(station) == 0) others.push_back(station);
  const Suspects::Found found =
      suspects_.ended(worker, kind, others, now_ms, [this] { return free_number(); });
  if (found.guilty) return {isolate(*found.guilty, found.ends, 1, now_ms)};
  std::vector<Ruling> out;
  if (found.together > 0) out.push_back(together(found.together));
  if (found.workers == 0) return out;
  out.push_back(ruling(Ruling::What::apart, {}, worker, found.ends));
  out.back().stations = found.stations;
  out.back().workers = found.workers;
  return out;
}

uint32_t Quarantine::free_number() const {
  uint32_t out = wire::kFirstOwnWorker;
  while (is_own(out) || (is_taken_ && is_taken_(out))) ++out;
  return out;
}

Ruling Quarantine::isolate(Station station, int deaths, int own_deaths, int64_t now_ms) {
  seen_.forget(station);
  if (entries_.size() >= wire::kMaxIsolated) return ruling(Ruling::What::no_room, station, 0, deaths);
  suspects_.release(station);
  Entry entry;
  entry.worker = free_number();
  entry.deaths = deaths;
  entry.own_deaths = own_deaths;
  entry.since_ms = entry.last_ms = now_ms;
  entries_[station] = entry;
  return ruling(Ruling::What::isolated, station, entry.worker, deaths);
}

Ruling Quarantine::died_alone(Entries::iterator found, int64_t now_ms) {
  auto& [station, entry] = *found;
  entry.last_ms = now_ms;
  ++entry.deaths;
  if (++entry.own_deaths < rules_.own_deaths)
    return ruling(Ruling::What::died_alone, station, entry.worker, entry.deaths);
  int64_t for_ms = rules_.first_refusal_ms;
  for (int i = 0; i < entry.refusals && for_ms < rules_.max_refusal_ms; ++i) for_ms *= 2;
  for_ms = std::min(for_ms, rules_.max_refusal_ms);
  ++entry.refusals;
  entry.refused_until_ms = now_ms + for_ms;
  Ruling out = ruling(Ruling::What::refused, station, entry.worker, entry.deaths);
  out.for_ms = for_ms;
  return out;
}

std::vector<Ruling> Quarantine::look(int64_t now_ms) {
  seen_.look(now_ms);
  std::vector<Ruling> out;
  if (const size_t stations = suspects_.look(now_ms); stations > 0) out.push_back(together(stations));
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    // The time that it could not have died does not count.
    const int64_t quiet_since = std::max(entry->second.last_ms, entry->second.refused_until_ms);
    if (now_ms - quiet_since < rules_.over_ms) {
      ++entry;
      continue;
    }
    out.push_back(ruling(Ruling::What::released, entry->first, entry->second.worker, entry->second.deaths));
    entry = entries_.erase(entry);
  }
  return out;
}

std::optional<Ruling> Quarantine::release(Station station) {
  seen_.forget(station);
  auto found = entries_.find(station);
  if (found == entries_.end())
    return suspects_.release(station) ? std::optional(ruling(Ruling::What::released, station, 0, 0))
                                      : std::nullopt;
  const Ruling out = ruling(Ruling::What::released, station, found->second.worker, found->second.deaths);
  entries_.erase(found);
  return out;
}

Quarantine::Entries::iterator Quarantine::of(uint32_t worker) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [&](const auto& one) { return one.second.worker == worker; });
}

bool Quarantine::is_own(uint32_t worker) const {
  return suspects_.has(worker) || std::any_of(entries_.begin(), entries_.end(),
                                              [&](const auto& one) { return one.second.worker == worker; });
}

std::vector<uint32_t> Quarantine::own_workers(int64_t now_ms) const {
  std::vector<uint32_t> out = suspects_.workers();
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

// The whole of NODE is one text, of which no more than 64 KiB are sent.
std::string Quarantine::apart_json(int64_t now_ms) const {
  std::string out = "[";
  for (const auto& [worker, group] : suspects_.groups()) {
    std::string stations = "[";
    for (size_t i = 0; i < std::min(group.stations.size(), kNamedApart); ++i)
      stations += (i > 0 ? "," : "") + std::to_string(group.stations[i].second);
    if (out.size() > 1) out += ',';
    out += JsonLine()
               .field("worker", worker)
               .raw("stations", stations + "]")
               .field("count", group.stations.size())
               .field("deaths", group.ends)
               .field("for_s", (now_ms - group.since_ms) / 1000)
               .field("at_most_s", std::max<int64_t>(0, suspects_.until_ms(group) - now_ms + 999) / 1000)
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
        entry.worker >= wire::kFirstOwnWorker + kOwnNumbers || entries.size() >= wire::kMaxIsolated)
      return Unexpected("a line is wrong: " + line);
    if (entry.last_ms > now_ms) return Unexpected("it is of another boot");
    entries[station] = entry;
  }
  entries_ = std::move(entries);
  return {};
}

}  // namespace headgate::serve
