// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: one connection from accept until it is admitted or closed. The listener owns it,
// watches its socket, and asks after each call whether it has ended.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <ingest/failure_budget.h>
#include <ingest/listener.h>
#include <rtmp/adobe_auth.h>
#include <rtmp/server.h>
#include <ticket/publish_name.h>

#include <ingest/places.h>
#include "handshake_budget.h"
#include "stream.h"

namespace headgate::ingest {

// What all admissions of a listener share.
struct Shared {
  const Clock& clock;
  const ticket::Verifier& verifier;
  Policy policy;
  Callbacks callbacks;
  rtmp::AdobeAuth auth;
  FailureBudget budget;
  Places places;
  HandshakeBudget handshakes;
  Counters counters;
  std::function<void(uint64_t id)> close;  // of another one than is asking
};

class Admission : private rtmp::ServerHandler {
 public:
  // `address` is where the connection comes from; the port's settings have let it in. `id`: its own among
  // the listener's, higher than those before.
  Admission(Shared& shared, uint64_t id, const PortSettings& port, UniqueFd socket,
            const sockaddr_storage& address);
  ~Admission() override;
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  bool start();  // before the others; false: it has ended
  // Reads, writes, decides. False: it has ended; see take_admitted(), then destroy it.
  bool on_events(uint32_t events);
  bool on_time(int64_t mono_us);  // the same, for deadlines
  // The socket must not be watched any more: somebody else owns it from then on.
  std::optional<Admitted> take_admitted();

  int socket() const { return socket_; }
  uint32_t wanted_events() const;  // of epoll's
  // It has something to say, and waits for its turn: call on_events(EPOLLIN) now and then.
  bool waits_for_turn() const { return waits_for_turn_; }
  bool shakes_hands() const { return stage_ == Stage::kTls; }
  const Peer& peer() const { return peer_; }  // of a proxy's connection once it has said whom it carries

 private:
  enum class Stage { kProxyHeader, kTlsWaits, kTls, kRtmp };

  std::optional<std::string> on_connect(const rtmp::ConnectRequest& request) override;
  std::optional<std::string> check_response(const rtmp::AdobeQuery& query);
  bool take_place();
  bool read_proxy_header();
  bool begin_stream();
  bool begin_tls(uint32_t events);
  bool shake_hands();
  bool read();
  bool flush();
  bool go_on();  // after reading or writing
  bool decide();
  Result<Grant> judge(const std::string& name);
  bool make_pair();
  Result<void> prove(const ticket::PublishName& name);
  Result<void> check_user() const;
  Result<void> check_bearer(const std::string& secret) const;
  Result<void> check_app(const ticket::AppProof& proof);
  void not_rtmp(const std::string& text);
  void broken();
  void report(int code, const std::string& text);
  void count_failure();
  bool drain();

  Shared& shared_;
  const uint64_t id_;
  const PortSettings& port_;
  const sockaddr_storage address_;  // the connection's own
  int socket_;                      // of stream_, for as long as it is watched
  Stream stream_;
  Peer peer_;
  Stage stage_;
  ByteVector proxy_header_;  // what has come of it
  rtmp::Server server_;
  ByteVector unsent_;
  size_t sent_ = 0;                      // of unsent_
  uint32_t receive_waits_, send_waits_;  // for what; TLS may have to write in order to read
  // Refused, or sent back, and that is written: waiting for the peer to close, so that no reset overtakes it.
  bool lingering_ = false;
  int64_t connect_deadline_us_, deadline_us_;
  bool connected_ = false;
  bool waits_for_turn_ = false;
  int64_t handshake_us_ = 0;              // of CPU, for TLS
  std::string user_;                      // that proved its password
  uint8_t kid_ = 0;                       // of the master key behind it
  std::optional<ticket::Ticket> ticket_;  // once its signature is right
  std::optional<ticket::Device> device_;  // once it has proved its key
  std::optional<Admitted> admitted_;
  UniqueFd worker_end_, relay_end_;  // of TLS: the pair; the first becomes admitted_->socket
};

}  // namespace headgate::ingest
