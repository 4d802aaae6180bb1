// SPDX-License-Identifier: LGPL-2.1-or-later
#include "workers.h"

#include <base/clock.h>
#include <common/log.h>

#include <algorithm>
#include <functional>

namespace headgate::serve {
namespace {

int64_t now_ms() {
  return system_clock().mono_us() / 1000;
}

// Of one station alone: nobody else's room.
bool is_own(const Child& child) {
  return child.place().number >= static_cast<int>(wire::kFirstOwnWorker);
}

}  // namespace

void Workers::start() {
  started_ = true;
  for (int number = 0; number < limits_.workers; ++number) children_.place("worker", number).start();
}

void Workers::told(const Child& child, const wire::WorkerState& state) {
  auto [load, first] = loads_.try_emplace(child.name());
  Load& of = load->second;
  if (!first && !is_own(child))
    room_.came(int64_t{state.sessions} - of.sessions, now_ms());  // what it came with is not new
  of.sessions = state.sessions;
  of.capacity = state.capacity;
  of.accepting = state.accepting;
  if (state.reason != wire::kDraining)
    of.drained_ms = 0;
  else if (of.drained_ms == 0)
    of.drained_ms = now_ms();
  keep();
}

void Workers::ended(const Child& child) {
  loads_.erase(child.name());
}

uint32_t Workers::sessions() const {
  uint32_t out = 0;
  for (const auto& [name, load] : loads_) out += load.sessions;
  return out;
}

void Workers::keep() {
  if (!started_) return;
  int64_t free_places = 0, workers = 0, starting = 0, failing = 0, drained = 0, unfit = 0;
  int next = 0;
  bool can_help = false;
  children_.each_worker([&](const Child& child) {
    if (is_own(child)) return;
    next = std::max(next, child.place().number + 1);
    if (child.stopping()) return;
    ++workers;
    auto load = loads_.find(child.name());
    if (load == loads_.end()) {
      ++(child.running() ? starting : failing);
    } else if (load->second.accepting) {
      can_help = true;
      free_places += std::max<int64_t>(0, int64_t{load->second.capacity} - load->second.sessions);
    } else {
      ++(load->second.drained_ms > 0 ? drained : unfit);
    }
  });
  if (next == 0) return start();  // the last one was ended for what it took
  // What keeps these from accepting would keep others; but not that an operator has drained them.
  if (!can_help && (drained == 0 || unfit > 0)) return end_drained();
  int64_t more = room_.to_start(free_places, starting, failing, now_ms());
  for (more = std::min(more, limits_.max_workers - workers); more > 0; --more) {
    tools::log_notice("the workers fill: one more", {{"WORKER", next}});
    children_.place("worker", next++).start();
  }
  drain_spare(room_.to_end(free_places, now_ms()));
  end_drained();
}

// The last ones that have nothing: the gate fills the first ones. Who is being handed over to one meanwhile
// may still come (worker's kOnItsWayMs), and then it runs until that session has ended.
void Workers::drain_spare(int64_t workers) {
  std::map<int, Child*, std::greater<>> idle;  // by number, the highest first
  children_.each_worker([&](Child& child) {
    auto load = loads_.find(child.name());
    if (load == loads_.end() || is_own(child) || child.place().number < limits_.workers) return;
    if (load->second.accepting && load->second.sessions == 0) idle[child.place().number] = &child;
  });
  for (auto& [number, child] : idle) {
    if (workers-- <= 0) return;
    if (!child->send(wire::Drain{})) continue;
    tools::log_notice("too many workers are free: one less", {{"WORKER", number}});
  }
}

void Workers::end_drained() {
  children_.each_worker([&](Child& child) {
    auto load = loads_.find(child.name());
    if (load == loads_.end() || child.stopping()) return;
    const Load& of = load->second;
    if (of.drained_ms > 0 && of.sessions == 0 && now_ms() - of.drained_ms >= kDrainedMs) child.stop();
  });
}

}  // namespace headgate::serve
