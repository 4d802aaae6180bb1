// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sessions_left.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace headgate::cli {

Result<SessionsLeft> sessions_left(const Json& node, int64_t worker_pid) {
  std::map<int64_t, bool> running;  // workers, as the supervisor knows them: do they speak our protocol?
  bool supervised = false;
  node.each("processes", [&](const Json& one) {
    supervised = supervised || one.text("role") == "supervisor";
    if (one.text("role") == "worker") running[one.integer("pid")] = !one.has("protocol");
  });
  if (!supervised) return Unexpected("the node has no supervisor, which knows whose sessions are left");
  std::map<int64_t, int64_t> pids;       // of workers that have told, by number
  std::map<int64_t, size_t> told, seen;  // sessions by process: as the worker says, and as they are listed
  node.each("workers", [&](const Json& one) {
    const int64_t pid = one.integer("pid");
    pids[one.integer("worker")] = pid;
    told[pid] = static_cast<size_t>(std::max<int64_t>(0, one.integer("sessions")));
  });
  // What has just come is listed before its worker has counted it. Those of the node's own have no worker.
  node.each("sessions", [&](const Json& one) {
    if (std::isnan(one.number("worker"))) return;
    auto pid = pids.find(one.integer("worker"));
    ++seen[pid == pids.end() ? 0 : pid->second];
  });
  SessionsLeft left;
  for (const auto& [pid, count] : told)
    if (worker_pid == 0 || pid == worker_pid) left.known += std::max(count, seen[pid]);
  if (worker_pid == 0) left.known += seen[0];
  for (const auto& [pid, ours] : running)
    if ((worker_pid == 0 || pid == worker_pid) && told.count(pid) == 0)
      ++(ours ? left.new_workers : left.silent_workers);
  return left;
}

int64_t pid_of_worker(const Json& node, int64_t number) {
  int64_t pid = 0;
  node.each("workers", [&](const Json& one) {
    if (one.integer("worker") == number) pid = one.integer("pid");
  });
  return pid;
}

}  // namespace headgate::cli
