// SPDX-License-Identifier: LGPL-2.1-or-later
// What the gate says of itself, to the supervisor (docs/api.md, processes).
#include <base/json_line.h>
#include <common/utc.h>
#include <unistd.h>

#include "gate.h"

namespace headgate::gate {
namespace {

std::string counts_json(const std::map<std::string, uint64_t>& counts) {
  JsonLine out;
  for (const auto& [name, count] : counts) out.field(name, count);
  return out.take();
}

std::string refused_json(const std::map<int, uint64_t>& refused) {
  JsonLine out;
  for (const auto& [code, count] : refused) out.field(std::to_string(code), count);
  return out.take();
}

}  // namespace

wire::Status Gate::status() const {
  return {"gate", static_cast<uint32_t>(::getpid()), status_json()};
}

std::string Gate::status_json() const {
  ingest::Counters counters = listener_.counters();
  auto door = door_.lock();
  JsonLine out;
  out.field("accepted", counters.accepted)
      .field("admitted", counters.admitted)
      .raw("by_protocol", counts_json(by_protocol_))
      .raw("claims", counts_json(claims_))
      .field("challenged", counters.challenged)
      .raw("refused", refused_json(counters.refused))
      .field("timed_out", counters.timed_out)
      .field("gone", counters.gone)
      .field("denied", counters.denied)
      .field("flooded", counters.flooded)
      .field("over_network", counters.over_network)
      .field("made_way", counters.made_way)
      .field("accept_errors", counters.accept_errors)
      .field("unauthenticated", counters.unauthenticated)
      .field("draining", door->draining)
      .field("retiring", retiring_)
      .field("workers", workers_ ? workers_->all().size() : 0)
      .field("sessions", door->sessions.all().size());
  if (!settings_.keys.empty())
    out.field("kids", keys_.kids())
        .field("keys_digest", keys_.digest())
        .field("keys_problem", keys_.problem());
  if (front_.certificate_expires() != 0)
    out.field("handshakes", counters.handshakes)
        .field("handshakes_waiting", counters.handshakes_waiting)
        .field("over_handshakes", counters.over_handshakes)
        .field("relayed", front_.relayed())
        .field("certificate_expires_utc", tools::utc_text(front_.certificate_expires() * 1'000'000));
  if (srt_) out.raw("srt", srt_json());
  return out.take();
}

std::string Gate::srt_json() const {
  const srt::Counters counters = srt_->counters();
  return JsonLine()
      .field("asked", counters.asked)
      .field("admitted", counters.admitted)
      .raw("refused", refused_json(counters.refused))
      .field("gone", counters.gone)
      .field("pending", counters.pending)
      .field("links", counters.links)
      .field("check_us", counters.check_us)
      .field("longest_check_us", counters.longest_check_us)
      .take();
}

}  // namespace headgate::gate
