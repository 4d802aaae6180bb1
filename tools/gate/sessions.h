// SPDX-License-Identifier: LGPL-2.1-or-later
// What the gate knows of the node's sessions and who may have which station: the ticket's lease, one ticket
// for each station, and the worker that had the station before. No sockets.
#pragma once

#include <base/clock.h>
#include <ticket/lease.h>
#include <wire/messages.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace headgate::gate {

struct Session {
  uint64_t id = 0;
  uint32_t event = 0, station = 0;
  ticket::TicketId tid{};
  uint64_t epoch = 0;  // of its lease
  std::string worker;  // its socket's path
  int64_t last_media_us = 0;
  bool opened = false;    // the worker has said so
  int64_t grace_ms = -1;  // wire::SessionOpened's
};

// A worker as far as choosing one goes.
struct Candidate {
  std::string path;
  uint32_t number = 0;
  uint32_t sessions = 0, capacity = 0;  // as it last said
  bool accepting = false;
  std::string reason;  // why not
};

class Sessions {
 public:
  explicit Sessions(const Clock& clock) : clock_(clock), begun_us_(clock.mono_us()) {}

  // Who held which ticket, by an earlier gate; before anybody is let in.
  void restore(const std::vector<ticket::Holding>& holdings);
  // From now on `kept` is told of each lease that is taken. Called under the caller's lock; must not wait.
  void keep(std::function<void(const ticket::Holding&)> kept) { kept_ = std::move(kept); }

  // What the supervisor says of the node as a whole and of single stations.
  void rule(wire::NodePolicy policy) { policy_ = std::move(policy); }

  struct Choice {
    ticket::LeaseKind claim = ticket::LeaseKind::kFirst;
    ticket::Claimant claimant;
    std::string worker;
    std::vector<Session> superseded;  // to be ended when the new one is on its way
  };
  // For a publisher whose ticket and password are right; changes nothing. Error.code: kConflict, kLocked,
  // kDown, kNoStorage, kOverload. The new session is to be added by begin() or forgotten.
  Result<Choice> choose(const ticket::Ticket& ticket, const ticket::Claimant& claimant,
                        const std::vector<Candidate>& workers) const;
  // Directly after choose(), once the worker has been given the connection: takes the lease.
  void begin(uint64_t id, const ticket::Ticket& ticket, const Choice& choice);
  // What choose() would say, changing nothing: for one who has the ticket and has not proved its secret yet.
  Result<void> may_enter(const ticket::Ticket& ticket, const ticket::Claimant& claimant,
                         const std::vector<Candidate>& workers) const;

  // Returns false for a session that this gate did not hand over (it has been started anew).
  bool opened(const wire::SessionOpened& opened, const std::string& worker);
  void health(const wire::SessionHealth& health);
  void closed(uint64_t id, const std::string& reason);  // wire::SessionClosed's
  void worker_lost(const std::string& worker);
  void drop_expired();

  const std::map<uint64_t, Session>& all() const { return sessions_; }

 private:
  using Station = std::pair<uint32_t, uint32_t>;  // event, station
  Result<std::vector<Session>> superseded_by(const ticket::Ticket& ticket, int64_t now_us) const;
  Result<std::string> choose_worker(const Station& station, const std::vector<Candidate>& workers) const;
  // Whom policy has sent there; `down`: what is said until it runs.
  static Result<std::string> choose_number(uint32_t number, const std::vector<Candidate>& workers,
                                           const std::string& down);
  Result<std::string> choose_own(const wire::Isolation& isolation,
                                 const std::vector<Candidate>& workers) const;
  bool is_expected(const Station& station) const;
  void note_gone(const Session& session);
  uint64_t found_lease(const Session& session, const std::string& peer);
  void keep(const ticket::TicketId& tid) const;

  const Clock& clock_;
  const int64_t begun_us_;
  wire::NodePolicy policy_;
  std::map<Station, int64_t> waits_until_us_;  // of stations that went away and may come back; mono
  ticket::LeaseTable leases_;
  std::function<void(const ticket::Holding&)> kept_;
  std::map<uint64_t, Session> sessions_;
  std::map<Station, std::string> last_worker_;  // bounded by the event's stations
};

}  // namespace headgate::gate
