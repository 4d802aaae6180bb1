// SPDX-License-Identifier: LGPL-2.1-or-later
#include "operate_routes.h"

#include <base/json.h>
#include <base/json_line.h>
#include <common/operator_text.h>

#include <charconv>
#include <optional>

namespace headgate::control {
namespace {

template <typename T>
std::optional<T> number(const std::string& text) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// No body is an empty object. False: it was answered.
bool body_of(const ExchangePtr& exchange, Json& out) {
  const std::string body = exchange->body();
  out = Json::object_of(body.empty() ? "{}" : body);
  if (out.is_object()) return true;
  exchange->fail(400, "the body is no JSON object", "send an object, or no body");
  return false;
}

// Of a member that may be missing. False: it was answered.
bool text_of(const ExchangePtr& exchange, const Json& body, const char* name, size_t most, std::string& out) {
  if (!body.has(name)) return true;
  const auto text = body.at(name).as_text();
  if (!text || text->size() > most || !tools::is_plain_text(*text)) {
    exchange->fail(400,
                   std::string("'") + name + "' is not a text without control characters up to " +
                       std::to_string(most) + " bytes",
                   "say it so, or leave it out");
    return false;
  }
  out = *text;
  return true;
}

// What the supervisor is told of whoever asks, behind a verb's own arguments. False: it was answered.
bool add_actor(const ExchangePtr& exchange, const Json& body, JsonLine& arguments) {
  std::string reason;
  if (!text_of(exchange, body, "reason", tools::kMaxReasonBytes, reason)) return false;
  arguments.field("by", exchange->caller().name).field("from", exchange->caller().from).field("why", reason);
  return true;
}

void operate(const ExchangePtr& exchange, SupervisorLink& supervisor, const char* verb, const Json& body,
             JsonLine arguments) {
  if (!add_actor(exchange, body, arguments)) return;
  supervisor.operate(verb, arguments.take(),
                     [exchange](unsigned code, const std::string& json) { exchange->send(code, json); });
}

// Answered when the session is over, so that who asks need not look.
void kick(const ExchangePtr& exchange, const Session& session, Feed& feed, SupervisorLink& supervisor) {
  Json body;
  std::string reason;
  if (!body_of(exchange, body) || !text_of(exchange, body, "reason", tools::kMaxReasonBytes, reason)) return;
  if (const std::string pipeline = tools::pipeline_of(session.worker); !pipeline.empty())
    return exchange->fail(409, "nobody publishes this: it is the node's own pipeline '" + pipeline + "'",
                          "take " + pipeline + ".conf out of the node's folder of instances");
  const uint64_t id = session.opened.session;
  JsonLine arguments;
  arguments.field("session", std::to_string(id))
      .field("event", session.opened.event)
      .field("station", session.opened.station)
      .field("worker", session.worker_number)
      .field("reason", reason.empty() ? "operator" : "operator: " + reason);
  add_actor(exchange, body, arguments);
  // First, because it may be over before the supervisor answers.
  feed.when_closed(id, kKickMs, [exchange, id](const std::string& end) {
    JsonLine line;
    line.field("session", std::to_string(id)).field("closed", !end.empty());
    if (end.empty())
      line.raw("reason", "null");
    else
      line.field("reason", end);
    exchange->send(end.empty() ? 202 : 200, line.take());
  });
  supervisor.operate("kick", arguments.take(), [exchange](unsigned code, const std::string& said) {
    if (code >= 300) exchange->send(code, said);
  });
}

void kick_session(const ExchangePtr& exchange, Feed& feed, SupervisorLink& supervisor) {
  const auto id = tools::session_of_text(exchange->parts[0]);
  if (!id)
    return exchange->fail(400, "'" + exchange->parts[0] + "' is no session's number",
                          "headgate sessions, or GET /api/v1/sessions, lists who publishes");
  const Session* session = feed.find(*id);
  if (!session)
    return exchange->fail(404, "there is no such session now",
                          "headgate sessions, or GET /api/v1/sessions, lists who publishes");
  kick(exchange, *session, feed, supervisor);
}

void kick_station(const ExchangePtr& exchange, Feed& feed, SupervisorLink& supervisor) {
  const auto station = number<uint32_t>(exchange->parts[0]);
  if (!station)
    return exchange->fail(400, "'" + exchange->parts[0] + "' is no station's number",
                          "say it in decimal digits");
  const Session* session = feed.of_station(*station);
  if (!session)
    return exchange->fail(404, "nobody publishes as this station now",
                          "headgate sessions, or GET /api/v1/sessions, lists who does");
  kick(exchange, *session, feed, supervisor);
}

void release_station(const ExchangePtr& exchange, SupervisorLink& supervisor) {
  const auto station = number<uint32_t>(exchange->parts[0]);
  if (!station)
    return exchange->fail(400, "'" + exchange->parts[0] + "' is no station's number",
                          "say it in decimal digits");
  Json body;
  if (body_of(exchange, body))
    operate(exchange, supervisor, "release", body, JsonLine().field("station", *station));
}

void drain(const ExchangePtr& exchange, SupervisorLink& supervisor) {
  Json body;
  std::string to;
  if (!body_of(exchange, body) || !text_of(exchange, body, "reconnect_to", tools::kMaxReconnectBytes, to))
    return;
  if (!to.empty() && !tools::is_rtmp_address(to))
    return exchange->fail(400, "'reconnect_to' is no address of RTMP",
                          "say rtmp://HOST:PORT/APP or rtmps://HOST:PORT/APP");
  operate(exchange, supervisor, "drain", body, JsonLine().field("reconnect_to", to));
}

void drain_worker(const ExchangePtr& exchange, SupervisorLink& supervisor) {
  const auto worker = number<uint32_t>(exchange->parts[0]);
  if (!worker)
    return exchange->fail(400, "'" + exchange->parts[0] + "' is no worker's number",
                          "GET /api/v1/workers lists them");
  Json body;
  if (!body_of(exchange, body)) return;
  if (body.has("reconnect") && !body.at("reconnect").is(Json::Kind::boolean))
    return exchange->fail(400, "'reconnect' is true or false", "say one of them, or leave it out: false");
  operate(exchange, supervisor, "drain-worker", body,
          JsonLine().field("worker", *worker).field("reconnect", body.truth("reconnect")));
}

}  // namespace

void add_operate_routes(Routes& routes, Feed& feed, SupervisorLink& supervisor) {
  auto simple = [&supervisor](const char* verb) {
    return [&supervisor, verb](const ExchangePtr& exchange) {
      Json body;
      if (body_of(exchange, body)) operate(exchange, supervisor, verb, body, {});
    };
  };
  routes.add({"POST", "/api/v1/sessions/{session}/kick", Right::operates,
              [&](const ExchangePtr& exchange) { kick_session(exchange, feed, supervisor); }});
  routes.add({"POST", "/api/v1/streams/{station}/kick", Right::operates,
              [&](const ExchangePtr& exchange) { kick_station(exchange, feed, supervisor); }});
  routes.add({"POST", "/api/v1/streams/{station}/release", Right::operates,
              [&](const ExchangePtr& exchange) { release_station(exchange, supervisor); }});
  routes.add({"POST", "/api/v1/drain", Right::operates,
              [&](const ExchangePtr& exchange) { drain(exchange, supervisor); }});
  routes.add({"DELETE", "/api/v1/drain", Right::operates, simple("undrain")});
  routes.add({"POST", "/api/v1/workers/{worker}/drain", Right::operates,
              [&](const ExchangePtr& exchange) { drain_worker(exchange, supervisor); }});
  // The supervisor also has this process read its own files again (SIGHUP).
  routes.add({"POST", "/api/v1/reload", Right::operates, simple("reload")});
  routes.add({"POST", "/api/v1/upgrade", Right::operates, simple("upgrade")});
}

}  // namespace headgate::control
