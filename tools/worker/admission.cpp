// SPDX-License-Identifier: LGPL-2.1-or-later
#include "admission.h"

#include <base/clock.h>
#include <common/log.h>
#include <ticket/ticket.h>

namespace headgate::worker {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

std::string word_of(int code) {
  return code == ticket::kNoStorage  ? "NO-STORAGE"
         : code == ticket::kConflict ? "IN-USE"
         : code == ticket::kOverload ? "OVERLOAD"
                                     : "DOWN";
}

}  // namespace

Admission::Admission(Loop& loop, AdmissionRules rules, const Fitness& fitness, Host& host)
    : loop_(loop), rules_(rules), fitness_(fitness), host_(host), farewells_(loop) {}

Admission::~Admission() {
  for (auto& [station, waiting] : waiting_) loop_.cancel(waiting.deadline);
}

Refusal Admission::unfit_refusal(const std::string& problem) {
  return {problem.starts_with(wire::kNoStorageFront) ? ticket::kNoStorage : ticket::kDown, "error:" + problem,
          problem};
}

std::optional<Refusal> Admission::reason_to_refuse(const wire::Handoff& handoff, Coming how) const {
  const bool on_its_way = how == Coming::handed_over && fitness_.drained_within(rules_.on_its_way_ms);
  if (std::string problem = fitness_.problem(); !problem.empty() && !on_its_way)
    return unfit_refusal(problem);
  Station station{handoff.event, handoff.station};
  // Who waits for a former session gets its place, which is counted.
  if (!host_.runs(station) && host_.sessions() >= rules_.capacity)
    return Refusal{ticket::kDown, "error:worker is full", "all places are taken"};
  auto failed = errors_.find(station);
  if (failed != errors_.end() && static_cast<int64_t>(failed->second.size()) >= rules_.errors_per_minute)
    return Refusal{ticket::kOverload,
                   std::string(wire::kTooManyErrorsFront) + std::to_string(failed->second.size()) +
                       " times within a minute",
                   "this station failed " + std::to_string(failed->second.size()) + " times within a minute"};
  return std::nullopt;
}

void Admission::take(wire::Handoff handoff, UniqueFd connection) {
  if (auto refusal = reason_to_refuse(handoff, Coming::handed_over))
    return refuse(handoff, std::move(connection), *refusal);
  Station station{handoff.event, handoff.station};
  if (!host_.runs(station)) return host_.begin(handoff, std::move(connection));
  if (waiting_.count(station) != 0)
    refuse_one(station, {ticket::kConflict, "kick:superseded", "this station has connected once more"});
  auto deadline = loop_.after_ms(rules_.pending_ms, [this, station] {
    refuse_one(station, {ticket::kDown, "error:its last session does not end",
                         "this station's last session does not end"});
  });
  waiting_[station] = {std::move(handoff), std::move(connection), deadline};
  host_.supersede(station);
}

void Admission::refuse(const wire::Handoff& handoff, UniqueFd connection, const Refusal& refusal) {
  tools::log_warning("session refused: " + refusal.reason,
                     {{"STATION", handoff.station}, {"SESSION", handoff.session}, {"PEER", handoff.peer}});
  farewells_.refuse(std::move(connection), handoff.state, refusal.code,
                    word_of(refusal.code) + ": " + refusal.text + ". Try again in a few seconds.");
  host_.tell_refused(handoff, refusal.reason);
}

void Admission::refuse_one(const Station& station, const Refusal& refusal) {
  auto waiting = waiting_.extract(station);
  loop_.cancel(waiting.mapped().deadline);
  refuse(waiting.mapped().handoff, std::move(waiting.mapped().connection), refusal);
  host_.tell_state();
}

void Admission::refuse_waiting(const Refusal& refusal) {
  while (!waiting_.empty()) refuse_one(waiting_.begin()->first, refusal);
}

void Admission::refuse_waiting_unfit(const std::string& problem) {
  refuse_waiting(unfit_refusal(problem));
}

bool Admission::kick(uint64_t session, const std::string& reason) {
  for (auto& [station, waiting] : waiting_) {
    if (waiting.handoff.session != session) continue;
    refuse_one(Station(station), {ticket::kDown, "kick:" + reason, reason});
    return true;
  }
  return false;
}

void Admission::closed(const Station& station) {
  auto next = waiting_.extract(station);
  if (!next) return;
  Waiting& waiting = next.mapped();
  loop_.cancel(waiting.deadline);
  // Much may have happened since it came.
  if (auto refusal = reason_to_refuse(waiting.handoff, Coming::after_a_wait))
    refuse(waiting.handoff, std::move(waiting.connection), *refusal);
  else
    host_.begin(waiting.handoff, std::move(waiting.connection));
}

void Admission::count_error(const Station& station) {
  errors_[station].push_back(system_clock().mono_us());
}

void Admission::forget_old_errors() {
  const int64_t minute_ago = system_clock().mono_us() - kMinuteUs;
  for (auto& [station, times] : errors_)
    while (!times.empty() && times.front() < minute_ago) times.pop_front();
  std::erase_if(errors_, [](const auto& one) { return one.second.empty(); });
}

}  // namespace headgate::worker
