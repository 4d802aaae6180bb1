// SPDX-License-Identifier: LGPL-2.1-or-later
// From bound UDP sockets to admitted SRT publishers: the ticket is checked within SRT's handshake, so that
// who is refused hears why as a reject code (docs/srt.md), and what an admitted one sends comes out of a
// socketpair (srt/relay.h), which can be handed to another process.
//
// Threads: libsrt's own, one of which receives all packets of a port and runs the checks; one that relays all
// connections of the listener; and the Loop's, where everything else happens. libsrt's own log is turned down
// to its critical errors, for the whole process.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/clock.h>
#include <base/loop.h>
#include <base/unique_fd.h>
#include <ingest/listener.h>
#include <ticket/lease.h>
#include <ticket/stream_id.h>
#include <ticket/verifier.h>

namespace headgate::srt {

struct Policy {
  int latency_ms = 120;  // of the receiving side at least; a caller may ask for more
  // Attempts that fail, in a minute (docs/tickets.md); then 1402.
  unsigned failures_per_source = 60;
  unsigned failures_per_network = 600;
  // Callers between a right ticket and a proved passphrase; beyond, 1402.
  size_t max_pending = 1024;
};

struct Admitted {
  ticket::Ticket ticket;
  ingest::Peer peer;
  std::string user_agent;                // "SRT/1.5.1": a caller says no more of itself
  std::optional<ticket::Device> device;  // an app's, proved
  ingest::Grant grant;
  UniqueFd stream;  // the session's end of the pair, blocking, close-on-exec
};

struct Counters {
  uint64_t asked = 0;  // handshakes that came to the check
  uint64_t admitted = 0;
  std::map<int, uint64_t> refused;  // by code; within the handshake and after it
  uint64_t gone = 0;                // disconnected before they could be admitted
  size_t pending = 0;               // now: the ticket is right, the passphrase is not proved
  size_t links = 0;                 // now: admitted and connected
  int64_t check_us = 0;             // all checks together
  int64_t longest_check_us = 0;
};

struct Callbacks {
  // Whether this address may connect at all; in a libsrt thread, as may_enter. Everybody may if it is empty.
  std::function<bool(const sockaddr_storage&)> allows;
  // In a libsrt thread, of several ports at once: thread-safe, memory only, microseconds. The ticket is
  // right, but whoever has it may be anybody: nothing may change. Error.code is a ticket::Refusal and becomes
  // the reject code. May be empty.
  std::function<Result<void>(const ticket::Ticket&, const ticket::Claimant&)> may_enter;
  // The rest in the loop's thread; none of them may destroy the listener.
  // The passphrase is proved. May still refuse: the connection is closed, without a word. Else admitted() is
  // called at once.
  std::function<Result<ingest::Grant>(const ticket::Ticket&, const ticket::Claimant&)> decide;
  std::function<void(Admitted)> admitted;
  std::function<void(const ingest::Refused&)> refused;  // may be empty; not for every one of a flood
};

class Listener {
 public:
  // The references must outlive the listener.
  static Result<std::unique_ptr<Listener>> create(Loop& loop, const Clock& clock,
                                                  const ticket::Verifier& verifier, Policy policy,
                                                  Callbacks callbacks);
  ~Listener();  // disconnects everybody
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // A bound UDP socket; made blocking. Another process may hold it as well, and listen on it when this one is
  // gone.
  Result<void> add(UniqueFd udp);
  // Descriptors of the sockets, which stay the listener's.
  std::vector<int> listening() const;
  Counters counters() const;

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with what is posted to the loop
};

}  // namespace headgate::srt
