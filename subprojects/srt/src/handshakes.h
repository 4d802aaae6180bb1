// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: what is decided while SRT shakes hands, in the thread that receives all packets of
// a port. Thread-safe.
#pragma once

#include <sys/socket.h>

#include <deque>
#include <unordered_map>

#include <base/guarded.h>
#include <ingest/failure_budget.h>
#include <srt/listener.h>

#include "library.h"

namespace headgate::srt {

// A caller whose ticket is right. libsrt compares the passphrases after the check, and says nothing when they
// differ: its socket is gone then.
struct Caller {
  ticket::Ticket ticket;
  ingest::Peer peer;
  std::optional<ticket::Device> device;
  ticket::Claimant claimant() const { return {peer.address, device}; }
};

class Handshakes {
 public:
  // Untold refusals that are kept; the rest is only counted.
  static constexpr size_t kMaxUntold = 256;
  // A caller repeats his handshake for so long until he hears an answer (libsrt's SRTO_CONNTIMEO), and each
  // is judged anew: refused for the same reason, that is told once.
  static constexpr int64_t kRepeatsUs = 3'000'000;

  // Of the callbacks, those of libsrt's threads are called here. `untold`: in any thread when there are
  // refusals to take.
  Handshakes(const Clock& clock, const ticket::Verifier& verifier, Policy policy, const Callbacks& callbacks,
             std::function<void()> untold);

  // The listen callback of one port: 0, or -1 with the reject code set. `last`: the port's caller before this
  // one, changed; only this port's thread has it.
  int check(SRTSOCKET socket, const sockaddr* address, const char* stream_id, SRTSOCKET& last);
  // The handshake is over and the passphrase was right.
  std::optional<Caller> accepted(SRTSOCKET socket);
  // Finds those whose handshake has failed. Whether some are still pending.
  bool sweep();
  // After the handshake.
  void refused(const Caller& caller, const Error& why, const std::string& user_agent);
  void admitted();
  void gone();

  std::vector<ingest::Refused> take_refused();
  Counters counters() const;

 private:
  struct Told {
    std::string peer;  // with his port
    int code = 0;
    int64_t at_us = 0;
  };
  struct State {
    State(unsigned per_source, unsigned per_network) : budget(per_source, per_network) {}
    ingest::FailureBudget budget;
    std::unordered_map<SRTSOCKET, Caller> pending;
    std::vector<ingest::Refused> untold;
    std::deque<Told> recent;  // the oldest first, kMaxUntold at most
    Counters counters;
  };
  using Lock = Guarded<State>::Lock;

  // Everything up to the passphrase; `known` is filled as far as it gets.
  Result<void> judge(const sockaddr_storage& address, std::string_view stream_id, Caller& known,
                     bool& own_fault);
  void settle(SRTSOCKET socket);
  void report(Lock& state, const Caller& caller, int code, const std::string& text,
              const std::string& user_agent);

  const Clock& clock_;
  const ticket::Verifier& verifier_;
  const Policy policy_;
  const Callbacks& callbacks_;
  const std::function<void()> untold_;
  mutable Guarded<State> state_;
};

}  // namespace headgate::srt
