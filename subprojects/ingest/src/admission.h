// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: one connection from accept until it is admitted or closed. The listener owns it,
// watches its socket, and asks after each call whether it has ended.
#pragma once

#include <optional>
#include <utility>

#include <ingest/failure_budget.h>
#include <ingest/listener.h>
#include <rtmp/adobe_auth.h>
#include <rtmp/server.h>

namespace headgate::ingest {

// What all admissions of a listener share.
struct Shared {
  const Clock& clock;
  const ticket::Verifier& verifier;
  Policy policy;
  Callbacks callbacks;
  rtmp::AdobeAuth auth;
  FailureBudget budget;
  Counters counters;
};

class Admission : private rtmp::ServerHandler {
 public:
  Admission(Shared& shared, UniqueFd socket, Peer peer);

  // Reads, writes, decides. False: it has ended; see take_admitted(), then destroy it.
  bool on_events(uint32_t events);
  bool on_time(int64_t mono_us);  // the same, for deadlines
  std::optional<Admitted> take_admitted() { return std::exchange(admitted_, std::nullopt); }

  int socket() const { return socket_.get(); }
  uint32_t wanted_events() const;  // EPOLLIN, EPOLLOUT
  const Peer& peer() const { return peer_; }

 private:
  std::optional<std::string> on_connect(const rtmp::ConnectRequest& request) override;
  std::optional<std::string> check_response(const rtmp::AdobeQuery& query);
  bool read();
  bool flush();
  bool go_on();  // after reading or writing
  bool decide();
  Result<Grant> judge(const std::string& key);
  Result<void> check_proof() const;
  void report(int code, const std::string& text);
  void count_failure();
  bool drain();

  Shared& shared_;
  UniqueFd socket_;
  Peer peer_;
  rtmp::Server server_;
  ByteVector unsent_;
  size_t sent_ = 0;  // of unsent_
  // Refused, or sent back, and that is written: waiting for the peer to close, so that no reset overtakes it.
  bool lingering_ = false;
  int64_t connect_deadline_us_, deadline_us_;
  bool connected_ = false;
  std::string user_;                      // that proved its password
  uint8_t kid_ = 0;                       // of the master key behind it
  std::optional<ticket::Ticket> ticket_;  // once its signature is right
  std::optional<Admitted> admitted_;
};

}  // namespace headgate::ingest
