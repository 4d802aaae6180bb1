// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/verifier.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include <base/encoding.h>
#include <base/sha256.h>

#include "crypto.h"
#include "seen_tokens.h"

namespace headgate::ticket {
namespace {

std::string utc(int64_t seconds) {
  time_t time = seconds;
  tm parts{};
  char text[40];
  if (!gmtime_r(&time, &parts)) return std::to_string(seconds);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

}  // namespace

struct Verifier::Held {
  Held(NodeKeys the_keys, size_t remembered) : keys(std::move(the_keys)), seen(remembered) {}
  const NodeKeys keys;
  mutable SeenTokens seen;
};

Verifier::Verifier(NodeKeys keys, size_t remembered)
    : event_(keys.event),
      remembered_(remembered),
      held_(std::make_shared<const Held>(std::move(keys), remembered)) {
  require_sodium();
  set_revoked({});
}

Verifier::~Verifier() = default;

std::string kids_of(const NodeKeys& keys) {
  std::string out;
  for (const auto& [kid, key] : keys.issuers) out += (out.empty() ? "" : ",") + std::to_string(kid);
  return out;
}

std::string digest_of(const NodeKeys& keys) {
  constexpr size_t kShown = 8;
  Sha256 digest;
  digest.update(as_bytes(std::to_string(keys.event)));
  for (const auto* all : {&keys.issuers, &keys.masters})
    for (const auto& [kid, key] : *all) {
      digest.update(as_bytes(" " + std::to_string(kid) + " "));
      digest.update(key);
    }
  const Digest all_of_it = digest.finish();
  return to_hex(Bytes(all_of_it).first(kShown));
}

Result<Ticket> Verifier::verify(std::string_view wire_base64url, int64_t now,
                                std::optional<uint32_t> station) const {
  auto ticket = parse_wire(wire_base64url);
  if (!ticket) return ticket;

  const auto held = this->held();
  auto issuer = held->keys.issuers.find(ticket->kid);
  if (issuer == held->keys.issuers.end())
    return Unexpected(kUnauthorized, "UNKNOWN-ISSUER: this server has no key " + std::to_string(ticket->kid) +
                                         ". Check the server's address, or ask for a new ticket.");
  if (ticket->event != event_)
    return Unexpected(kForbidden, "FOREIGN-EVENT: this ticket is for event " + std::to_string(ticket->event) +
                                      ", this server takes event " + std::to_string(event_) +
                                      ". Check the server's address.");
  if (station && ticket->station != *station)
    return Unexpected(kBadRequest, "WRONG-STATION: this ticket is for station " +
                                       std::to_string(ticket->station) + ", not " + std::to_string(*station) +
                                       ". Scan the station's own code.");
  if (is_revoked(ticket->tid))
    return Unexpected(kForbidden, "REVOKED: this ticket was withdrawn. Ask the organiser for a new one.");
  if (now < int64_t{ticket->not_before} - kGraceSeconds)
    return Unexpected(kForbidden, "EARLY: this ticket starts " + utc(ticket->not_before) + ", it is now " +
                                      utc(now) + ". Try again then.");
  if (now > int64_t{ticket->expires} + kGraceSeconds)
    return Unexpected(kForbidden, "EXPIRED: this ticket ended " + utc(ticket->expires) + ", it is now " +
                                      utc(now) + ". Ask the organiser for a new one.");
  if (held->seen.contains(*ticket)) return ticket;
  if (!signature_fits(*ticket, issuer->second))
    return Unexpected(kUnauthorized,
                      "BAD-SIGNATURE: this ticket is altered or forged. Scan or copy the original again.");
  held->seen.add(*ticket);
  return ticket;
}

std::map<uint8_t, std::string> Verifier::passwords_of_user(std::string_view user) const {
  TicketId tid;
  auto bytes = from_base32(user);
  if (!bytes || bytes->size() != tid.size()) return {};
  std::ranges::copy(*bytes, tid.begin());
  std::map<uint8_t, std::string> passwords;
  const auto held = this->held();
  for (const auto& [kid, master] : held->keys.masters)
    passwords[kid] = rtmp_password(derive_seed(master, tid));
  return passwords;
}

std::optional<Seed> Verifier::seed_of(const Ticket& ticket) const {
  const auto held = this->held();
  auto master = held->keys.masters.find(ticket.kid);
  if (master == held->keys.masters.end()) return std::nullopt;
  return derive_seed(master->second, ticket.tid);
}

Result<void> Verifier::set_keys(NodeKeys keys) {
  if (keys.event != event_)
    return Unexpected("these keys are of event " + std::to_string(keys.event) +
                      ", and this node is of event " + std::to_string(event_) + ": that needs a restart");
  if (held()->keys == keys) return {};  // what was found right still is
  auto held = std::make_shared<const Held>(std::move(keys), remembered_);
  *held_.lock() = std::move(held);
  return {};
}

Result<void> Verifier::set_endpoints(const std::vector<std::string>& endpoints) {
  endpoints_.clear();
  for (const std::string& endpoint : endpoints) {
    auto hash = endpoint_hash(endpoint);
    if (!hash) return Unexpected(hash.error());
    endpoints_.push_back(*hash);
  }
  return {};
}

Result<std::optional<Device>> Verifier::verify_device(const Ticket& ticket, const DeviceProof& proof) const {
  if (endpoints_.empty()) return std::optional<Device>();
  const bool fits = std::ranges::any_of(
      endpoints_, [&](const EndpointHash& one) { return device_signature_fits(ticket, proof, one); });
  if (!fits)
    return Unexpected(kUnauthorized,
                      "BAD-DEVICE: this device's signature is wrong, or is for another server. Check the "
                      "server's address.");
  return std::optional(Device{proof.key, proof.counter});
}

bool Verifier::is_revoked(const TicketId& tid) const {
  const auto revoked = *revoked_.lock();
  return revoked->contains(tid);
}

void Verifier::set_revoked(std::set<TicketId> revoked) {
  auto shared = std::make_shared<const std::set<TicketId>>(std::move(revoked));
  *revoked_.lock() = std::move(shared);
}

}  // namespace headgate::ticket
