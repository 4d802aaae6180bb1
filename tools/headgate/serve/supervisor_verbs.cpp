// SPDX-License-Identifier: LGPL-2.1-or-later
// What the supervisor does when an operator says so (docs/api.md, "Control").
#include <base/clock.h>
#include <base/json_line.h>
#include <common/log.h>

#include <charconv>

#include "supervisor.h"

namespace headgate::serve {
namespace {

constexpr char kAskText[] = "this server is being taken out of service";
constexpr char kWorkersRemedy[] = "GET /api/v1/workers lists them";

}  // namespace

Child* Supervisor::find_worker(std::optional<int64_t> number) {
  Child* found = nullptr;
  children_.each_worker([&](Child& child) {
    if (number && child.place().number == *number && child.running()) found = &child;
  });
  return found;
}

void Supervisor::add_verbs() {
  using Done = Operations::Done;
  operations_.add("kick", [this](const Arguments& arguments, const Done& done) { kick(arguments, done); });
  operations_.add("drain", [this](const Arguments& arguments, const Done& done) { drain(arguments, done); });
  operations_.add("undrain",
                  [this](const Arguments& arguments, const Done& done) { undrain(arguments, done); });
  operations_.add("drain-worker",
                  [this](const Arguments& arguments, const Done& done) { drain_worker(arguments, done); });
  operations_.add("release",
                  [this](const Arguments& arguments, const Done& done) { release(arguments, done); });
  operations_.add("reload", [this](const Arguments& arguments, const Done& done) {
    reload(arguments.actor());
    done(202, JsonLine().field("reloading", true).take());
  });
  operations_.add("upgrade", [this](const Arguments& arguments, const Done& done) {
    if (!upgrade(arguments.actor()))
      return done(409, refusal("the node starts, or an upgrade is under way",
                               "GET /api/v1/node tells in `upgrade` how it goes on"));
    done(202, JsonLine().field("upgrading", true).take());
  });
}

void Supervisor::kick(const Arguments& arguments, const Operations::Done& done) {
  const std::string session = arguments.text("session");
  uint64_t id = 0;
  std::from_chars(session.data(), session.data() + session.size(), id);
  Child* worker = find_worker(arguments.number("worker"));
  if (id == 0 || !worker || !worker->send(wire::Kick{id, arguments.text("reason")}))
    return done(404, refusal("the session's worker has gone", "GET /api/v1/sessions lists who publishes"));
  const int64_t station = arguments.number("station").value_or(0);  // an older control does not say
  events_.add("session.kicked", Severity::info,
              {{kEventText, "an operator ends the session of station " + std::to_string(station)},
               {"session", session},
               {"event", arguments.number("event").value_or(config_.event)},
               {"station", station},
               {"worker", worker->place().number}},
              arguments.actor());
  done(202, JsonLine().field("session", session).take());
}

void Supervisor::drain(const Arguments& arguments, const Operations::Done& done) {
  const bool fresh = !draining_.on();
  if (auto begun = draining_.begin(system_clock().utc_us()); !begun)
    tools::log_warning("a restart of the supervisor ends the draining: " + begun.error().message);
  children_.each_gate([](Child& gate) { gate.send(wire::Drain{}); });
  const std::string to = arguments.text("reconnect_to");
  if (!to.empty())
    children_.each_worker([&](Child& child) { child.send(wire::AskReconnect{0, to, kAskText}); });
  if (fresh || !to.empty())
    events_.add(
        "node.draining", Severity::info,
        {{kEventText, to.empty() ? "the node lets nobody in any more"
                                 : "the node lets nobody in any more, and asks who is in to go to " + to},
         {"sessions", workers_.sessions()}},
        arguments.actor());
  announce();
  tell_drained();
  done(200, JsonLine().raw("draining", draining_.json()).field("sessions", workers_.sessions()).take());
}

void Supervisor::undrain(const Arguments& arguments, const Operations::Done& done) {
  if (draining_.on())
    events_.add("node.undrained", Severity::info, {{kEventText, "the node lets publishers in again"}},
                arguments.actor());
  draining_.end();
  children_.each_gate([&](Child& gate) {
    if (!srt_closed_ || !Children::is_aside(gate)) gate.send(wire::Drain{false});
  });
  announce();
  done(200, JsonLine().raw("draining", draining_.json()).field("sessions", workers_.sessions()).take());
}

void Supervisor::tell_drained() {
  if (workers_.sessions() > 0 || !draining_.emptied()) return;
  events_.add("node.drained", Severity::info, {{kEventText, "nobody publishes to the node any more"}});
}

void Supervisor::drain_worker(const Arguments& arguments, const Operations::Done& done) {
  const auto number = arguments.number("worker");
  const bool reconnect = arguments.truth("reconnect", false);
  Child* worker = find_worker(number);
  if (worker && reconnect && draining_.on())
    return done(409, refusal("the node lets nobody in: who reconnected would be refused",
                             "leave out `reconnect`, or DELETE /api/v1/drain first"));
  if (!worker || !worker->send(wire::Drain{}))
    return done(404, refusal("there is no such worker", kWorkersRemedy));
  // To the same address: the gate gives them to another worker.
  if (reconnect) worker->send(wire::AskReconnect{0, "", "this server is rearranged"});
  events_.add("worker.draining", Severity::info,
              {{kEventText, worker->name() + " takes nobody any more, and ends when its sessions have"},
               {"worker", *number}},
              arguments.actor());
  done(200, JsonLine().field("worker", *number).field("draining", true).take());
}

void Supervisor::release(const Arguments& arguments, const Operations::Done& done) {
  const auto station = arguments.number("station");
  if (!station || *station < 0 || *station > UINT32_MAX ||
      !policy_.release(config_.event, static_cast<uint32_t>(*station), arguments.actor()))
    return done(404, refusal("the station is not in quarantine",
                             "headgate status, or NODE's quarantine and apart, lists those that are"));
  done(200, JsonLine().field("station", *station).field("released", true).take());
}

}  // namespace headgate::serve
