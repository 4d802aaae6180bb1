// SPDX-License-Identifier: LGPL-2.1-or-later
#include "metrics_route.h"

#include <base/json_line.h>
#include <control/metrics/render.h>

#include "node_routes.h"

namespace headgate::control {

MetricsRoute::MetricsRoute(OriginClient& origin, const SupervisorLink& supervisor, EventLog& log,
                           bool per_stream)
    : origin_(origin),
      supervisor_(supervisor),
      log_(log),
      per_stream_(per_stream),
      events_{{kInfo, 0}, {kWarning, 0}, {kError, 0}} {
  listener_ = log_.listen([this](const EventLog::Kept& kept) {
    const auto found = events_.find(severity_of(kept.line));
    if (found != events_.end()) ++found->second;
  });
}

MetricsRoute::~MetricsRoute() {
  log_.unlisten(listener_);
}

std::string MetricsRoute::text(const std::string& origins, const std::string& accept) const {
  const auto& told = supervisor_.told();
  std::string node = origins;
  // Whoever scrapes is to see that the origin is down, and not nothing.
  if (const auto its = told.find("supervisor"); node.empty() && its != told.end()) node = its->second.json;
  const size_t end = node.rfind('}');
  if (end == node.npos) node = "{}";
  node.erase(node.rfind('}'));
  JsonLine events;
  for (const auto& [severity, count] : events_) events.field(severity, count);
  node += (node == "{" ? "\"events\":" : ",\"events\":") + events.take();
  return metrics::render(with_stats(node + "}", told), {metrics::format_for(accept), per_stream_});
}

void MetricsRoute::add_to(Routes& routes) {
  routes.add({"GET", "/metrics", Right::reads, [this](const ExchangePtr& exchange) {
                origin_.get("/api/v1/node", [this, exchange](unsigned status, const std::string& body) {
                  const std::string accept = exchange->header("Accept");
                  exchange->send_text(200, metrics::content_type(metrics::format_for(accept)),
                                      text(status == 200 ? body : "", accept));
                });
              }});
}

}  // namespace headgate::control
