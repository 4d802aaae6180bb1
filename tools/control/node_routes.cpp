// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_routes.h"

#include <base/json.h>
#include <base/json_line.h>
#include <common/utc.h>
#include <gio/gio.h>

#include <algorithm>
#include <map>
#include <utility>

namespace headgate::control {
namespace {

constexpr char kOriginAway[] = "headgate-origin does not answer: ";
constexpr char kOriginRemedy[] = "it is started again by itself; ask in a second, or look into the log";

// Of the array that stands at `begin`, the end behind its bracket; npos: it has none.
size_t array_end(const std::string& text, size_t begin) {
  int depth = 0;
  bool quoted = false;
  for (size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if ((c == ']' || c == '}') && --depth == 0) {
      return at + 1;
    }
  }
  return text.npos;
}

// The array of the member `name` of NODE: its brackets' beginning and end; npos as end: there is none.
std::pair<size_t, size_t> list_in(const std::string& node, const std::string& name) {
  // Quotes within a text are escaped: this is the member and nothing else.
  const std::string key = "\"" + name + "\":[";
  const size_t found = node.find(key);
  if (found == node.npos) return {0, node.npos};
  const size_t begin = found + key.size() - 1;
  return {begin, array_end(node, begin)};
}

// That array; empty: there is none.
std::string member_list(const std::string& node, const std::string& name) {
  const auto [begin, end] = list_in(node, name);
  return end == node.npos ? "" : node.substr(begin, end - begin);
}

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
  const auto [begin, end] = list_in(node, "processes");
  if (end == node.npos) return node;
  std::map<int64_t, const SupervisorLink::Told*> by_pid;
  for (const auto& [name, one] : told)
    if (name != "supervisor") by_pid[one.pid] = &one;
  const auto processes = Json::parse(std::string_view(node).substr(begin, end - begin));
  if (!processes) return node;
  std::string list = "[";
  for (Json process : processes->items()) {
    if (auto stats = by_pid.find(process.integer("pid")); process.is_object() && stats != by_pid.end())
      if (Json said = Json::object_of(stats->second->json); said.is_object())
        process.set("stats", std::move(said));
    list += (list.size() > 1 ? "," : "") + process.json();
  }
  return node.substr(0, begin) + list + "]" + node.substr(end);
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
                const std::string list = said == supervisor.told().end()
                                             ? std::string()
                                             : member_list(said->second.json, "instances");
                if (list.empty())
                  return exchange->fail(503, "there is no supervisor that could say", kOriginRemedy);
                exchange->send(200, JsonLine().raw("instances", list).take());
              }});
  routes.add(
      {"GET", "/api/v1/events", Right::reads, [&](const ExchangePtr& exchange) { events.answer(exchange); }});
  routes.add({"GET", "/api/v1/openapi.yaml", Right::reads, send_openapi});
}

}  // namespace headgate::control
