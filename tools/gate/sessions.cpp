// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sessions.h"

#include <base/encoding.h>

#include <algorithm>
#include <string_view>

namespace headgate::gate {
namespace {

// Leases of sessions found after a restart: their tickets' ends are not known here.
constexpr int64_t kFoundLeaseSeconds = 24 * 3600;
// So long after its start a gate does not know who had been here before: SRT and RTMPS publishers come back
// then, whose sessions ended with the last gate.
constexpr int64_t kLearnUs = 15'000'000;
constexpr char kGoodbye[] = "unpublish";

// "192.0.2.7:40123" and "[2001:db8::7]:40123" without the port.
std::string address_of(const std::string& peer) {
  std::string out = peer.substr(0, peer.rfind(':'));
  if (out.size() >= 2 && out.front() == '[' && out.back() == ']') out = out.substr(1, out.size() - 2);
  return out;
}

// For want of a worker that takes somebody; `reason`: one's why not.
Unexpected nobody_takes(const std::string& reason) {
  if (reason.starts_with(wire::kNoStorageFront))
    return Unexpected(ticket::kNoStorage, "NO-STORAGE: this server cannot record (" +
                                              reason.substr(wire::kNoStorageFront.size()) +
                                              "). Use the ticket's next server.");
  return Unexpected(ticket::kDown,
                    "DOWN: this server takes no streams now (" + reason + "). Try again in a few seconds.");
}

}  // namespace

Result<std::string> Sessions::choose_own(const wire::Isolation& isolation,
                                         const std::vector<Candidate>& workers) const {
  const int64_t left_us = isolation.until_mono_us - clock_.mono_us();
  if (isolation.refused && left_us > 0)
    return Unexpected(ticket::kOverload, "QUARANTINE: " + isolation.reason + ". Try again in " +
                                             std::to_string(left_us / 1'000'000 + 1) + " seconds.");
  return choose_number(isolation.worker, workers, isolation.reason + "; its own place is being made");
}

Result<std::string> Sessions::choose_number(uint32_t number, const std::vector<Candidate>& workers,
                                            const std::string& down) {
  std::string reason;
  for (const Candidate& worker : workers) {
    if (worker.number != number) continue;
    if (worker.accepting) return worker.path;
    reason = worker.reason;
  }
  // Else it ends, and another takes its place.
  if (reason.starts_with(wire::kNoStorageFront) || reason == wire::kDraining) return nobody_takes(reason);
  return Unexpected(ticket::kDown, "DOWN: " + down + ". Try again in a few seconds.");
}

// It streams, or its stream waits for it: to refuse it would end what is there.
bool Sessions::is_expected(const Station& station) const {
  const int64_t now_us = clock_.mono_us();
  if (now_us - begun_us_ < kLearnUs) return true;
  const auto waits = waits_until_us_.find(station);
  if (waits != waits_until_us_.end() && waits->second > now_us) return true;
  return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return entry.second.event == station.first && entry.second.station == station.second;
  });
}

Result<std::string> Sessions::choose_worker(const Station& station,
                                            const std::vector<Candidate>& workers) const {
  for (const wire::Isolation& isolation : policy_.isolated)
    if (isolation.event == station.first && isolation.station == station.second)
      return choose_own(isolation, workers);
  for (const wire::Suspect& suspect : policy_.suspects)
    if (suspect.event == station.first && suspect.station == station.second)
      return choose_number(suspect.worker, workers,
                           "the place of this station and others took too much of this server; another is "
                           "being made");
  const bool no_room = !policy_.full.empty() && !is_expected(station);
  auto before = last_worker_.find(station);
  // Once over the sessions, whatever the number of workers: in a storm this runs for everybody who comes.
  struct Known {
    uint64_t coming = 0;  // handed over and not yet opened: not in the worker's own count
    uint64_t all =
        0;  // of the sessions known here: one may be open that the worker has not counted to us yet
  };
  std::map<std::string_view, Known> known;
  bool running = false;  // the station has a session where it was
  for (const auto& [id, session] : sessions_) {
    Known& here = known[session.worker];
    ++here.all;
    if (!session.opened) ++here.coming;
    running |= session.event == station.first && session.station == station.second &&
               before != last_worker_.end() && session.worker == before->second;
  }
  const Candidate* best = nullptr;
  uint64_t best_load = 0;
  std::string reason = "no worker is running";
  const auto because = [&reason](const std::string& why) {  // they have the disk in common
    if (!reason.starts_with(wire::kNoStorageFront)) reason = why;
  };
  for (const Candidate& worker : workers) {
    if (worker.number >= wire::kFirstOwnWorker) continue;  // somebody else's
    if (!worker.accepting) {
      because(worker.reason);
      continue;
    }
    const Known here = known[worker.path];
    const uint64_t load = std::max(worker.sessions + here.coming, here.all);
    // Where the station's run was, its stream goes on without a search; the old session makes room.
    if (before != last_worker_.end() && before->second == worker.path && !no_room &&
        (running || load < worker.capacity))
      return worker.path;
    if (load >= worker.capacity) {
      because("all workers are full");
      continue;
    }
    // The fullest that has room: what a worker costs by itself is shared by many, and the one that is kept
    // free for a rush stays free.
    if (best && load <= best_load) continue;
    best = &worker;
    best_load = load;
  }
  if (best && no_room)
    return Unexpected(ticket::kOverload, "NODE-FULL: this server has no room for another stream (" +
                                             policy_.full + "). Use the ticket's next server.");
  if (best) return best->path;
  return nobody_takes(reason);
}

Result<std::vector<Session>> Sessions::superseded_by(const ticket::Ticket& ticket, int64_t now_us) const {
  std::vector<Session> out;
  for (const auto& [id, session] : sessions_) {
    if (session.event != ticket.event || session.station != ticket.station) continue;
    // Two valid tickets of one station (a reprint): first come, first served while it streams.
    if (session.tid != ticket.tid && now_us - session.last_media_us <= ticket::kStockSilenceUs)
      return Unexpected(ticket::kConflict, "IN-USE: this station is streaming with another ticket.");
    out.push_back(session);
  }
  return out;
}

Result<void> Sessions::may_enter(const ticket::Ticket& ticket, const ticket::Claimant& claimant,
                                 const std::vector<Candidate>& workers) const {
  if (auto choice = choose(ticket, claimant, workers); !choice) return Unexpected(choice.error());
  return {};
}

Result<Sessions::Choice> Sessions::choose(const ticket::Ticket& ticket, const ticket::Claimant& claimant,
                                          const std::vector<Candidate>& workers) const {
  int64_t now = clock_.mono_us();
  Choice out;
  auto superseded = superseded_by(ticket, now);
  if (!superseded) return Unexpected(superseded.error());
  out.superseded = *std::move(superseded);
  auto worker = choose_worker({ticket.event, ticket.station}, workers);
  if (!worker) return Unexpected(worker.error());
  out.worker = *worker;
  auto claim = leases_.would_grant(ticket, claimant, now);
  if (!claim) return Unexpected(claim.error());
  out.claim = *claim;
  out.claimant = claimant;
  return out;
}

void Sessions::begin(uint64_t id, const ticket::Ticket& ticket, const Choice& choice) {
  // Only now: whoever loses the lease is kicked, and somebody else has it.
  auto lease = leases_.claim(ticket, choice.claimant, clock_.mono_us());
  const uint64_t epoch = lease ? lease->epoch : 0;
  if (lease) keep(ticket.tid);
  sessions_[id] = {
      id, ticket.event, ticket.station, ticket.tid, epoch, choice.worker, clock_.mono_us(), false, -1};
  last_worker_[{ticket.event, ticket.station}] = choice.worker;
}

void Sessions::restore(const std::vector<ticket::Holding>& holdings) {
  for (const ticket::Holding& one : holdings) leases_.restore(one, clock_.mono_us());
}

void Sessions::keep(const ticket::TicketId& tid) const {
  if (const auto holding = kept_ ? leases_.holding(tid) : std::nullopt) kept_(*holding);
}

// The epoch of a session that an earlier gate has let in. What that one has written down of the ticket is
// this session's: nobody else was let in since.
uint64_t Sessions::found_lease(const Session& session, const std::string& peer) {
  if (const auto known = leases_.holding(session.tid)) return known->epoch;
  ticket::Ticket ticket;
  ticket.tid = session.tid;
  ticket.expires = static_cast<uint32_t>(clock_.utc_seconds() + kFoundLeaseSeconds);
  const auto lease = leases_.claim(ticket, {address_of(peer)}, clock_.mono_us());
  return lease ? lease->epoch : 0;
}

bool Sessions::opened(const wire::SessionOpened& opened, const std::string& worker) {
  auto found = sessions_.find(opened.session);
  if (found != sessions_.end()) {
    found->second.opened = true;
    found->second.grace_ms = opened.grace_ms;
    return true;
  }
  Session session;
  session.id = opened.session;
  session.event = opened.event;
  session.station = opened.station;
  session.worker = worker;
  session.last_media_us = clock_.mono_us();
  session.opened = true;
  session.grace_ms = opened.grace_ms;
  auto tid = from_hex(opened.ticket_id);
  if (tid && tid->size() == session.tid.size()) {
    std::copy(tid->begin(), tid->end(), session.tid.begin());
    session.epoch = found_lease(session, opened.peer);
  }
  last_worker_[{session.event, session.station}] = worker;
  sessions_[session.id] = session;
  return false;
}

void Sessions::health(const wire::SessionHealth& health) {
  auto found = sessions_.find(health.session);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  // The worker's clock is this machine's; what it says is still only what it says.
  session.last_media_us =
      std::max(session.last_media_us, std::min(health.last_media_mono_us, clock_.mono_us()));
  leases_.received(session.tid, session.epoch, session.last_media_us);
}

void Sessions::closed(uint64_t id, const std::string& reason) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  if (reason == kGoodbye)
    waits_until_us_.erase({found->second.event, found->second.station});
  else
    note_gone(found->second);
  sessions_.erase(found);
}

void Sessions::note_gone(const Session& session) {
  const int64_t grace_ms = session.grace_ms >= 0 ? session.grace_ms : policy_.grace_ms;
  waits_until_us_[{session.event, session.station}] = clock_.mono_us() + grace_ms * 1000;
}

void Sessions::drop_expired() {
  leases_.drop_expired(clock_.utc_seconds());
  std::erase_if(waits_until_us_,
                [now_us = clock_.mono_us()](const auto& one) { return one.second < now_us; });
}

void Sessions::worker_lost(const std::string& worker) {
  for (const auto& [id, session] : sessions_)
    if (session.worker == worker) note_gone(session);
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.worker == worker; });
}

}  // namespace headgate::gate
