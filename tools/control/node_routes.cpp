// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_routes.h"

#include <base/json.h>
#include <base/json_line.h>
#include <base/json_member.h>
#include <common/utc.h>
#include <gio/gio.h>

#include <algorithm>
#include <map>
#include <utility>

namespace headgate::control {
namespace {

constexpr char kOriginAway[] = "headgate-origin does not answer: ";
constexpr char kOriginRemedy[] = "it is started again by itself; ask in a second, or look into the log";

std::string session_json(const Session& session) {
  const wire::SessionOpened& opened = session.opened;
  JsonLine line;
  line.field("session", std::to_string(opened.session))  // beyond what a double holds
      .field("event", opened.event)
      .field("station", opened.station)
      .raw("worker", worker_json(session))
      .field("peer", opened.peer)
      .field("protocol", opened.protocol)
      .field("user_agent", opened.user_agent)
      .field("ticket_id", opened.ticket_id)
      .field("since_utc", tools::utc_text(opened.since_utc_us))
      .field("received_bytes", session.received_bytes);
  if (const int64_t kbps = session.kbps(); kbps >= 0)
    line.field("kbps", kbps);
  else
    line.raw("kbps", "null");
  std::string conditions = "[";
  for (const std::string& one : session.conditions)
    conditions += (conditions.size() > 1 ? "," : "") + JsonLine::quoted(one);
  return line.raw("conditions", conditions + "]").take();
}

std::string sessions_json(const Feed& feed) {
  std::string out = "[";
  for (const auto& [id, session] : feed.sessions())
    out += (out.size() > 1 ? "," : "") + session_json(session);
  return JsonLine().raw("sessions", out + "]").take();
}

std::string workers_json(const Feed& feed) {
  std::map<uint32_t, std::string> lines;  // by number
  for (const auto& [name, state] : feed.workers()) {
    if (tools::is_pipeline(state.worker)) continue;  // it takes nobody
    lines[state.worker] = JsonLine()
                              .field("worker", state.worker)
                              .field("pid", state.pid)
                              .field("sessions", state.sessions)
                              .field("capacity", state.capacity)
                              .field("accepting", state.accepting)
                              .field("reason", state.reason)
                              .take();
  }
  std::string out = "[";
  for (const auto& [number, line] : lines) out += (out.size() > 1 ? "," : "") + line;
  return JsonLine().raw("workers", out + "]").take();
}

// As the origin says it; its errors get what every error here has.
void pass_on(const ExchangePtr& exchange, unsigned status, const std::string& body,
             const std::string& remedy) {
  if (status == 0) return exchange->fail(503, kOriginAway + body, kOriginRemedy);
  if (status == 200) return exchange->send_text(200, kTypeJson, body);
  exchange->fail(status,
                 Json::object_of(body).text("error", "headgate-origin answers " + std::to_string(status)),
                 remedy);
}

void send_openapi(const ExchangePtr& exchange) {
  GBytes* bytes =
      g_resources_lookup_data("/headgate/control/openapi.yaml", G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
  if (!bytes) return;  // answered 500
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  exchange->send_text(200, "application/yaml", std::string(data, size));
  g_bytes_unref(bytes);
}

}  // namespace

std::string with_stats(const std::string& node, const std::map<std::string, SupervisorLink::Told>& told) {
  // With thousands of streams NODE is too large to be read whole.
  const auto list_text = json_member(node, "processes");
  if (!list_text) return node;
  std::map<int64_t, const SupervisorLink::Told*> by_pid;
  for (const auto& [name, one] : told)
    if (name != "supervisor") by_pid[one.pid] = &one;
  const auto processes = Json::parse(*list_text);
  if (!processes || !processes->is(Json::Kind::array)) return node;
  std::string list = "[";
  for (Json process : processes->items()) {
    if (auto stats = by_pid.find(process.integer("pid")); process.is_object() && stats != by_pid.end())
      if (Json said = Json::object_of(stats->second->json); said.is_object())
        process.set("stats", std::move(said));
    list += (list.size() > 1 ? "," : "") + process.json();
  }
  const auto begin = static_cast<size_t>(list_text->data() - node.data());
  return node.substr(0, begin) + list + "]" + node.substr(begin + list_text->size());
}

void add_node_routes(Routes& routes, OriginClient& origin, Feed& feed, SupervisorLink& supervisor,
                     EventStream& events) {
  routes.add({"GET", "/api/v1/node", Right::reads, [&](const ExchangePtr& exchange) {
                origin.get("/api/v1/node", [exchange, &supervisor](unsigned status, const std::string& body) {
                  pass_on(exchange, status, status == 200 ? with_stats(body, supervisor.told()) : body,
                          kOriginRemedy);
                });
              }});
  routes.add({"GET", "/api/v1/streams", Right::reads, [&](const ExchangePtr& exchange) {
                origin.get("/api/v1/streams", [exchange](unsigned status, const std::string& body) {
                  pass_on(exchange, status, body, kOriginRemedy);
                });
              }});
  routes.add(
      {"GET", "/api/v1/streams/{station}", Right::reads, [&](const ExchangePtr& exchange) {
         const std::string& station = exchange->parts[0];
         if (station.empty() ||
             !std::all_of(station.begin(), station.end(), [](char c) { return c >= '0' && c <= '9'; }))
           return exchange->fail(400, "'" + station + "' is no station's number", "say it in decimal digits");
         origin.get("/api/v1/streams/" + station, [exchange](unsigned status, const std::string& body) {
           pass_on(exchange, status, body, "GET /api/v1/streams lists the node's stations");
         });
       }});
  routes.add({"GET", "/api/v1/sessions", Right::reads,
              [&](const ExchangePtr& exchange) { exchange->send(200, sessions_json(feed)); }});
  routes.add({"GET", "/api/v1/workers", Right::reads,
              [&](const ExchangePtr& exchange) { exchange->send(200, workers_json(feed)); }});
  routes.add({"GET", "/api/v1/instances", Right::reads, [&](const ExchangePtr& exchange) {
                const auto said = supervisor.told().find("supervisor");
                const Json status =
                    said == supervisor.told().end() ? Json() : Json::object_of(said->second.json);
                if (!status.at("instances").is(Json::Kind::array))
                  return exchange->fail(503, "there is no supervisor that could say", kOriginRemedy);
                exchange->send(200, JsonLine().raw("instances", status.at("instances").json()).take());
              }});
  routes.add(
      {"GET", "/api/v1/events", Right::reads, [&](const ExchangePtr& exchange) { events.answer(exchange); }});
  routes.add({"GET", "/api/v1/openapi.yaml", Right::reads, send_openapi});
}

}  // namespace headgate::control
