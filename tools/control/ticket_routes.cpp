// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ticket_routes.h"

#include <base/encoding.h>
#include <base/json.h>
#include <base/json_line.h>
#include <common/utc.h>
#include <feed/media_feed.h>
#include <ticket/qr_ticket.h>

namespace headgate::control {
namespace {

constexpr size_t kMaxTicketText = 4096;  // a QR code's is below a thousand

std::string codecs_json(const ticket::Ticket& ticket) {
  constexpr struct {
    uint16_t bit;
    const char* name;
  } kNames[] = {{ticket::kH264, "h264"},
                {ticket::kH265, "h265"},
                {ticket::kAv1, "av1"},
                {ticket::kAac, "aac"},
                {ticket::kOpus, "opus"}};
  std::string out = "[";
  for (const auto& [bit, name] : kNames)
    if (ticket.codecs & bit) out += (out.size() > 1 ? "," : "") + JsonLine::quoted(name);
  return out + "]";
}

std::string ticket_json(const ticket::Ticket& ticket) {
  constexpr const char* kTakeovers[] = {"never", "after-silence", "contested", "reserved"};
  return JsonLine()
      .field("ticket_id", to_hex(ticket.tid))
      .field("event", ticket.event)
      .field("station", ticket.station)
      .field("kid", ticket.kid)
      .field("not_before_utc", tools::utc_text(int64_t{ticket.not_before} * 1'000'000))
      .field("expires_utc", tools::utc_text(int64_t{ticket.expires} * 1'000'000))
      .field("max_kbps", ticket.max_kbps)
      .raw("codecs", codecs_json(ticket))
      .field("max_sessions", ticket.max_sessions())
      .field("takeover", kTakeovers[ticket.takeover_policy()])
      .field("plain_rtmp", (ticket.flags & ticket::kFlagChallengePlain) != 0)
      .field("bearer_over_tls", (ticket.flags & ticket::kFlagBearerOverTls) != 0)
      .field("rehearsal", (ticket.flags & ticket::kFlagRehearsal) != 0)
      .take();
}

// The wire token of what a QR code says, of a stream key, or the text itself.
Result<std::string> token_of(const std::string& text) {
  if (text.find('#') != text.npos || text.starts_with("LT1.") || text.starts_with("lt1.")) {
    auto blob = ticket::parse_qr_text(text);
    if (!blob) return Unexpected(blob.error());
    auto code = ticket::open_qr(*blob, {});
    if (!code) return Unexpected(code.error());
    return code->ticket.wire_text();
  }
  return text.substr(0, text.find('.'));  // over TLS a key is TOKEN.SECRET
}

void check(const ExchangePtr& exchange, const ticket::Verifier& verifier, const Clock& clock,
           const Feed& feed) {
  const Json body = Json::object_of(exchange->body());
  const auto text = body.at("ticket").as_text();
  if (!text || text->empty() || text->size() > kMaxTicketText)
    return exchange->fail(400, "the body has no 'ticket'",
                          "send {\"ticket\": TEXT}, with a QR code's text or a stream key");
  JsonLine line;
  auto refuse = [&](const Error& error) {
    line.field("allowed", false).field("code", error.code).field("reason", error.message);
  };
  const auto token = token_of(*text);
  const auto parsed = token ? ticket::parse_wire(*token) : Result<ticket::Ticket>(Unexpected(token.error()));
  if (!parsed) {
    refuse(parsed.error());
    return exchange->send(200, line.raw("ticket", "null").raw("session", "null").take());
  }
  const auto verified = verifier.verify(*token, clock.utc_seconds());
  const Session* session = feed.of_station(parsed->station, parsed->event);
  const std::string tid = to_hex(parsed->tid);
  // What the node archives itself has no ticket, and is in no publisher's way.
  const bool other =
      session && !tools::is_pipeline(session->worker_number) && session->opened.ticket_id != tid;
  if (!verified)
    refuse(verified.error());
  else if (other)
    refuse({ticket::kConflict, "IN-USE: this station is streaming with another ticket."});
  else
    line.field("allowed", true).raw("code", "null").raw("reason", "null");
  line.raw("ticket", ticket_json(*parsed));
  if (session)
    line.field("session", std::to_string(session->opened.session));
  else
    line.raw("session", "null");
  exchange->send(200, line.take());
}

}  // namespace

void add_ticket_routes(Routes& routes, TicketKeys& keys, const Clock& clock, const Feed& feed) {
  routes.add({"POST", "/api/v1/tickets/check", Right::reads, [&](const ExchangePtr& exchange) {
                const ticket::Verifier* verifier = keys.verifier();
                if (!verifier)
                  return exchange->fail(503, "tickets cannot be checked now: " + keys.problem(),
                                        "put them in order");
                check(exchange, *verifier, clock, feed);
              }});
}

}  // namespace headgate::control
