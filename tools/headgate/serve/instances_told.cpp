// SPDX-License-Identifier: LGPL-2.1-or-later
// How a node's own pipelines fare, and what follows.
#include <base/json_line.h>
#include <common/log.h>
#include <common/utc.h>

#include <algorithm>
#include <utility>

#include "instances.h"
#include "operations.h"

namespace headgate::serve {

std::optional<int64_t> Instances::pause(const Child& child, int code, int64_t lived_ms) {
  const std::string instance = instance_of(child);
  if (instance.empty()) return std::nullopt;
  auto found = all_.find(instance);
  if (found == all_.end() || !found->second.backoff) return -1;
  One& one = found->second;
  one.line.clear();
  one.watch.reset();
  one.waits_until_us = one.next_start_us = 0;
  const std::string excess = std::exchange(one.excess, "");
  const std::string why = excess.empty() ? std::exchange(one.error, "") : excess;
  one.error.clear();
  const int64_t idle_ms = std::exchange(one.idle_ms, 0);
  one.last_end = child.end_text() + (why.empty() ? "" : ": " + why);
  one.last_end_us = clock_.utc_us();
  told_ = false;
  // One that was asked to end for what it took, or by somebody else than the node, has ended in order, and
  // has failed all the same where its description wants it to go on.
  if (code == 0 && excess.empty() && !(one.wanted && one.wanted->restart.again)) {
    one.over = "ended";
    enter(one, one.over);
    events_.add("instance.over", Severity::info,
                {{kEventText, "pipeline " + instance + " has ended by itself"}, {"instance", instance}});
    return -1;
  }
  const pipeline::Backoff::Next next = one.backoff->failed(lived_ms, idle_ms);
  const std::string row = std::to_string(one.backoff->in_a_row()) + " times in a row";
  if (next.alarm)
    events_.add(
        "instance.alarm", Severity::error,
        {{kEventText, "pipeline " + instance + " has failed " + row + ", the last time it " + one.last_end},
         {"instance", instance},
         {"reason", one.last_end}});
  if (!next.give_up) {
    one.next_start_us = one.last_end_us + next.pause_ms * 1000;
    enter(one, "backing-off");
    events_.add("instance.died", Severity::warning,
                {{kEventText, "pipeline " + instance + " " + one.last_end + "; next start in " +
                                  std::to_string(next.pause_ms) + " ms"},
                 {"instance", instance},
                 {"pid", child.last_pid()},
                 {"restarts", child.restarts() + 1},
                 {"reason", one.last_end}});
    return next.pause_ms;
  }
  one.over = "given-up";
  enter(one, one.over);
  const std::string text =
      "pipeline " + instance + " is given up: it has failed " + row + ", the last time it " + one.last_end;
  tools::log_error(text);
  events_.add("instance.over", Severity::error,
              {{kEventText, text}, {"instance", instance}, {"reason", one.last_end}});
  return -1;
}

void Instances::told(const Child& child, const wire::Message& message) {
  auto* status = std::get_if<wire::Status>(&message);
  auto found = status ? all_.find(instance_of(child)) : all_.end();
  if (found == all_.end()) return;
  One& one = found->second;
  const Arguments said(status->json);
  one.line = said.text("line");
  one.waits_until_us = said.number("waits_until_us").value_or(0);
  if (const std::string error = said.text("error"); !error.empty()) {
    one.error = error;
    one.idle_ms = std::max<int64_t>(0, said.number("idle_ms").value_or(0));  // an older one says none
  }
  // Also one that an earlier supervisor has started.
  if (one.wanted && said.text("settings") != one.wanted->id && !child.stopping())
    children_.place(child.place().role).stop();  // keep() starts another
  if (timer_ != 0 && note()) changed_();
}

void Instances::look_at_use() {
  for (auto& [instance, one] : all_) {
    Child* child = child_of(instance);
    if (!child || !child->running() || child->incompatible() || !one.wanted) {
      one.watch.reset();
      continue;
    }
    if (!one.watch || one.watch->pid() != child->pid())
      one.watch.emplace(child->pid(), looks_, one.wanted->limits);
    const auto excess = one.watch->look(now_ms());
    if (child->stopping()) continue;
    if (excess)
      end_for(instance, one, *child, *excess);
    else if (one.watch->is_overdue(now_ms()))
      child->kill();
  }
}

// It ends as after an error: what it archives is closed, and the pauses of its description follow.
void Instances::end_for(const std::string& instance, One& one, Child& child,
                        const ProcessWatch::Excess& excess) {
  one.excess = excess.reason;
  const std::string text = "pipeline " + instance + ": " + excess.reason + "; it is ended";
  tools::log_error(text, {{"CHILD_PID", child.pid()}});
  events_.add("instance." + excess.kind, Severity::error,
              {{kEventText, text}, {"instance", instance}, {"pid", child.pid()}});
  one.watch->ended(now_ms());
  child.ask_to_end();
}

std::string Instances::state_of(const std::string& instance, const One& one) const {
  if (!one.over.empty()) return one.over;
  const Child* child = child_of(instance);
  if (child && child->running())
    return !child->ready() ? "starting" : one.waits_until_us != 0 ? "scheduled" : "running";
  if (!one.wanted) return "refused";
  return child && child->waiting() ? "backing-off" : "starting";
}

void Instances::enter(One& one, std::string state) const {
  one.state = std::move(state);
  one.since_us = clock_.utc_us();
}

bool Instances::note() {
  bool out = false;
  for (auto& [instance, one] : all_) {
    std::string state = state_of(instance, one);
    if (state == one.state) continue;
    enter(one, std::move(state));
    out = true;
  }
  return out;
}

std::string Instances::json_of(const std::string& instance, const One& one) const {
  const Child* child = child_of(instance);
  const std::string state = state_of(instance, one);
  JsonLine line;
  line.field("instance", instance).field("state", state);
  if (state == one.state) line.field("since_utc", tools::utc_text(one.since_us));
  if (one.wanted)
    line.field("description", one.wanted->description).field("trigger", trigger_name(one.wanted->trigger));
  if (child && child->running()) line.field("pid", child->pid());
  if (child) line.field("restarts", child->restarts());
  if (one.backoff && one.backoff->in_a_row() > 0) line.field("failed_in_a_row", one.backoff->in_a_row());
  if (!one.last_end.empty())
    line.field("last_end", one.last_end).field("last_end_utc", tools::utc_text(one.last_end_us));
  if (state == "scheduled") line.field("next_start_utc", tools::utc_text(one.waits_until_us));
  if (state == "backing-off") line.field("next_start_utc", tools::utc_text(one.next_start_us));
  if (one.watch) {
    if (const auto used = one.watch->processors()) line.field("cpu", *used);
    if (const auto bytes = one.watch->memory_bytes()) line.field("memory_bytes", *bytes);
  }
  if (!one.line.empty()) line.field("line", one.line);
  if (!one.problem.empty()) line.field("reason", one.problem);
  return line.take();
}

std::string Instances::json() const {
  std::string out;
  for (const auto& [instance, one] : all_) out += (out.empty() ? "" : ",") + json_of(instance, one);
  return "[" + out + "]";
}

}  // namespace headgate::serve
