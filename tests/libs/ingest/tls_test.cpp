// SPDX-License-Identifier: LGPL-2.1-or-later
// RTMPS up to the admission: who gets in, who does not, and what strangers do before.
#include <algorithm>

#include "tls_fixture.h"

namespace headgate::ingest::test {
namespace {

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
  decide_ = [&](const ticket::Ticket&, const ticket::Claimant&) {
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
  Policy policy = unhurried();
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

TEST_F(TlsTest, WhoCostsTooMuchWaitsUnread) {
  Policy policy = unhurried();
  policy.handshakes.network = {1'000'000, 1};  // one handshake at a time, and it is paid off in its own time
  start_tls(policy);
  TlsClient first(connect_to(tls_port_));
  ASSERT_TRUE(wait_for([&] { return first.connected(); }));
  TlsClient second(connect_to(tls_port_)), elsewhere(connect_to(tls_port_, "127.0.9.1"));
  ASSERT_TRUE(wait_for([&] {
    second.connected();
    const Counters now = listener_->counters();
    return elsewhere.connected() && now.handshakes_waiting == 1 && now.handshakes == 0;
  }));
  EXPECT_FALSE(second.connected());
  // Enough time for any machine, less than it may take to `connect`.
  advance(Policy().connect_timeout_us / 2);
  EXPECT_TRUE(wait_for([&] { return second.connected(); }));
  EXPECT_EQ(listener_->counters().handshakes_waiting, 0u);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(TlsTest, WhoWaitsInVainIsTold) {
  Policy policy = unhurried();
  policy.handshakes.all = {0, 1};
  start_tls(policy);
  TlsClient first(connect_to(tls_port_));
  ASSERT_TRUE(wait_for([&] { return first.connected(); }));
  UniqueFd silent = connect_to(tls_port_);
  TlsClient waits(connect_to(tls_port_));
  std::optional<TlsClient> leaves(connect_to(tls_port_));
  ASSERT_TRUE(wait_for([&] {
    waits.connected();
    leaves->connected();
    return listener_->counters().handshakes_waiting == 2;
  }));
  leaves.reset();
  EXPECT_TRUE(wait_for([&] { return listener_->counters().handshakes_waiting == 1; }));
  advance(Policy().connect_timeout_us + 100'000);
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 0; }));
  ASSERT_EQ(refused_.size(), 3u);
  EXPECT_EQ(std::ranges::count(refused_, ticket::kOverload, &Refused::code), 1);
}

TEST_F(TlsTest, AnAdmissionIsPaidFor) {
  Policy policy = unhurried();
  policy.handshakes.all = {0, 1};
  start_tls(policy);
  for (int i = 0; i < 3; ++i) {
    publish();
    admitted_.clear();
  }
  EXPECT_EQ(listener_->counters().admitted, 3u);
}

TEST_F(TlsTest, TheOldestOfTooManyHandshakesIsClosed) {
  Policy policy = unhurried();
  policy.handshakes.most = 2;
  start_tls(policy);
  std::vector<TlsClient> halves;
  for (size_t i = 0; i < 4; ++i) {
    halves.emplace_back(connect_to(tls_port_));
    EXPECT_FALSE(halves.back().connected());  // it has said hello, and reads no answer
    ASSERT_TRUE(wait_for([&] {
      const Counters now = listener_->counters();
      return now.handshakes + now.over_handshakes == i + 1;
    }));
  }
  EXPECT_EQ(listener_->counters().over_handshakes, 2u);
  EXPECT_TRUE(wait_for([&] {
    halves[0].connected();
    halves[1].connected();
    return halves[2].connected() && halves[3].connected();
  }));
  EXPECT_EQ(listener_->counters().unauthenticated, 2u);
  EXPECT_TRUE(refused_.empty()) << "it may have been an honest one";
}

TEST_F(TlsTest, ASlowHandshakeIsNotClosedForThoseOfALargerNetwork) {
  Policy policy = unhurried();
  policy.handshakes.most = 3;
  start_tls(policy);
  std::vector<TlsClient> halves;
  for (size_t i = 0; i < 6; ++i) {
    halves.emplace_back(connect_to(tls_port_, i == 0 ? "127.0.9.1" : "127.0.3.1"));
    EXPECT_FALSE(halves.back().connected());
    ASSERT_TRUE(wait_for([&] {
      const Counters now = listener_->counters();
      return now.handshakes + now.over_handshakes == i + 1;
    }));
  }
  EXPECT_EQ(listener_->counters().over_handshakes, 3u);
  EXPECT_TRUE(wait_for([&] { return halves[0].connected() || halves[0].failed(); }));
  EXPECT_FALSE(halves[0].failed());
  EXPECT_TRUE(wait_for([&] { return listener_->counters().handshakes == 2; })) << "he is through";
}

TEST_F(TlsTest, NothingIsMadeForWhoSaysNothing) {
  start_tls();
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(connect_to(tls_port_));
  ASSERT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == silent.size(); }));
  loop_.run_once(20);
  EXPECT_EQ(listener_->counters().handshakes, 0u);
  ::send(silent[0].get(), "\x16", 1, MSG_NOSIGNAL);
  EXPECT_TRUE(wait_for([&] { return listener_->counters().handshakes == 1; }));
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

}  // namespace
}  // namespace headgate::ingest::test
