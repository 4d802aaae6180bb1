// SPDX-License-Identifier: LGPL-2.1-or-later
#include <guard/worker_health.h>

#include <algorithm>

namespace headgate::guard {
namespace {

constexpr double kBurning = 0.9;  // of a processor
constexpr int64_t kMiB = 1024 * 1024;

std::string station_text(const wire::Mark& mark) {
  return "station " + std::to_string(mark.station) + " of event " + std::to_string(mark.event);
}

std::string tenths(double value) {
  const auto tenth = static_cast<int64_t>(value * 10 + 0.5);
  return std::to_string(tenth / 10) + "." + std::to_string(tenth % 10);
}

}  // namespace

WorkerVerdict WorkerHealth::look(const WorkerLook& look) {
  if (killed_) return {};
  // Nobody was at work meanwhile.
  if (looked_ms_ >= 0 && look.now_ms - looked_ms_ > kLateTickMs) begin_anew();
  looked_ms_ = look.now_ms;
  if (auto still = look_at_threads(look); still.what != WorkerVerdict::Do::nothing) {
    killed_ = true;  // one that cannot die yet (it waits for a disk) dies when it can
    round_ms_.reset();
    return still;
  }
  const auto used = processors(look);
  if (!look.usage) return {};
  const Usage& usage = *look.usage;
  const auto bytes =
      static_cast<int64_t>(usage.proportional_bytes > 0 ? usage.proportional_bytes : usage.resident_bytes);
  const bool looked = usage.has_look();
  const std::string has = " MiB of memory with " + std::to_string(look.sessions) + " streams" +
                          (look.rungs > 0 ? " and " + std::to_string(look.rungs) + " rungs" : "");
  const int64_t memory = limits_.base_memory_mib + look.sessions * limits_.stream_memory_mib +
                         look.rungs * limits_.rung_memory_mib;
  // What leaks is no other's, and is known each second.
  const int64_t most = std::max(looked ? bytes : 0, static_cast<int64_t>(usage.anonymous_bytes));
  if (const int64_t hard = hard_memory_mib(memory); hard > 0 && most > hard * kMiB)
    return {WorkerVerdict::Do::end,
            "memory",
            "has " + std::to_string(most / kMiB) + has + "; it may have " + std::to_string(hard) + " in all",
            {}};
  const auto of_memory = judge(
      memory_, looked && limits_.stream_memory_mib > 0 && bytes > memory * kMiB, look.now_ms, "memory",
      "has " + std::to_string(bytes / kMiB) + has + ", for which " + std::to_string(memory) + " are enough");
  if (of_memory.what != WorkerVerdict::Do::nothing) return of_memory;
  const double allowed = static_cast<double>(limits_.base_cpu + look.sessions * limits_.stream_cpu +
                                             look.rungs * limits_.rung_cpu) /
                         1000;
  const auto of_processors =
      judge(processors_, limits_.stream_cpu > 0 && used && *used > allowed, look.now_ms, "cpu",
            "used " + tenths(used.value_or(0)) + " processors over a minute for " +
                std::to_string(look.sessions) + " streams and " + std::to_string(look.rungs) +
                " rungs, for which " + tenths(allowed) + " are enough");
  if (of_processors.what != WorkerVerdict::Do::nothing) return of_processors;
  return judge(
      descriptors_, looked && usage.max_fds > 0 && usage.open_fds * 100 > usage.max_fds * limits_.fds_percent,
      look.now_ms, "descriptors",
      "has " + std::to_string(usage.open_fds) + " of " + std::to_string(usage.max_fds) + " descriptors open");
}

int64_t WorkerHealth::hard_memory_mib(int64_t allowed_mib) const {
  if (limits_.memory_mib >= 0) return limits_.memory_mib;
  if (limits_.stream_memory_mib == 0) return 0;  // its streams have no limit
  const int64_t hard = kHardMemory * allowed_mib;
  return limits_.machine_mib > 0 ? std::max(allowed_mib, std::min(hard, limits_.machine_mib / 2)) : hard;
}

void WorkerHealth::begin_anew() {
  served_.clear();
  cpu_.clear();
  for (Excess* excess : {&memory_, &processors_, &descriptors_}) excess->since_ms = -1;
}

WorkerVerdict WorkerHealth::look_at_threads(const WorkerLook& look) {
  round_ms_.reset();
  std::erase_if(served_, [&](const auto& one) {
    return std::none_of(look.marks.begin(), look.marks.end(),
                        [&](const auto& mark) { return mark.session == one.first; });
  });
  const int64_t cpu_us = look.usage ? look.usage->cpu_us : 0;
  WorkerVerdict out;
  bool all_still = !look.marks.empty();
  for (const wire::Mark& mark : look.marks) {
    auto [found, first] = served_.try_emplace(mark.session);
    Served& served = found->second;
    if (first || served.word != mark.service) {
      served.word = mark.service;
      served.changed_ms = look.now_ms;
      served.cpu_us = cpu_us;
    }
    served.words.add(look.now_ms, mark.service);
    if (const auto change = served.words.change(kRoundWindowMs / 2)) {
      // Two counts are a round.
      const double rounds = static_cast<double>(change->count) / 2;
      round_ms_ = std::max(round_ms_.value_or(0), static_cast<double>(change->ms) / std::max(rounds, 0.5));
    }
    const int64_t still_ms = look.now_ms - served.changed_ms;
    all_still = all_still && still_ms >= limits_.still_ms;
    if (!mark.at_work()) continue;
    const bool burning = still_ms > 0 && static_cast<double>(cpu_us - served.cpu_us) / 1000 >=
                                             kBurning * static_cast<double>(still_ms);
    if (still_ms >= limits_.still_ms || (burning && still_ms >= limits_.burning_ms))
      out = {WorkerVerdict::Do::kill, "still",
             "a thread has been at work for " + station_text(mark) + " for " +
                 std::to_string(still_ms / 1000) + " s and does not come back" +
                 (burning ? ", using a processor all the while" : ""),
             mark};
  }
  if (out.what == WorkerVerdict::Do::nothing && all_still)
    out = {WorkerVerdict::Do::kill,
           "still",
           "no stream has been served for " + std::to_string(limits_.still_ms / 1000) + " s",
           {}};
  return out;
}

std::optional<double> WorkerHealth::processors(const WorkerLook& look) {
  if (!look.usage) return std::nullopt;
  cpu_.add(look.now_ms, look.usage->cpu_us);
  const auto used = cpu_.change(kCpuWindowMs);
  return used ? std::optional(processors_of(*used)) : std::nullopt;
}

WorkerVerdict WorkerHealth::judge(Excess& excess, bool over, int64_t now_ms, const char* kind,
                                  const std::string& reason) const {
  if (!over) {
    excess.since_ms = -1;  // a drained worker stays drained, and is not drained twice
    return {};
  }
  if (excess.since_ms < 0) excess.since_ms = now_ms;
  if (now_ms - excess.since_ms < limits_.over_ms) return {};
  if (excess.drained_ms < 0) {
    excess.drained_ms = now_ms;
    return {WorkerVerdict::Do::drain, kind, reason, {}};
  }
  if (now_ms - excess.drained_ms < limits_.grace_ms) return {};
  return {WorkerVerdict::Do::end, kind, reason + ", and it did not become less", {}};
}

}  // namespace headgate::guard
