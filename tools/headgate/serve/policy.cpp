// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy.h"

#include <base/io.h>
#include <base/json_line.h>
#include <common/log.h>

#include <algorithm>
#include <utility>

#include "node_file.h"
#include "policy_state.h"

namespace headgate::serve {
namespace {

constexpr size_t kMaxFileBytes = 64 * 1024;
constexpr int kAlarmDeaths = 8;  // in a row, each before kSteadyMs

}  // namespace

Policy::Policy(Loop& loop, const Clock& clock, CloseLooks& looks, Children& children, Workers& workers,
               NodeEvents& events, const std::string& data, std::string runtime_dir,
               const PolicyLimits& limits, std::function<void()> changed)
    : loop_(loop),
      clock_(clock),
      looks_(looks),
      children_(children),
      workers_(workers),
      events_(events),
      quarantine_file_(std::move(runtime_dir) + "/quarantine"),
      limits_(limits),
      changed_(std::move(changed)),
      quarantine_({},
                  [&children](uint32_t worker) { return children.has("worker", static_cast<int>(worker)); }),
      capacity_(limits.capacity),
      meter_(data, limits.capacity.link_mbps),
      clock_watch_(clock) {
  limits_.worker = on_this_machine(limits_.worker);
}

Policy::~Policy() {
  stop();
}

void Policy::start() {
  if (auto kept = read_file(quarantine_file_, kMaxFileBytes))
    if (auto loaded = quarantine_.load(std::string(as_text(*kept)), now_ms()); !loaded)
      tools::log_info(quarantine_file_ + " is not used: " + loaded.error().message);
  tell_gate();
  look();
  timer_ = loop_.every_ms(kPolicyLookMs, [this] { look(); });
}

void Policy::stop() {
  loop_.cancel(std::exchange(timer_, 0));
}

void Policy::changed(const Child& child) {
  // died() comes later, and needs what was known of it.
  if (is_worker(child) && !child.running() && child.stopping()) drained_.erase(child.place().number);
  // Not before the quarantine was read: a gate that was taken over would forget what it knows.
  if (child.place().role == "gate" && child.ready() && timer_ != 0) tell_gate();
}

void Policy::told(const Child& child, const wire::Message& message, std::vector<UniqueFd>& fds) {
  if (!is_worker(child)) return;
  if (std::holds_alternative<wire::MarksFile>(message)) {
    if (fds.size() == 1) watched(child).marks = std::move(fds[0]);
  } else if (auto* state = std::get_if<wire::WorkerState>(&message)) {
    watched(child).sessions = state->sessions;
    note_storage(*state);
  } else if (auto* status = std::get_if<wire::Status>(&message)) {
    watched(child).counts = worker_counts(status->json);
  }
}

// All workers look at the same volume: the first one's word is told, and the first that it is good again.
void Policy::note_storage(const wire::WorkerState& state) {
  const bool bad = state.reason.starts_with(wire::kNoStorageFront);
  if (!bad && !state.accepting) return;  // draining, stopping: it does not say
  const std::string problem = bad ? state.reason.substr(wire::kNoStorageFront.size()) : "";
  if (bad == !storage_.empty()) return;
  storage_ = problem;
  const std::string text =
      bad ? "the archive takes nothing: " + problem : std::string("the archive takes media again");
  events_.add(bad ? "disk.full" : "disk.good", bad ? Severity::error : Severity::info, {{kEventText, text}});
}

Policy::Watched& Policy::watched(const Child& child) {
  Watched& worker = watched_[child.pid()];
  if (worker.health) return worker;
  worker.usage.emplace(child.pid(), looks_);
  worker.health.emplace(limits_.worker);
  return worker;
}

void Policy::limit(const WorkerLimits& limits) {
  limits_.worker = on_this_machine(limits);
  for (auto& [pid, worker] : watched_)
    if (worker.health) worker.health->limit(limits_.worker);
}

WorkerLimits Policy::on_this_machine(WorkerLimits limits) const {
  limits.machine_mib = static_cast<int64_t>(meter_.machine_memory_mib().value_or(0));
  return limits;
}

void Policy::look() {
  const auto late_ms = look_at_workers();
  look_at_capacity(late_ms);
  look_at_clock();
  look_at_quarantine();
  look_at_alarms();
  if (now_ms() - told_ms_ < kTellNodeMs) return;
  told_ms_ = now_ms();
  changed_();
}

std::optional<double> Policy::look_at_workers() {
  std::vector<Child*> workers;  // what is done may end some
  children_.each_worker([&](Child& child) {
    if (child.running() && !child.incompatible()) workers.push_back(&child);
  });
  std::erase_if(watched_, [&](const auto& one) {
    return std::none_of(workers.begin(), workers.end(),
                        [&](const Child* child) { return child->pid() == one.first; });
  });
  std::optional<double> late_ms;
  for (Child* child : workers) {
    Watched& worker = watched(*child);
    look_at_worker(*child, worker);
    if (const auto round = worker.health->round_ms()) late_ms = std::max(late_ms.value_or(0), *round);
  }
  return late_ms;
}

void Policy::look_at_worker(Child& child, Watched& worker) {
  worker.stopped = is_stopped(child.pid());
  if (worker.ended) {  // it has had its time
    if (now_ms() - worker.ended_ms >= kEndedMs) child.kill();
    return;
  }
  WorkerLook look;
  look.now_ms = now_ms();
  look.sessions = worker.sessions;
  look.rungs = worker.counts.rungs;
  if (auto usage = worker.usage->read(look.now_ms)) look.usage = *usage;
  if (worker.marks)
    if (auto marks = wire::read_marks(worker.marks.get())) look.marks = *std::move(marks);
  carry_out(child, worker, worker.health->look(look));
}

void Policy::carry_out(Child& child, Watched& worker, const WorkerVerdict& verdict) {
  using Do = WorkerVerdict::Do;
  if (verdict.what == Do::nothing) return;
  const bool own = quarantine_.is_own(static_cast<uint32_t>(child.place().number));
  Do what = verdict.what;
  if (what == Do::drain && own) what = Do::end;  // its station has no other
  std::string text = child.name() + ": " + verdict.reason;
  if (verdict.kind == "still" && worker.stopped) text += " (it is stopped by a signal)";
  text += what == Do::drain ? "; it takes no more, and another one is started"
          : what == Do::end ? "; its sessions are ended, and another one is started"
                            : "; killed";
  if (verdict.of)
    tools::log_error(text, {{"WORKER", child.place().number},
                            {"STATION", verdict.of->station},
                            {"EVENT", verdict.of->event},
                            {"SESSION", verdict.of->session}});
  else
    tools::log_error(text, {{"WORKER", child.place().number}});
  events_.add("worker." + verdict.kind, Severity::error,
              {{kEventText, text},
               {"worker", child.place().number},
               {"pid", child.pid()},
               {"action", what == Do::drain ? "drain"
                          : what == Do::end ? "end"
                                            : "kill"}});
  if (what == Do::kill) {
    worker.still = true;
    return child.kill();  // it is started again in its place
  }
  if (what == Do::drain) {  // Workers starts another when it says that it is
    child.send(wire::Drain{});
    return;
  }
  worker.ended = true;
  worker.ended_ms = now_ms();
  took_too_much(child, worker, verdict.kind);  // before those come back whom its end cuts
  child.stop();
  workers_.keep();
}

void Policy::look_at_capacity(std::optional<double> late_ms) {
  CapacityReading reading = meter_.read(now_ms());
  reading.late_ms = late_ms;
  // What the node's own pipelines encode does not count: of them there will be no more.
  PausedShare paused;
  for (const auto& [pid, worker] : watched_) paused.add(worker.counts);
  reading.encoding_percent = paused.percent();
  const auto changes = capacity_.look(reading);
  for (const Capacity::Change& change : changes) {
    const std::string text =
        change.full ? "no new stations are taken: " + change.text : "there is room again: " + change.text;
    tools::log(change.full ? tools::Level::warning : tools::Level::notice, text);
    events_.add(change.full ? "node.full" : "node.open", change.full ? Severity::error : Severity::info,
                {{kEventText, text}, {"measure", change.measure}});
  }
  if (changes.empty()) return;
  tell_gate();
  changed_();
}

void Policy::look_at_clock() {
  const ClockWatch::News news = clock_watch_.look();
  if (news.step_us) {
    const std::string text = "the clock stepped by " + std::to_string(*news.step_us / 1000) + " ms";
    tools::log_warning(text);
    events_.add("node.clock", Severity::warning, {{kEventText, text}, {"step_ms", *news.step_us / 1000}});
  }
  if (news.synchronised) {
    const std::string text =
        *news.synchronised ? "the clock is kept right" : "the clock is not synchronised with any other";
    tools::log(*news.synchronised ? tools::Level::info : tools::Level::warning, text);
    events_.add("node.clock", *news.synchronised ? Severity::info : Severity::warning,
                {{kEventText, text}, {"synchronised", *news.synchronised}});
  }
  if (news.step_us || news.synchronised) changed_();
}

void Policy::look_at_alarms() {
  children_.each([&](const Child& child) {
    const bool again = child.deaths() >= kAlarmDeaths;
    if (again == alarms_.contains(child.name())) return;
    if (!again) {
      alarms_.erase(child.name());
      return changed_();
    }
    alarms_.insert(child.name());
    const std::string text = child.name() + " ended " + std::to_string(child.deaths()) +
                             " times in a row: it does not come up by itself";
    events_.add("process.alarm", Severity::error, {{kEventText, text}, {"process", child.name()}});
    changed_();
  });
}

void Policy::tell_gate() {
  const wire::NodePolicy policy{capacity_.full(), limits_.grace_ms, quarantine_.isolations(),
                                quarantine_.suspects()};
  children_.each_gate([&](Child& gate) { gate.send(policy); });
}

std::string Policy::alarms_json() const {
  std::string out;
  for (const std::string& name : alarms_)
    out += (out.empty() ? "" : ",") + JsonLine().field("process", name).take();
  return "[" + out + "]";
}

}  // namespace headgate::serve
