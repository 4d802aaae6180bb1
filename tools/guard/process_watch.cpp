// SPDX-License-Identifier: LGPL-2.1-or-later
#include <guard/process_watch.h>

namespace headgate::guard {

std::optional<ProcessWatch::Excess> ProcessWatch::look(int64_t now_ms) {
  const auto usage = meter_.read(now_ms);
  return usage ? look(now_ms, *usage) : std::nullopt;
}

std::optional<ProcessWatch::Excess> ProcessWatch::look(int64_t now_ms, const Usage& usage) {
  cpu_.add(now_ms, usage.cpu_us);
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

std::optional<double> ProcessWatch::processors() const {
  const auto used = cpu_.change(0);
  return used ? std::optional(processors_of(*used)) : std::nullopt;
}

std::optional<uint64_t> ProcessWatch::memory_bytes() const {
  return memory_bytes_;
}

bool ProcessWatch::is_overdue(int64_t now_ms) const {
  return is_ended() && now_ms - ended_ms_ >= kRunEndMs;
}

}  // namespace headgate::guard
