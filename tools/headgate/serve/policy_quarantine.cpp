// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker's end says of its input, and what becomes of whose it was.
#include <common/log.h>

#include <algorithm>
#include <utility>

#include "node_file.h"
#include "policy.h"

namespace headgate::serve {
namespace {

std::string station_text(Station station) {
  return "station " + std::to_string(station.second) + " of event " + std::to_string(station.first);
}

}  // namespace

void Policy::died(const Child& child) {
  if (!is_worker(child)) return;
  drained_.erase(child.place().number);  // its successor has not been told
  auto found = watched_.find(child.last_pid());
  if (found == watched_.end()) return;
  const Watched worker = std::move(found->second);
  watched_.erase(found);
  const auto number = static_cast<uint32_t>(child.place().number);
  if (worker.stopped) return;  // it stood there by chance
  const bool is_of_input = Quarantine::is_of_input(child.end_signal(), worker.still || child.was_silent());
  std::vector<wire::Mark> marks;
  if (worker.marks)
    if (auto read = wire::read_marks(worker.marks.get())) marks = *std::move(read);
  const std::vector<Station> suspects = Quarantine::suspects(marks, is_of_input);
  if (!is_of_input && suspects.empty()) return;
  for (const Station& station : suspects) {
    const auto mark = std::find_if(marks.begin(), marks.end(), [&](const wire::Mark& one) {
      return Station{one.event, one.station} == station && (one.crashed || one.at_work());
    });
    tools::log_warning(child.name() + " was at work for " + station_text(station) + " when it died",
                       {{"WORKER", number},
                        {"STATION", station.second},
                        {"EVENT", station.first},
                        {"SESSION", mark->session}});
  }
  told_of(quarantine_.died(number, suspects, now_ms()));
}

void Policy::took_too_much(const Child& child, const Watched& worker, const std::string& kind) {
  std::vector<Station> present;
  if (worker.marks)
    if (auto marks = wire::read_marks(worker.marks.get()))
      for (const wire::Mark& mark : *marks) present.emplace_back(mark.event, mark.station);
  told_of(quarantine_.took_too_much(static_cast<uint32_t>(child.place().number), kind, present, now_ms()));
}

// Of stations that nobody blames.
void Policy::told_of_suspects(const Ruling& one) {
  const bool apart = one.what == Ruling::What::apart;
  const std::string stations = std::to_string(one.stations) + " stations";
  const std::string text =
      apart ? stations + " were on worker " + std::to_string(one.worker) + ", the " +
                  std::to_string(one.deaths) + ". that was ended for what it took: they get " +
                  std::to_string(one.workers) + " workers of their own, to see whose input it is"
            : stations + " that were apart may share workers again: theirs did not take too much";
  tools::log(apart ? tools::Level::warning : tools::Level::notice, text, {{"WORKER", one.worker}});
  events_.add(
      apart ? "quarantine.apart" : "quarantine.together", apart ? Severity::warning : Severity::info,
      {{kEventText, text}, {"worker", one.worker}, {"stations", one.stations}, {"workers", one.workers}});
}

void Policy::told_of(const std::vector<Ruling>& rulings, const tools::Actor& actor) {
  using What = Ruling::What;
  if (rulings.empty()) return;
  for (const Ruling& one : rulings) {
    if (one.what == What::apart || one.what == What::together) {
      told_of_suspects(one);
      continue;
    }
    const std::string who = station_text(one.station) + ": ";
    const std::string deaths = "what it sent has ended " + std::to_string(one.deaths) + " workers";
    const std::string number = std::to_string(one.worker);
    const auto [kind, text] =
        one.what == What::isolated ? std::pair("isolated", deaths + "; worker " + number + " is its own now")
        : one.what == What::died_alone ? std::pair("died", deaths + ", the last one its own")
        : one.what == What::refused
            ? std::pair("refused", deaths + "; it is refused for " + std::to_string(one.for_ms / 1000) + " s")
        : one.what == What::released
            ? std::pair("released", std::string("it may share a worker again"))
            : std::pair("no-room", deaths + ", but too many stations are in quarantine already");
    tools::log(one.what == What::released ? tools::Level::notice : tools::Level::error, who + text,
               {{"STATION", one.station.second}, {"EVENT", one.station.first}, {"WORKER", one.worker}});
    events_.add(std::string("quarantine.") + kind,
                one.what == What::released ? Severity::info : Severity::error,
                {{kEventText, who + text},
                 {"event", one.station.first},
                 {"station", one.station.second},
                 {"worker", one.worker},
                 {"deaths", one.deaths}},
                actor);
  }
  if (auto kept = write_node_file(quarantine_file_, quarantine_.save()); !kept)
    tools::log_warning("the quarantine is forgotten when the supervisor dies: " + kept.error().message);
  tell_gate();
  look_at_quarantine();
  changed_();
}

bool Policy::release(uint32_t event, uint32_t station, const tools::Actor& actor) {
  const auto ruling = quarantine_.release({event, station});
  if (ruling) told_of({*ruling}, actor);
  return ruling.has_value();
}

void Policy::look_at_quarantine() {
  if (const auto rulings = quarantine_.look(now_ms()); !rulings.empty()) return told_of(rulings);
  const std::vector<uint32_t> own = quarantine_.own_workers(now_ms());
  for (const uint32_t number : own)
    // Not from within a child's own call.
    loop_.post([this, number] {
      if (timer_ != 0 && quarantine_.is_own(number))
        if (Child& child = children_.place("worker", static_cast<int>(number)); !child.waiting())
          child.start();
    });
  children_.each_worker([&](Child& child) {
    const int number = child.place().number;
    if (number < static_cast<int>(wire::kFirstOwnWorker) || child.stopping()) return;
    if (std::find(own.begin(), own.end(), static_cast<uint32_t>(number)) != own.end()) return;
    if (quarantine_.is_own(static_cast<uint32_t>(number)))
      loop_.post([this, number] {  // its station is refused
        if (timer_ != 0) children_.place("worker", number).stop();
      });
    else if (child.running() && drained_.insert(number).second)
      child.send(wire::Drain{});
  });
}

}  // namespace headgate::serve
