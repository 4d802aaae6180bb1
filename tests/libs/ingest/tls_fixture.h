// SPDX-License-Identifier: LGPL-2.1-or-later
// A listener with a TLS port and its relay, and a publisher that speaks RTMP over TLS to it.
#pragma once

#include <rtmp/adobe_auth.h>
#include <rtmp/client.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <random>

#include "ingest_support.h"
#include "tls_client.h"

namespace headgate::ingest::test {

using rtmp::Client;

inline constexpr int64_t kPatienceSeconds = 20;

// rtmp::Client over TLS.
class TlsPublisher {
 public:
  TlsPublisher(uint16_t port, rtmp::PublishTarget target, int version = TLS1_3_VERSION,
               const char* groups = nullptr)
      : port_(port), target_(std::move(target)), version_(version), groups_(groups) {
    client_.emplace(target_);
    connect();
  }
  TlsPublisher(const TlsPublisher&) = delete;
  TlsPublisher& operator=(const TlsPublisher&) = delete;

  // False: the connection is over.
  bool step() {
    if (!tls_->connected()) return !tls_->failed();
    while (client_->has_output()) {
      ByteVector out = client_->take_output();
      EXPECT_EQ(tls_->send(out.data(), out.size()), static_cast<ssize_t>(out.size()));
    }
    std::array<std::byte, 4096> buffer;
    const ssize_t got = tls_->receive(buffer.data(), buffer.size());
    if (got < 0) return !tls_->failed();
    if (got == 0) return false;
    auto fed = client_->feed(Bytes(buffer).first(static_cast<size_t>(got)));
    EXPECT_TRUE(fed) << fed.error().message;
    if (client_->phase() == Client::Phase::kReconnect) {
      ++connections;
      client_->restart();
      connect();
    }
    return true;
  }
  Client& client() { return *client_; }
  TlsClient& tls() { return *tls_; }
  int connections = 1;

 private:
  void connect() { tls_.emplace(connect_to(port_), version_, groups_); }

  uint16_t port_;
  rtmp::PublishTarget target_;
  int version_;
  const char* groups_;
  std::optional<Client> client_;
  std::optional<TlsClient> tls_;
};

class TlsTest : public Fixture {
 protected:
  // The clock stands still, and what a handshake costs is the machine's: as many as anybody wants.
  static Policy unhurried() {
    Policy out;
    out.handshakes.all.most_us = out.handshakes.network.most_us = int64_t{3600} * 1'000'000;
    return out;
  }
  void start_tls(Policy policy = unhurried()) {
    std::signal(SIGPIPE, SIG_IGN);  // of OpenSSL as a client
    CertificateFiles files = write_certificate(folder_.path, "first", kNow - 3600, kNow + 3600);
    certificates_.emplace(*clock_, files.certificate, files.key);
    ASSERT_TRUE(certificates_->load());
    start(policy);
    PortSettings settings;
    settings.certificates = &*certificates_;
    settings.relays = &relays_;
    listener_->add(listen_on_loopback(tls_port_), settings);
  }
  void TearDown() override {
    listener_.reset();
    admitted_.clear();
  }
  ticket::Issued ticket(uint16_t flags = ticket::kFlagBearerOverTls) {
    return keys_.issue(kStation, kNow - 3600, kNow + 3600, flags);
  }
  rtmp::PublishTarget target(const std::string& key, const std::string& app = "lt") {
    rtmp::PublishTarget out;
    out.app = app;
    out.tc_url = "rtmps://127.0.0.1:" + std::to_string(tls_port_) + "/" + app;
    out.stream_key = key;
    return out;
  }
  static std::string bearer(const ticket::Issued& issued) {
    return issued.ticket.wire_text() + "." + to_base64url(issued.seed);
  }
  std::string refusal_of(TlsPublisher& publisher) {
    EXPECT_TRUE(wait_for([&] {
      publisher.step();
      return publisher.client().phase() == Client::Phase::kRefused;
    }));
    EXPECT_TRUE(admitted_.empty());
    return publisher.client().refusal().code + " " + publisher.client().refusal().text;
  }
  // Until it is admitted and answered; from then on both ends are the test's.
  std::unique_ptr<TlsPublisher> publish(int version = TLS1_3_VERSION) {
    auto publisher = std::make_unique<TlsPublisher>(tls_port_, target(bearer(ticket())), version);
    EXPECT_TRUE(wait_for([&] {
      publisher->step();
      return !admitted_.empty();
    }));
    auto server = rtmp::Server::restore(admitted_[0].state);
    EXPECT_TRUE(server) << server.error().message;
    server->accept_publish();
    ByteVector out = server->take_output();
    EXPECT_EQ(::send(worker(), out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
    EXPECT_TRUE(wait_for([&] {
      publisher->step();
      return publisher->client().phase() == Client::Phase::kPublishing;
    }));
    return publisher;
  }
  int worker() { return admitted_[0].socket.get(); }
  bool wait_for_relays(size_t connections) {
    return wait_for([&] { return relays_.connections() == connections; });
  }
  // What the worker reads, until `size` bytes or the end of the stream.
  ByteVector worker_reads(size_t size) {
    ByteVector out;
    EXPECT_TRUE(wait_for([&] {
      std::array<std::byte, 65536> buffer;
      const ssize_t got = ::recv(worker(), buffer.data(), buffer.size(), 0);
      if (got > 0) out.insert(out.end(), buffer.begin(), buffer.begin() + got);
      return got == 0 || (got < 0 && errno != EAGAIN) || out.size() >= size;
    }));
    return out;
  }
  // What the publisher reads, likewise.
  ByteVector publisher_reads(TlsPublisher& publisher, size_t size) {
    ByteVector out;
    EXPECT_TRUE(wait_for([&] {
      std::array<std::byte, 65536> buffer;
      const ssize_t got = publisher.tls().receive(buffer.data(), buffer.size());
      if (got > 0) out.insert(out.end(), buffer.begin(), buffer.begin() + got);
      return got == 0 || publisher.tls().failed() || out.size() >= size;
    }));
    return out;
  }
  static ByteVector noise(size_t size) {
    ByteVector out(size);
    std::minstd_rand random(7);
    for (std::byte& byte : out) byte = static_cast<std::byte>(random() >> 7);
    return out;
  }

  TemporaryFolder folder_;
  std::optional<Certificates> certificates_;
  Relays relays_;
  uint16_t tls_port_ = 0;
};

}  // namespace headgate::ingest::test
