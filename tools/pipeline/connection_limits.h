// SPDX-License-Identifier: LGPL-2.1-or-later
// What the process of one pipeline may take of the machine.
#pragma once

#include <guard/silence.h>
#include <guard/worker_limits.h>
#include <pipeline/description.h>

#include <cstdint>

namespace headgate::pipeline {

// In all, where the description does not say: whoever connects is a stranger.
inline constexpr int64_t kConnectionMemoryMib = 2048;

// What a description's `resources` say, as of a worker with one stream; what they do not say has no limit.
inline guard::WorkerLimits limits_of(const Description& description) {
  guard::WorkerLimits out;
  out.stream_memory_mib = description.resources().memory_mib.value_or(0);
  out.stream_cpu = description.resources().cpu.value_or(0);
  return out;
}

// Of the processes of connections (connections.h).
struct ConnectionLimits {
  guard::WorkerLimits process;
  int64_t start_ms = guard::kStartMs, silent_ms = guard::kSilentMs;

  static ConnectionLimits of(const Description& description) {
    ConnectionLimits out;
    out.process = limits_of(description);
    if (!description.resources().memory_mib) out.process.memory_mib = kConnectionMemoryMib;
    return out;
  }
};

}  // namespace headgate::pipeline
