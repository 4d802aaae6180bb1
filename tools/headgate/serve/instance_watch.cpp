// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instance_watch.h"

namespace headgate::serve {
namespace {

constexpr int64_t kCpuMs = 10'000;

}  // namespace

std::optional<InstanceWatch::Excess> InstanceWatch::look(int64_t now_ms) {
  const auto usage = meter_.read(now_ms);
  return usage ? look(now_ms, *usage) : std::nullopt;
}

std::optional<InstanceWatch::Excess> InstanceWatch::look(int64_t now_ms, const Usage& usage) {
  cpu_.emplace_back(now_ms, usage.cpu_us);
  while (cpu_.size() > 2 && now_ms - cpu_[1].first >= kCpuMs) cpu_.pop_front();
  memory_bytes_ = usage.proportional_bytes > 0 ? usage.proportional_bytes : usage.resident_bytes;
  if (is_ended()) return std::nullopt;
  WorkerLook look;
  look.now_ms = now_ms;
  look.sessions = 1;  // the pipeline
  look.usage = usage;
  const WorkerVerdict verdict = health_.look(look);
  // A worker is drained first: nobody else's streams are in this one.
  if (verdict.what == WorkerVerdict::Do::nothing) return std::nullopt;
  return Excess{verdict.kind, verdict.reason};
}

std::optional<double> InstanceWatch::processors() const {
  if (cpu_.size() < 2) return std::nullopt;
  const auto& [from_ms, from_us] = cpu_.front();
  const auto& [to_ms, to_us] = cpu_.back();
  if (to_ms <= from_ms) return std::nullopt;
  return static_cast<double>(to_us - from_us) / 1000 / static_cast<double>(to_ms - from_ms);
}

std::optional<uint64_t> InstanceWatch::memory_bytes() const {
  return memory_bytes_;
}

bool InstanceWatch::is_overdue(int64_t now_ms) const {
  return is_ended() && now_ms - ended_ms_ >= kRunEndMs;
}

}  // namespace headgate::serve
