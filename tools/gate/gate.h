// SPDX-License-Identifier: LGPL-2.1-or-later
// The gate: owns the public ingest ports, lets in who has a ticket, and gives each connection to a worker. It
// forgets nothing that matters when it dies: the listening sockets are its parent's too, the sessions are the
// workers'.
#pragma once

#include <base/clock.h>
#include <base/guarded.h>
#include <base/loop.h>
#include <ingest/listener.h>
#include <srt/listener.h>
#include <ticket/verifier.h>
#include <wire/audience.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "front.h"
#include "key_files.h"
#include "lease_file.h"
#include "ports.h"
#include "refusal_log.h"
#include "revoked_file.h"
#include "sessions.h"
#include "worker_links.h"

namespace headgate::gate {

struct Settings {
  std::string runtime_dir;
  ingest::Policy policy = {};
  srt::Policy srt = {};
  FrontSettings front = {};
  std::string keys = {};  // folder of the verifier's, which is looked at; empty: they stay
  KeptKeys kept_keys = KeptKeys();
  std::optional<ticket::NodeKeys> begins_with = std::nullopt;  // kept ones, because the folder is wrong
  std::string revoked = {};  // file of tickets that were withdrawn; empty: none
  bool supervised = false;   // the sockets that listen() is given wait for the first wire::NodePolicy
};

class Gate {
 public:
  Gate(Loop& loop, const Clock& clock, ticket::Verifier& verifier, Settings settings);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Reads the files of Settings::front, opens gate.sock and looks for workers.
  Result<void> start();
  // A supervised gate accepts nobody before it knows what the supervisor says of the node and its stations
  // (those in quarantine would have shared a worker), but waits no longer than kFirstPolicyMs; who comes
  // meanwhile waits in the kernel.
  // "rtmp", "rtmps"; "srt": a bound UDP socket. Nothing is accepted before the workers that are there have
  // said what they can do (kWorkersMs at most), or a publisher would be told that there is none; of SRT not
  // before it is this gate's turn (srt_turn.h).
  Result<void> listen(const std::string& name, UniqueFd socket);
  // Ends the loop; not before the workers have said goodbye to the sessions that this process carries (TLS,
  // SRT), if they do so soon: a node that stops asks them at the same time.
  void stop();
  // Everybody is refused (ticket::kDown) while it is on.
  void drain(bool on);
  // Another gate has the ports from now on. Accepts nothing more, goes on with who has connected, relays what
  // it carries, lets SRT callers in as long as it has SRT sessions (the ports are its own until then), and
  // ends the loop when nobody is left.
  void retire();
  void reload();  // the files, changed or not
  std::string status_json() const;

 private:
  // What a publisher is judged by. SRT asks within its handshake, in threads of libsrt.
  struct Door {
    explicit Door(const Clock& clock) : sessions(clock) {}
    Sessions sessions;
    std::vector<Candidate> workers;
    bool draining = false;
  };

  Result<void> may_enter(const ticket::Ticket& ticket, const ticket::Claimant& claimant);  // any thread
  Result<ingest::Grant> decide(const ticket::Ticket& ticket, const ticket::Claimant& claimant);
  void admitted(ingest::Admitted admitted);
  void admitted(srt::Admitted admitted);
  void hand_over(wire::Handoff handoff, const ticket::Ticket& ticket, UniqueFd descriptor);
  void restore_leases();
  void kick_revoked();
  bool workers_known() const;
  Result<void> listen_srt(UniqueFd socket);
  void look_at_end();  // of one that has retired
  void on_worker_message(WorkerLink& link, const wire::Message& message);
  void on_worker_lost(const WorkerLink& link);
  void on_message(wire::Audience::Member& from, const wire::Message& message);
  void tick();  // once a second
  size_t carried() const;
  void tell_candidates(const std::string& without = "");
  wire::Status status() const;
  std::string srt_json() const;

  Loop& loop_;
  const Clock& clock_;
  const ticket::Verifier& verifier_;
  Settings settings_;
  mutable Guarded<Door> door_;
  LeaseFile lease_file_;
  Front front_;
  KeyFiles keys_;
  RevokedFile revoked_;
  ingest::Listener listener_;
  Ports ports_;
  bool retiring_ = false;
  Loop::TimerId retire_timer_ = 0;
  std::unique_ptr<WorkerLinks> workers_;
  wire::Audience audience_;
  Loop::TimerId ticker_ = 0;
  int64_t ticks_ = 0;
  uint64_t last_session_;
  // Handed to a worker since the start: by protocol, and by name_of() their claim.
  std::map<std::string, uint64_t> by_protocol_, claims_;
  Sessions::Choice choice_;  // of the decide() whose admitted() comes next
  Loop::TimerId stop_timer_ = 0;
  int64_t stop_us_ = 0;  // when it stops at the latest; 0: not asked to
  RefusalLog refusals_;
  std::unique_ptr<srt::Listener> srt_;  // none: no UDP socket; asks door_
};

}  // namespace headgate::gate
