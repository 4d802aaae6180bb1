// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include <base/result.h>

#include <base/json.h>

namespace headgate::cli {

// Publishers that a node still carries: what is waited for when it is drained. Pipelines that the node runs
// by itself are nobody's, and end with it.
struct SessionsLeft {
  size_t known = 0;           // sessions
  size_t silent_workers = 0;  // that run and cannot tell how many: they speak another protocol
  size_t new_workers = 0;     // that have not told yet: starting, unless it takes long

  bool none() const { return known == 0 && silent_workers == 0 && new_workers == 0; }
  bool operator==(const SessionsLeft&) const = default;
};

// Of NODE (docs/api.md). `worker_pid`: of this worker's process alone; 0: of all. The error: nobody can say,
// as the node has no supervisor that knows its processes.
Result<SessionsLeft> sessions_left(const Json& node, int64_t worker_pid);

// The process of a worker; 0: it has told nobody that it is there.
int64_t pid_of_worker(const Json& node, int64_t number);

}  // namespace headgate::cli
