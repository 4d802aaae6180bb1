// SPDX-License-Identifier: LGPL-2.1-or-later
// ticketsrc on its own: listens, checks tickets, lets one publisher in at a time. Runs a Loop in a thread of
// its own, so that handshakes and signatures never delay a tick.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <base/guarded.h>
#include <base/loop.h>
#include <base/unique_fd.h>
#include <ingest/listener.h>
#include <srt/listener.h>
#include <store/run_writer.h>
#include <ticket/lease.h>
#include <ticket/verifier.h>

namespace headgate::ticketsrc {

// "rtmp://host:port/app"; without a port 1935, with 0 whichever is free. The app is not looked at. Or
// "srt://host:port".
struct Address {
  bool srt = false;
  std::string host;
  std::string port;
};
Result<Address> parse_uri(const std::string& uri);

// An admitted connection whose `publish` has not been answered; of SRT the session's end of the relay.
struct Offer {
  UniqueFd socket;
  ByteVector state;     // of rtmp::Server; SRT: none
  store::RunInfo info;  // who it is
  uint64_t serial = 0;  // names the session to the listener; 0: not from one
};

class Listener {
 public:
  // Both are called on the listener's thread. `info` of a refusal has what is known of the publisher.
  using OnOffer = std::function<void(Offer, Listener&)>;
  using OnRefusal = std::function<void(const store::RunInfo& info, const std::string& text)>;
  static Result<std::unique_ptr<Listener>> open(const std::string& uri, const std::string& keys_directory,
                                                OnOffer on_offer, OnRefusal on_refusal);
  ~Listener();  // joins the thread; no callback runs after it

  uint16_t port() const { return port_; }
  // From any thread: the session with this serial still sends, or is over.
  void received(uint64_t serial, int64_t mono_us);
  void session_over(uint64_t serial);
  // Nobody else is let in from now on.
  void close() { current_.lock()->closed = true; }

 private:
  // The session that holds the element.
  struct Current {
    std::optional<ticket::TicketId> tid;  // none: the element is free
    uint64_t serial = 0;                  // of the last offer
    uint64_t lease_epoch = 0;             // of its lease
    int64_t last_received_us = 0;
    bool closed = false;
    ticket::LeaseTable leases;
  };
  using CurrentLock = Guarded<Current>::Lock;

  Listener(ticket::NodeKeys keys, OnOffer on_offer, OnRefusal on_refusal);
  Result<void> listen(const Address& address);
  Result<void> listen_rtmp(UniqueFd socket);
  Result<void> listen_srt(UniqueFd socket);
  // Whether this ticket may have the element; leases then know when the present one was heard last.
  static Result<void> check_free(CurrentLock& current, const ticket::Ticket& ticket);
  Result<void> may_enter(const ticket::Ticket& ticket, const ticket::Claimant& claimant);  // any thread
  Result<ingest::Grant> decide(const ticket::Ticket& ticket, const ticket::Claimant& claimant);
  void admitted(Offer offer, const ticket::Ticket& ticket, const ingest::Grant& grant);
  void refused(const ingest::Refused& refused, const char* protocol);

  ticket::Verifier verifier_;
  OnOffer on_offer_;
  OnRefusal on_refusal_;
  Guarded<Current> current_;
  uint16_t port_ = 0;
  Loop loop_;
  std::unique_ptr<ingest::Listener> rtmp_;  // one of them, the thread's
  std::unique_ptr<srt::Listener> srt_;
  std::thread thread_;
};

}  // namespace headgate::ticketsrc
