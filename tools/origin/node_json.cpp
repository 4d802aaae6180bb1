// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_json.h"

#include <base/json_line.h>
#include <store/run_writer.h>
#include <sys/statvfs.h>

namespace headgate::origin {
namespace {

constexpr uint64_t kLowFactor = 4;  // so many times what a new run needs is "low"

std::string workers_json(const WorkerFeed& feed) {
  std::string out = "[";
  for (const auto& [name, state] : feed.workers()) {
    if (tools::is_pipeline(state.worker)) continue;  // it takes nobody
    out += out.size() > 1 ? "," : "";
    out += JsonLine()
               .field("worker", state.worker)
               .field("pid", state.pid)
               .field("sessions", state.sessions)
               .field("capacity", state.capacity)
               .field("accepting", state.accepting)
               .field("reason", state.reason)
               .take();
  }
  return out + "]";
}

std::string space_json(const std::string& root) {
  struct statvfs volume {};
  if (::statvfs(root.c_str(), &volume) != 0) return "null";
  uint64_t free_bytes = static_cast<uint64_t>(volume.f_bavail) * volume.f_frsize;
  uint64_t least = store::VolumeSettings{}.min_free_bytes;
  const char* state = free_bytes < least ? "full" : free_bytes < kLowFactor * least ? "low" : "good";
  return JsonLine()
      .field("free_bytes", free_bytes)
      .field("total_bytes", static_cast<uint64_t>(volume.f_blocks) * volume.f_frsize)
      .field("state", state)
      .take();
}

}  // namespace

std::string node_json(const std::string& supervisor, const WorkerFeed& feed, const Catalog& catalog,
                      const Demand& demand, const std::string& root) {
  std::string sessions = "[", streams = "[";
  for (const auto& [station, stream] : catalog.streams()) {
    streams += (streams.size() > 1 ? "," : "") + stream->node_json();
    if (std::string session = stream->session_json(); !session.empty())
      sessions += (sessions.size() > 1 ? "," : "") + session;
  }
  std::string own = JsonLine()
                        .raw("workers", workers_json(feed))
                        .raw("sessions", sessions + "]")
                        .raw("streams", streams + "]")
                        .raw("space", space_json(root))
                        .raw("rungs", demand.json())
                        .take();
  bool has_fields = supervisor.size() > 2 && supervisor.front() == '{' && supervisor.back() == '}';
  std::string nobody;
  if (!has_fields)
    nobody = JsonLine()
                 .raw("version", "null")
                 .raw("since_utc", "null")
                 .field("data", root)
                 .raw("listen", "{}")
                 .raw("processes", "[]")
                 .take();
  const std::string& first = has_fields ? supervisor : nobody;
  return first.substr(0, first.size() - 1) + "," + own.substr(1);
}

}  // namespace headgate::origin
