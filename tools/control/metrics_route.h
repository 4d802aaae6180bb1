// SPDX-License-Identifier: LGPL-2.1-or-later
// GET /metrics: the node as Prometheus reads it (docs/metrics.md).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "event_log.h"
#include "origin_client.h"
#include "routes.h"
#include "supervisor_link.h"

namespace headgate::control {

class MetricsRoute {
 public:
  // `per_stream`: samples for each station, too.
  MetricsRoute(OriginClient& origin, const SupervisorLink& supervisor, EventLog& log, bool per_stream);
  ~MetricsRoute();
  MetricsRoute(const MetricsRoute&) = delete;
  MetricsRoute& operator=(const MetricsRoute&) = delete;

  void add_to(Routes& routes);
  // NODE and what this process knows, as text. `origins`: what the origin answers; empty: nothing, and what
  // the supervisor has told stands for it.
  std::string text(const std::string& origins, const std::string& accept) const;

 private:
  OriginClient& origin_;
  const SupervisorLink& supervisor_;
  EventLog& log_;
  const bool per_stream_;
  std::map<std::string, uint64_t> events_;  // by severity, since this process was started
  uint64_t listener_ = 0;
};

}  // namespace headgate::control
