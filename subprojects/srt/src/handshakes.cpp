// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handshakes.h"

#include <base/encoding.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace headgate::srt {
namespace {

constexpr char kTooManyFailures[] =
    "OVERLOAD: too many failed attempts from this network. Try again in a minute.";
constexpr char kNotAllowed[] = "ADDRESS: nobody may publish from this address.";
constexpr char kTooManyPending[] = "OVERLOAD: too many callers at once. Try again in a second.";
constexpr char kWrongPassphrase[] =
    "BAD-PASSPHRASE: the handshake was not completed: no passphrase, or not this ticket's.";

sockaddr_storage storage_of(const sockaddr* address) {
  sockaddr_storage out{};
  std::memcpy(&out, address, address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  return out;
}

}  // namespace

Handshakes::Handshakes(const Clock& clock, const ticket::Verifier& verifier, Policy policy,
                       const Callbacks& callbacks, std::function<void()> untold)
    : clock_(clock),
      verifier_(verifier),
      policy_(policy),
      callbacks_(callbacks),
      untold_(std::move(untold)),
      state_(policy.failures_per_source, policy.failures_per_network) {}

int Handshakes::check(SRTSOCKET socket, const sockaddr* address, const char* stream_id, SRTSOCKET& last) {
  const int64_t start_us = clock_.mono_us();
  if (last != SRT_INVALID_SOCK) settle(std::exchange(last, SRT_INVALID_SOCK));
  Caller caller;
  bool own_fault = true;
  auto passed = judge(storage_of(address), stream_id, caller, own_fault);
  auto seed = passed ? verifier_.seed_of(caller.ticket) : std::nullopt;
  if (passed && !seed)
    passed =
        Unexpected(ticket::kUnauthorized, "UNKNOWN-ISSUER: this server has no master key for this ticket.");
  if (passed) {
    const std::string passphrase = ticket::srt_passphrase(*seed, caller.ticket);
    if (srt_setsockflag(socket, SRTO_PASSPHRASE, passphrase.data(), static_cast<int>(passphrase.size())) != 0)
      passed = Unexpected(ticket::kDown, "DOWN: the passphrase cannot be set.");
  }
  auto state = state_.lock();
  if (passed && state->pending.size() >= policy_.max_pending) {
    passed = Unexpected(ticket::kOverload, kTooManyPending);
    own_fault = false;
  }
  Counters& counters = state->counters;
  ++counters.asked;
  if (passed) {
    state->pending.emplace(socket, std::move(caller));
    last = socket;
  } else {
    if (own_fault) state->budget.failed(caller.peer, start_us);
    report(state, caller, passed.error().code, passed.error().message, "");
    srt_setrejectreason(socket, passed.error().code);
  }
  const int64_t took_us = clock_.mono_us() - start_us;
  counters.check_us += took_us;
  counters.longest_check_us = std::max(counters.longest_check_us, took_us);
  return passed ? 0 : -1;
}

// The order of docs/tickets.md, with the failure budget before everything that costs something.
Result<void> Handshakes::judge(const sockaddr_storage& address, std::string_view stream_id, Caller& known,
                               bool& own_fault) {
  known.peer = ingest::make_peer(address);
  if (callbacks_.allows && !callbacks_.allows(address)) return Unexpected(ticket::kForbidden, kNotAllowed);
  if (state_.lock()->budget.exhausted(known.peer, clock_.mono_us())) {
    own_fault = false;
    return Unexpected(ticket::kOverload, kTooManyFailures);
  }
  auto id = ticket::parse_stream_id(stream_id);
  if (!id) return Unexpected(id.error());
  auto ticket = verifier_.verify(id->wire, clock_.utc_seconds(), id->station);
  if (!ticket) return Unexpected(ticket.error());
  known.ticket = *ticket;
  if (id->device) {
    auto device = verifier_.verify_device(known.ticket, *id->device);
    if (!device) return Unexpected(device.error());
    known.device = *device;
  }
  own_fault = false;
  if (!callbacks_.may_enter) return {};
  return callbacks_.may_enter(known.ticket, known.claimant());
}

// A caller whose handshake ended badly has no socket any more.
void Handshakes::settle(SRTSOCKET socket) {
  if (srt_getsockstate(socket) < SRTS_BROKEN) return;
  auto state = state_.lock();
  auto found = state->pending.find(socket);
  if (found == state->pending.end()) return;
  const Caller caller = std::move(found->second);
  state->pending.erase(found);
  state->budget.failed(caller.peer, clock_.mono_us());
  report(state, caller, ticket::kUnauthorized, kWrongPassphrase, "");
}

bool Handshakes::sweep() {
  std::vector<SRTSOCKET> sockets;
  {
    auto state = state_.lock();
    for (const auto& [socket, caller] : state->pending) sockets.push_back(socket);
  }
  for (SRTSOCKET socket : sockets) settle(socket);
  return !state_.lock()->pending.empty();
}

std::optional<Caller> Handshakes::accepted(SRTSOCKET socket) {
  auto state = state_.lock();
  auto found = state->pending.find(socket);
  if (found == state->pending.end()) return std::nullopt;
  std::optional<Caller> out(std::move(found->second));
  state->pending.erase(found);
  return out;
}

void Handshakes::refused(const Caller& caller, const Error& why, const std::string& user_agent) {
  auto state = state_.lock();
  report(state, caller, why.code, why.message, user_agent);
}

void Handshakes::admitted() {
  ++state_.lock()->counters.admitted;
}

void Handshakes::gone() {
  ++state_.lock()->counters.gone;
}

void Handshakes::report(Lock& state, const Caller& caller, int code, const std::string& text,
                        const std::string& user_agent) {
  ++state->counters.refused[code];
  auto& recent = state->recent;
  const int64_t now_us = clock_.mono_us();
  while (!recent.empty() && (recent.size() == kMaxUntold || now_us - recent.front().at_us >= kRepeatsUs))
    recent.pop_front();
  for (const auto& one : recent)
    if (one.code == code && one.peer == caller.peer.text) return;
  if (state->untold.size() >= kMaxUntold) return;
  recent.push_back({caller.peer.text, code, now_us});
  ingest::Refused refused;
  refused.code = code;
  refused.text = text;
  refused.peer = caller.peer;
  refused.user_agent = user_agent;
  if (caller.ticket.expires != 0) {  // verified
    refused.ticket_id = to_hex(caller.ticket.tid);
    refused.station = caller.ticket.station;
  }
  state->untold.push_back(std::move(refused));
  if (state->untold.size() == 1) untold_();
}

std::vector<ingest::Refused> Handshakes::take_refused() {
  return std::exchange(state_.lock()->untold, {});
}

Counters Handshakes::counters() const {
  auto state = state_.lock();
  Counters out = state->counters;
  out.pending = state->pending.size();
  return out;
}

}  // namespace headgate::srt
