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

// For whoever comes next.
bool is_of_use(const Child& child) {
  return !is_own(child) && !child.stopping() && !child.incompatible();
}

}  // namespace

void Workers::start() {
  started_ = true;
  // An earlier supervisor's may have other numbers.
  int64_t running = 0;
  children_.each_worker([&](const Child& child) { running += child.running() && is_of_use(child) ? 1 : 0; });
  for (; running < limits_.workers; ++running) children_.place("worker", free_number()).start();
}

int Workers::free_number() const {
  int number = 0;
  while (children_.has("worker", number)) ++number;
  return number;
}

std::vector<std::string> Workers::start_others(const std::vector<std::string>& instead_of) {
  std::vector<std::string> out;
  int64_t others = 0;
  children_.each_worker([&](const Child& child) {
    const bool old =
        std::find(instead_of.begin(), instead_of.end(), socket_name_of(child)) != instead_of.end();
    others += child.running() && is_of_use(child) && !old ? 1 : 0;
  });
  for (; others < limits_.workers; ++others) {
    Child& child = children_.place("worker", free_number());
    out.push_back(socket_name_of(child));
    child.start();
  }
  return out;
}

int64_t Workers::sessions_of(const std::string& name) const {
  auto load = loads_.find(name);
  return load == loads_.end() ? 0 : load->second.sessions;
}

void Workers::told(const Child& child, const wire::WorkerState& state) {
  auto [load, first] = loads_.try_emplace(child.name());
  Load& of = load->second;
  if (!first && !is_own(child))
    room_.came(int64_t{state.sessions} - of.sessions, now_ms());  // what it came with is not new
  of.sessions = state.sessions;
  of.capacity = state.capacity;
  of.accepting = state.accepting;
  of.no_storage = state.reason.starts_with(wire::kNoStorageFront);
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
  bool can_help = false, no_storage = false;
  children_.each_worker([&](const Child& child) {
    if (!is_of_use(child)) return;
    auto load = loads_.find(child.name());
    if (load != loads_.end() && load->second.drained_ms > 0) {  // on its way out
      ++drained;
      return;
    }
    ++workers;
    if (load == loads_.end()) {
      ++(child.running() ? starting : failing);
    } else if (load->second.accepting) {
      can_help = true;
      free_places += std::max<int64_t>(0, int64_t{load->second.capacity} - load->second.sessions);
    } else {
      ++unfit;
      // One without a session has nothing of its own that could keep it from writing: it is the disk, and
      // others may only not have looked yet.
      no_storage = no_storage || (load->second.no_storage && load->second.sessions == 0);
    }
  });
  for (; workers < limits_.workers; ++workers) children_.place("worker", free_number()).start();
  // What keeps these from accepting would keep others; but not that an operator has drained them.
  if (no_storage || (!can_help && (drained == 0 || unfit > 0))) return end_drained();
  int64_t more = room_.to_start(free_places, starting, failing, now_ms());
  for (more = std::min(more, limits_.max_workers - workers); more > 0; --more) {
    const int number = free_number();
    tools::log_notice("the workers fill: one more", {{"WORKER", number}});
    children_.place("worker", number).start();
  }
  drain_spare(room_.to_end(free_places, now_ms()));
  end_drained();
}

// The last ones that have nothing: the gate fills the first ones. Who is being handed over to one meanwhile
// may still come (worker's kOnItsWayMs), and then it runs until that session has ended.
void Workers::drain_spare(int64_t workers) {
  std::map<int, Child*, std::greater<>> idle;  // by number, the highest first
  int64_t all = 0;
  children_.each_worker([&](Child& child) {
    auto load = loads_.find(child.name());
    if (load == loads_.end() || is_own(child) || child.stopping() || load->second.drained_ms > 0) return;
    ++all;
    if (load->second.accepting && load->second.sessions == 0) idle[child.place().number] = &child;
  });
  workers = std::min(workers, all - limits_.workers);
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
