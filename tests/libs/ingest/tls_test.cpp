// SPDX-License-Identifier: LGPL-2.1-or-later
// RTMPS: who is let in, and what the relay does with bytes and ends.
#include <rtmp/adobe_auth.h>
#include <rtmp/client.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <random>

#include "ingest_support.h"
#include "tls_client.h"

namespace headgate::ingest::test {
namespace {

using rtmp::Client;

constexpr int64_t kPatienceSeconds = 20;

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
  void start_tls(Policy policy = {}) {
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

TEST_F(TlsTest, ABearerIsAdmittedAtOnce) {
  start_tls();
  for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    auto publisher = publish(version);
    EXPECT_EQ(publisher->connections, 1);
    EXPECT_EQ(publisher->tls().version(), version);
    ASSERT_EQ(admitted_.size(), 1u);
    EXPECT_TRUE(admitted_[0].tls);
    EXPECT_EQ(admitted_[0].peer.address, "127.0.0.1");
    EXPECT_EQ(relays_.connections(), 1u);
    publisher.reset();
    EXPECT_TRUE(worker_reads(1).empty());
    admitted_.clear();
    EXPECT_TRUE(wait_for_relays(0));
  }
  EXPECT_TRUE(refused_.empty());
  EXPECT_EQ(listener_->counters().admitted, 2u);
}

TEST_F(TlsTest, WithoutADescriptorForItNobodysPlaceIsTaken) {
  start_tls();
  int decided = 0;
  decide_ = [&](const ticket::Ticket&, const Peer&) {
    ++decided;
    return Grant{"resume", 8};
  };
  const std::string key = bearer(ticket());
  TlsPublisher publisher(tls_port_, target(key));
  ASSERT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 1; }));
  {
    NoMoreDescriptors none;
    EXPECT_NE(refusal_of(publisher).find("1503 DOWN"), std::string::npos);
  }
  EXPECT_EQ(decided, 0);
  TlsPublisher again(tls_port_, target(key));
  EXPECT_TRUE(wait_for([&] {
    again.step();
    return !admitted_.empty();
  }));
  EXPECT_EQ(decided, 1);
}

TEST_F(TlsTest, AHelloThatIsAskedForAgain) {
  start_tls();
  // A key share for the first group; the server has it not and asks for the second (HelloRetryRequest).
  TlsPublisher publisher(tls_port_, target(bearer(ticket())), TLS1_3_VERSION, "ffdhe2048:P-256");
  EXPECT_TRUE(wait_for([&] {
    publisher.step();
    return !admitted_.empty();
  }));
}

TEST_F(TlsTest, BearersThatAreRefused) {
  start_tls();
  const ticket::Issued issued = ticket(), other = ticket(), plain = ticket(ticket::kFlagChallengePlain);
  {
    TlsPublisher publisher(tls_port_, target(issued.ticket.wire_text() + "." + to_base64url(other.seed)));
    EXPECT_EQ(refusal_of(publisher),
              "NetStream.Publish.BadName 1401 the secret behind the key is not this ticket's");
  }
  for (const char* secret : {"AAAA", "", "not base64!"}) {
    TlsPublisher publisher(tls_port_, target(issued.ticket.wire_text() + "." + secret));
    EXPECT_NE(refusal_of(publisher).find("BadName 1401 "), std::string::npos) << secret;
  }
  {
    TlsPublisher publisher(tls_port_, target(issued.ticket.wire_text()));
    EXPECT_NE(refusal_of(publisher).find("BadName 1401 the key needs the secret"), std::string::npos);
  }
  {
    TlsPublisher publisher(tls_port_, target(bearer(plain)));
    EXPECT_NE(refusal_of(publisher).find("BadName 1403 this ticket's secret may not be sent"),
              std::string::npos);
  }
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated <= 6; }));
}

TEST_F(TlsTest, TheChallengeWorksToo) {
  start_tls();
  // Of no flag: what must not be used in the open may be used here.
  const ticket::Issued issued = ticket(0);
  rtmp::PublishTarget to = target(issued.ticket.wire_text(), "auth");
  to.user = ticket::rtmp_user(issued.ticket.tid);
  to.password = ticket::rtmp_password(issued.seed);
  TlsPublisher publisher(tls_port_, to);
  EXPECT_TRUE(wait_for([&] {
    publisher.step();
    return !admitted_.empty();
  }));
  EXPECT_EQ(publisher.connections, 3);
}

TEST_F(TlsTest, FailuresOfBearersExhaustTheBudget) {
  Policy policy;
  policy.failures_per_source = 2;
  start_tls(policy);
  const ticket::Issued issued = ticket();
  for (int i = 0; i < 2; ++i) {
    TlsPublisher wrong(tls_port_, target(issued.ticket.wire_text() + ".AAAAAAAAAAAAAAAAAAAAAA"));
    EXPECT_NE(refusal_of(wrong).find("1401"), std::string::npos);
  }
  TlsPublisher right(tls_port_, target(bearer(issued)));
  EXPECT_NE(refusal_of(right).find("1402"), std::string::npos);
}

TEST_F(TlsTest, WhatIsNotTls) {
  start_tls();
  struct Case {
    std::string sent, text;
  };
  const std::string huge_hello("\x16\3\1\x40\0\1\1\xff\xfb\3\3", 11);
  for (const Case& c :
       {Case{"GET / HTTP/1.1\r\n\r\n", "TLS: http request"},
        {"\3" + std::string(1536, 'x'), "TLS: wrong version number"},
        {huge_hello, "TLS: a ClientHello of more than 16 KiB, or in pieces"},
        {std::string("\x16\3\1\0\2\1\0", 7), "TLS: a ClientHello of more than 16 KiB, or in pieces"}}) {
    refused_.clear();
    UniqueFd socket = connect_to(tls_port_);
    ::send(socket.get(), c.sent.data(), c.sent.size(), MSG_NOSIGNAL);
    ASSERT_TRUE(wait_for([&] { return !refused_.empty(); })) << c.text;
    EXPECT_EQ(refused_[0].text, c.text);
    EXPECT_EQ(refused_[0].code, ticket::kBadRequest);
  }
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 0; }));
}

TEST_F(TlsTest, AHelloThatIsTooLongTheSecondTime) {
  start_tls();
  TlsClient client(connect_to(tls_port_), TLS1_3_VERSION, "ffdhe2048:P-256");
  EXPECT_FALSE(client.connected());  // the first hello is sent
  std::string answer;
  ASSERT_TRUE(wait_for([&] {
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(client.fd(), buffer.data(), buffer.size(), 0);
    if (got > 0) answer.append(buffer.data(), static_cast<size_t>(got));
    return answer.size() > 6;
  }));
  ASSERT_EQ(answer[5], 2) << "a ServerHello that asks for another one";
  const std::string again("\x14\3\3\0\1\1\x16\3\3\x40\0\1\1\xff\xfb\3\3", 17);
  ::send(client.fd(), again.data(), again.size(), MSG_NOSIGNAL);
  ASSERT_TRUE(wait_for([&] { return !refused_.empty(); }));
  EXPECT_EQ(refused_[0].text, "TLS: a ClientHello of more than 16 KiB, or in pieces");
}

TEST_F(TlsTest, HandshakesThatDoNotEndTimeOut) {
  start_tls();
  UniqueFd silent = connect_to(tls_port_);
  TlsClient half(connect_to(tls_port_));
  EXPECT_FALSE(half.connected());
  ASSERT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 2; }));
  loop_.run_once(20);
  advance(Policy().connect_timeout_us + 100'000);
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 0; }));
  ASSERT_EQ(refused_.size(), 2u);
  EXPECT_EQ(refused_[0].text, "no TLS handshake in time");
  EXPECT_EQ(refused_[1].text, "no TLS handshake in time");
  EXPECT_EQ(listener_->counters().timed_out, 2u);
}

TEST_F(TlsTest, RecordsWithoutEndAreCut) {
  start_tls();
  TlsClient client(connect_to(tls_port_));
  ASSERT_TRUE(wait_for([&] { return client.connected(); }));
  // Half an RTMP handshake, then one key update after the other: no byte of RTMP, and a lot of work.
  ASSERT_EQ(client.send("\3", 1), 1);
  EXPECT_TRUE(wait_for(
      [&] {
        for (int i = 0; i < 100 && !client.failed(); ++i) {
          SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
          SSL_do_handshake(client.ssl());
        }
        char byte;
        client.receive(&byte, 1);
        return listener_->counters().unauthenticated == 0;
      },
      kPatienceSeconds));
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_TRUE(refused_[0].text.starts_with("TLS: ")) << refused_[0].text;
}

TEST_F(TlsTest, AReadThatHasToWriteFirstWaitsForThat) {
  start_tls();
  uint16_t port = 0;
  const int small = 4096;
  UniqueFd listening = listen_on_loopback(port);
  ::setsockopt(listening.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);  // its connections' too
  PortSettings settings;
  settings.certificates = &*certificates_;
  settings.relays = &relays_;
  listener_->add(std::move(listening), settings);
  TlsClient client(connect_to(port));
  ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  ASSERT_TRUE(wait_for([&] { return client.connected(); }));
  // Asks again and again for a key update, and reads none of the answers: there is no room for more of them.
  // A byte of an RTMP handshake between keeps the server patient.
  ASSERT_EQ(client.send("\3", 1), 1);
  for (int i = 0; i < 1500; ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
    ASSERT_EQ(client.send("", 1), 1) << i;
    loop_.run_once(0);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  int rounds = 0;
  for (; std::chrono::steady_clock::now() < until; ++rounds) loop_.run_once(50);
  EXPECT_LT(rounds, 100) << "it turns round and round";
  int unread = 0;
  ASSERT_EQ(::ioctl(client.fd(), FIONREAD, &unread), 0);
  EXPECT_GT(unread, 0);
  // There is room again: it goes on where it was.
  EXPECT_TRUE(wait_for([&] {
    char byte;
    client.receive(&byte, 1);
    ::ioctl(client.fd(), SIOCOUTQ, &unread);
    return unread == 0 && listener_->counters().unauthenticated == 1;
  }));
  EXPECT_TRUE(refused_.empty());
}

TEST_F(TlsTest, NewCertificatesAreForNewConnections) {
  start_tls();
  auto publisher = publish();
  EXPECT_EQ(publisher->tls().server_name(), "first");
  write_certificate(folder_.path, "second", kNow - 3600, kNow + 7200);
  ASSERT_TRUE(certificates_->reload().value());
  TlsClient next(connect_to(tls_port_));
  EXPECT_TRUE(wait_for([&] { return next.connected(); }));
  EXPECT_EQ(next.server_name(), "second");
  ASSERT_EQ(publisher->tls().send("still here", 10), 10);
  EXPECT_EQ(as_text(worker_reads(10)), "still here");
}

TEST_F(TlsTest, EverythingArrivesInBothDirections) {
  start_tls();
  for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    auto publisher = publish(version);
    const ByteVector sent = noise(4 << 20);
    ByteVector to_worker, to_publisher;
    size_t from_publisher = 0, from_worker = 0;
    EXPECT_TRUE(wait_for(
        [&] {
          for (int i = 0; i < 50; ++i) {
            std::array<std::byte, 65536> buffer;
            // Pieces of every size up to more than a record.
            const size_t piece = std::min(sent.size() - from_publisher, 1 + from_publisher * 7 % 40000);
            if (piece > 0)
              from_publisher +=
                  std::max<ssize_t>(0, publisher->tls().send(sent.data() + from_publisher, piece));
            const ssize_t put =
                ::send(worker(), sent.data() + from_worker, sent.size() - from_worker, MSG_NOSIGNAL);
            from_worker += std::max<ssize_t>(0, put);
            ssize_t got = ::recv(worker(), buffer.data(), buffer.size(), 0);
            if (got > 0) to_worker.insert(to_worker.end(), buffer.begin(), buffer.begin() + got);
            got = publisher->tls().receive(buffer.data(), buffer.size());
            if (got > 0) to_publisher.insert(to_publisher.end(), buffer.begin(), buffer.begin() + got);
          }
          return to_worker.size() >= sent.size() && to_publisher.size() >= sent.size();
        },
        60));
    EXPECT_TRUE(to_worker == sent);
    EXPECT_TRUE(to_publisher == sent);
    publisher.reset();
    admitted_.clear();
    EXPECT_TRUE(wait_for_relays(0));
  }
}

TEST_F(TlsTest, ASideThatDoesNotReadStopsTheOther) {
  start_tls();
  auto publisher = publish();
  const ByteVector piece = noise(16000);
  // The worker does not read: the publisher can send what the kernel holds, and no more.
  size_t taken = 0;
  auto stuck_since = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_for([&] {
    ssize_t put;
    while ((put = publisher->tls().send(piece.data(), piece.size())) > 0) {
      taken += static_cast<size_t>(put);
      stuck_since = std::chrono::steady_clock::now();
    }
    return std::chrono::steady_clock::now() - stuck_since > std::chrono::milliseconds(500);
  }));
  EXPECT_LT(taken, size_t{64} << 20);
  // Then all of it comes, the piece that had to wait included.
  const size_t whole = taken + piece.size();
  ByteVector read;
  EXPECT_TRUE(wait_for([&] {
    std::array<std::byte, 65536> buffer;
    const ssize_t got = ::recv(worker(), buffer.data(), buffer.size(), 0);
    if (got > 0) read.insert(read.end(), buffer.begin(), buffer.begin() + got);
    if (taken < whole)
      taken += static_cast<size_t>(std::max<ssize_t>(0, publisher->tls().send(piece.data(), piece.size())));
    return read.size() >= whole;
  }));
  EXPECT_EQ(read.size(), whole);
  bool same = true;
  for (size_t at = 0; at < read.size(); ++at) same = same && read[at] == piece[at % piece.size()];
  EXPECT_TRUE(same);
}

TEST_F(TlsTest, ThePublishersEndIsTheWorkersEnd) {
  start_tls();
  auto publisher = publish();
  const ByteVector last = noise(100'000);
  size_t sent = 0;
  EXPECT_TRUE(wait_for([&] {
    sent += static_cast<size_t>(
        std::max<ssize_t>(0, publisher->tls().send(last.data() + sent, last.size() - sent)));
    return sent == last.size();
  }));
  publisher->tls().finish();
  EXPECT_TRUE(worker_reads(last.size() + 1) == last);
  // The other direction is open until the worker closes.
  ASSERT_EQ(::send(worker(), "farewell", 8, MSG_NOSIGNAL), 8);
  EXPECT_EQ(as_text(publisher_reads(*publisher, 8)), "farewell");
  EXPECT_EQ(relays_.connections(), 1u);
  admitted_.clear();
  EXPECT_TRUE(publisher_reads(*publisher, 1).empty());
  EXPECT_TRUE(publisher->tls().peer_finished());
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, TheWorkersEndIsThePublishersEnd) {
  start_tls();
  auto publisher = publish();
  const ByteVector last = noise(3000);
  ASSERT_EQ(::send(worker(), last.data(), last.size(), MSG_NOSIGNAL), static_cast<ssize_t>(last.size()));
  admitted_.clear();  // closed
  EXPECT_TRUE(publisher_reads(*publisher, last.size() + 1) == last);
  EXPECT_TRUE(publisher->tls().peer_finished()) << "close_notify";
  // A publisher that goes on sending and does not close is not waited for long.
  publisher->tls().send("and another thing", 17);
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, AFarewellReachesAPublisherThatStillSends) {
  start_tls();
  auto publisher = publish();
  ASSERT_EQ(::send(worker(), "no more of it", 13, MSG_NOSIGNAL), 13);
  ::shutdown(worker(), SHUT_WR);
  EXPECT_EQ(as_text(publisher_reads(*publisher, 14)), "no more of it");
  // Until the worker closes as well, it gets what comes.
  ASSERT_EQ(publisher->tls().send("media", 5), 5);
  EXPECT_EQ(as_text(worker_reads(5)), "media");
  EXPECT_TRUE(wait_for_relays(0)) << "after the linger";
}

TEST_F(TlsTest, AResetEndsTheSession) {
  start_tls();
  auto publisher = publish();
  ASSERT_EQ(publisher->tls().send("the last", 8), 8);
  EXPECT_EQ(as_text(worker_reads(8)), "the last");
  linger abort{1, 0};
  ::setsockopt(publisher->tls().fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  publisher.reset();
  EXPECT_TRUE(worker_reads(1).empty());
  admitted_.clear();
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, AResetIsNoticedWhileTheWorkerDoesNotRead) {
  start_tls();
  auto publisher = publish();
  const ByteVector piece = noise(16000);
  auto stuck_since = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_for([&] {
    while (publisher->tls().send(piece.data(), piece.size()) > 0)
      stuck_since = std::chrono::steady_clock::now();
    return std::chrono::steady_clock::now() - stuck_since > std::chrono::milliseconds(300);
  }));
  linger abort{1, 0};
  ::setsockopt(publisher->tls().fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  publisher.reset();
  // It does not turn round and round meanwhile.
  timespec before{}, after{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  auto since = std::chrono::steady_clock::now();
  wait_for([&] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(500); });
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const int64_t spent_us =
      (after.tv_sec - before.tv_sec) * 1'000'000 + (after.tv_nsec - before.tv_nsec) / 1000;
  EXPECT_LT(spent_us, 300'000);
  const ByteVector rest = worker_reads(size_t{1} << 40);
  EXPECT_GT(rest.size(), 0u);
  admitted_.clear();
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, AWorkerThatDiesEndsIt) {
  start_tls();
  auto publisher = publish();
  // With something unread in its socket.
  ASSERT_EQ(publisher->tls().send("unread", 6), 6);
  EXPECT_TRUE(wait_for([&] {
    char bytes[6];
    return ::recv(worker(), bytes, sizeof bytes, MSG_PEEK) == 6;
  }));
  admitted_.clear();
  EXPECT_TRUE(publisher_reads(*publisher, 1).empty());
  publisher.reset();
  EXPECT_TRUE(wait_for_relays(0));
}

}  // namespace
}  // namespace headgate::ingest::test
