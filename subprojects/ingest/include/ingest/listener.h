// SPDX-License-Identifier: LGPL-2.1-or-later
// From listening TCP sockets to admitted RTMP publishers: accepts, reads what a proxy says, ends TLS, speaks
// RTMP up to `publish`, checks the ticket, and hands the connection over unanswered; or refuses with a text
// that the client shows. Whatever strangers do, memory and time are bounded by Policy. Everything happens in
// the Loop's thread, but for the bytes of admitted TLS connections (Relays).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/clock.h>
#include <base/loop.h>
#include <base/unique_fd.h>
#include <ingest/address_list.h>
#include <ingest/certificates.h>
#include <ingest/peer.h>
#include <ingest/relays.h>
#include <rtmp/limits.h>
#include <ticket/lease.h>
#include <ticket/verifier.h>

namespace headgate::ingest {

// So much CPU time a second, and so much of it in advance.
struct CpuShare {
  int64_t us_per_second = 0;
  int64_t most_us = 0;
};

// What TLS handshakes may cost that have not led to an admission (yet). Who would cost more waits, his
// ClientHello unread.
struct HandshakePolicy {
  CpuShare all = {80'000, 80'000};
  CpuShare network = {30'000, 50'000};  // of a /24 (IPv6: /48)
  // At a time, each some 40 KiB of OpenSSL's; beyond, of the network that has most the one that came first is
  // closed.
  size_t most = 512;
};

// docs/tickets.md, 1.7. "Unauthenticated" is every connection that has not been admitted, refused ones until
// they are closed included.
struct Policy {
  int64_t connect_timeout_us = 15'000'000;  // from accept to the end of `connect`, TLS included
  int64_t publish_timeout_us = 30'000'000;  // from accept to `publish`
  int64_t linger_us = 1'000'000;            // from a refusal to closing, for clients that have not read it
  // Beyond either, one makes way for the newcomer: of the network, a /24 (IPv6: /48), that has most of them,
  // and there of the source that has, the one that came first; never of one that has fewer than the
  // newcomer's. Who has proved a ticket's password only if there is nobody else, or where there are more of
  // these than the newcomer's has of both. If all came within undisturbed_us, newcomers wait in the kernel's
  // queue, but for those of a smaller network; those of a network that has its number are closed.
  size_t max_unauthenticated = 5'000;
  size_t max_unauthenticated_per_network = 200;
  int64_t undisturbed_us = 1'000'000;
  unsigned failures_per_source = 60;    // a minute
  unsigned failures_per_network = 600;  // a minute
  HandshakePolicy handshakes;
  rtmp::Limits rtmp = rtmp::Limits::before_admission();
};

// What stands before RTMP on a port. What is pointed to must outlive the listener.
struct PortSettings {
  const AddressFilter* addresses = nullptr;  // who may connect; null: everybody
  // Not null: connections come from these, each with a PROXY header whose client is the peer from then on.
  // Others are closed unread, and so is who comes without a header.
  const AddressFilter* proxies = nullptr;
  // Both: the port is TLS. The certificates have been loaded.
  const Certificates* certificates = nullptr;
  Relays* relays = nullptr;
};

// What the hook grants: goes through to Admitted.
struct Grant {
  std::string claim;  // first, resume, takeover: how the ticket came to this publisher
  uint64_t tag = 0;   // the hook's own
};

struct Admitted {
  ticket::Ticket ticket;
  Peer peer;
  std::string user_agent;                // flashVer, as sent
  std::optional<ticket::Device> device;  // an app's, proved
  Grant grant;
  ByteVector state;  // rtmp::Server::restore(); `publish` is not answered yet
  // Non-blocking, close-on-exec; nothing is left to send on it. Of a TLS connection: one end of a socket pair
  // whose other end Relays has.
  UniqueFd socket;
  bool tls = false;
};

struct Refused {
  int code = 0;  // ticket::Refusal
  std::string text;
  Peer peer;
  std::string user_agent;
  std::string ticket_id;  // hex; empty when it did not come so far
  uint32_t station = 0;   // with ticket_id
};

struct Counters {
  uint64_t accepted = 0;    // connections
  uint64_t challenged = 0;  // sent back for the next step of authmod=adobe
  uint64_t admitted = 0;
  std::map<int, uint64_t> refused;  // by code; what over_network and timeouts lost is not in it
  uint64_t timed_out = 0;
  uint64_t gone = 0;     // closed by the peer before it asked for anything
  uint64_t denied = 0;   // closed unread: an address that may not connect, or that is no proxy
  uint64_t flooded = 0;  // closed unread: failures of its network, FailureBudget::kFloodFactor times too many
  uint64_t over_network = 0;  // closed unread, or for another of the network: max_unauthenticated_per_network
  uint64_t made_way = 0;      // closed for a newcomer: max_unauthenticated, or no descriptors left
  uint64_t over_handshakes = 0;   // closed within TLS: HandshakePolicy::most
  uint64_t accept_errors = 0;     // no descriptors or memory left
  size_t unauthenticated = 0;     // now
  size_t handshakes = 0;          // of them within TLS's
  size_t handshakes_waiting = 0;  // of them, until they may begin it
};

// None of them may destroy the listener.
struct Callbacks {
  // The ticket is right and proved. May still refuse: Error.code is a ticket::Refusal, the message is for the
  // publisher's screen. Else admitted() is called at once. Without a hook everybody is let in.
  std::function<Result<Grant>(const ticket::Ticket&, const ticket::Claimant&)> decide;
  std::function<void(Admitted)> admitted;
  std::function<void(const Refused&)> refused;  // may be empty
};

class Listener {
 public:
  // The references must outlive the listener. `verifier` may change what is revoked between the loop's
  // rounds.
  Listener(Loop& loop, const Clock& clock, const ticket::Verifier& verifier, Policy policy,
           Callbacks callbacks);
  ~Listener();  // closes everything that is not admitted
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // A bound and listening stream socket; made non-blocking. As many as wanted.
  void add(UniqueFd listening, PortSettings settings = {});
  // Accepts nothing more and closes its listening sockets; who is connected goes on.
  void retire();
  // Descriptors of the listening sockets, which stay the listener's.
  std::vector<int> listening() const;
  Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headgate::ingest
