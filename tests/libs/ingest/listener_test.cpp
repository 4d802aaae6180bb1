// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ingest/failure_budget.h>

#include "publisher.h"

namespace headgate::ingest::test {
namespace {

using rtmp::Client;

class ListenerTest : public Fixture {
 protected:
  ticket::Issued good_ticket() { return keys_.issue(kStation, kNow - 3600, kNow + 3600); }
  // Until the publisher is refused; the text it saw.
  std::string refusal_of(Publisher& publisher) {
    EXPECT_TRUE(wait_for([&] {
      publisher.step();
      return publisher.refused();
    }));
    EXPECT_TRUE(admitted_.empty());
    return publisher.refusal().code + " " + publisher.refusal().text;
  }
  bool wait_until_empty() {
    return wait_for([&] { return listener_->counters().unauthenticated == 0; });
  }
};

TEST_F(ListenerTest, AdmitsAndHandsOverUnanswered) {
  start();
  ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued);
  ASSERT_TRUE(wait_for([&] {
    publisher.step();
    return !admitted_.empty();
  }));
  EXPECT_EQ(publisher.connections, 3);
  Admitted& one = admitted_[0];
  EXPECT_EQ(one.ticket.wire, issued.ticket.wire);
  EXPECT_EQ(one.peer.address, "127.0.0.1");
  EXPECT_EQ(one.grant.claim, "first");
  EXPECT_EQ(one.grant.tag, 7u);
  EXPECT_EQ(publisher.phase(), Client::Phase::kPublish);
  EXPECT_TRUE(refused_.empty());

  auto server = rtmp::Server::restore(one.state);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(server->publish_request().name, issued.ticket.wire_text());
  server->accept_publish();
  ByteVector out = server->take_output();
  ASSERT_EQ(::send(one.socket.get(), out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
  EXPECT_TRUE(wait_for([&] {
    publisher.step();
    return publisher.phase() == Client::Phase::kPublishing;
  }));
  EXPECT_TRUE(wait_until_empty());
  Counters counters = listener_->counters();
  EXPECT_EQ(counters.accepted, 3u);
  EXPECT_EQ(counters.challenged, 2u);
  EXPECT_EQ(counters.admitted, 1u);
  EXPECT_TRUE(counters.refused.empty());
}

TEST_F(ListenerTest, WithoutPasswordTheTextSaysWhatToDo) {
  start();
  Publisher publisher(port_, "", "", good_ticket().ticket.wire_text());
  std::string text = refusal_of(publisher);
  EXPECT_NE(text.find("NetConnection.Connect.Rejected"), std::string::npos) << text;
  EXPECT_NE(text.find("needs user and password"), std::string::npos) << text;
  EXPECT_NE(text.find("@HOST/lt/KEY"), std::string::npos) << text;
}

TEST_F(ListenerTest, WrongPassword) {
  start();
  ticket::Issued issued = good_ticket();
  Publisher publisher(port_, ticket::rtmp_user(issued.ticket.tid), "AAAAAAAAAAAAAAAAAAAAAAAAAA",
                      issued.ticket.wire_text());
  EXPECT_NE(refusal_of(publisher).find("?reason=authfailed&detail=wrong-password"), std::string::npos);
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].code, ticket::kUnauthorized);
  EXPECT_NE(refused_[0].text.find("made with other keys than are here"), std::string::npos)
      << refused_[0].text;
}

TEST_F(ListenerTest, UserThatIsNoTicket) {
  start();
  Publisher publisher(port_, "somebody", "secret", good_ticket().ticket.wire_text());
  EXPECT_NE(refusal_of(publisher).find("?reason=nosuchuser"), std::string::npos);
}

TEST_F(ListenerTest, UserOfAnotherTicket) {
  start();
  ticket::Issued mine = good_ticket(), other = good_ticket();
  Publisher publisher(port_, ticket::rtmp_user(mine.ticket.tid), ticket::rtmp_password(mine.seed),
                      other.ticket.wire_text());
  EXPECT_EQ(refusal_of(publisher),
            "NetStream.Publish.BadName 1401 user and key are of two different tickets");
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].ticket_id, to_hex(other.ticket.tid));
  EXPECT_EQ(refused_[0].station, kStation);
}

TEST_F(ListenerTest, TicketsThatAreNotGood) {
  start();
  struct Case {
    ticket::Issued issued;
    int code;
  };
  Keys foreign(kEvent + 1), other_issuer(kEvent);
  auto broken = good_ticket();
  for (const Case& c : {Case{keys_.issue(kStation, kNow - 7200, kNow - 3600), ticket::kForbidden},
                        Case{keys_.issue(kStation, kNow + 3600, kNow + 7200), ticket::kForbidden},
                        Case{keys_.issue(kStation, kNow - 3600, kNow + 3600, 0), ticket::kForbidden}}) {
    refused_.clear();
    Publisher publisher = Publisher::of(port_, c.issued);
    std::string text = refusal_of(publisher);
    EXPECT_NE(text.find("NetStream.Publish.BadName " + std::to_string(c.code)), std::string::npos) << text;
    ASSERT_EQ(refused_.size(), 1u);
    EXPECT_EQ(refused_[0].code, c.code);
  }
  // Another event's and another issuer's tickets: their passwords do not fit the user name here.
  for (Keys* keys : {&foreign, &other_issuer}) {
    refused_.clear();
    ticket::Issued issued = keys->issue(kStation, kNow - 3600, kNow + 3600);
    Publisher publisher = Publisher::of(port_, issued);
    EXPECT_NE(refusal_of(publisher).find("authfailed"), std::string::npos);
    // And with a password that fits.
    ticket::Issued mine = good_ticket();
    Publisher mixed(port_, ticket::rtmp_user(mine.ticket.tid), ticket::rtmp_password(mine.seed),
                    issued.ticket.wire_text());
    EXPECT_NE(refusal_of(mixed).find("NetStream.Publish.BadName 140"), std::string::npos);
  }
}

TEST_F(ListenerTest, SecretInTheKeyIsRefusedOnPlainRtmp) {
  start();
  ticket::Issued issued = good_ticket();
  Publisher publisher(port_, ticket::rtmp_user(issued.ticket.tid), ticket::rtmp_password(issued.seed),
                      issued.ticket.wire_text() + "." + to_base64url(issued.seed));
  EXPECT_NE(refusal_of(publisher).find("BadName 1400 the key has the secret in it"), std::string::npos);
  Publisher bearer(port_, "", "", issued.ticket.wire_text() + "." + to_base64url(issued.seed));
  EXPECT_NE(refusal_of(bearer).find("needs user and password"), std::string::npos);
}

TEST_F(ListenerTest, KeyMayHaveAPathAndAQuery) {
  start();
  ticket::Issued issued = good_ticket();
  Publisher publisher(port_, ticket::rtmp_user(issued.ticket.tid), ticket::rtmp_password(issued.seed),
                      "inst/" + issued.ticket.wire_text() + "?x=1");
  EXPECT_TRUE(wait_for([&] {
    publisher.step();
    return !admitted_.empty();
  }));
}

TEST_F(ListenerTest, TheHookRefuses) {
  decide_ = [](const ticket::Ticket&, const ticket::Claimant&) -> Result<Grant> {
    return Unexpected(ticket::kNoStorage, "NO-STORAGE: the disk is full");
  };
  start();
  ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued);
  EXPECT_EQ(refusal_of(publisher), "NetStream.Publish.BadName 1507 NO-STORAGE: the disk is full");
  EXPECT_EQ(listener_->counters().refused.at(1507), 1u);
  // The node's troubles are not the publisher's failures.
  for (int i = 0; i < 3; ++i) {
    Publisher again = Publisher::of(port_, issued);
    EXPECT_NE(refusal_of(again).find("1507"), std::string::npos);
  }
}

TEST_F(ListenerTest, CapturedResponseDoesNotPassASecondTime) {
  start();
  ticket::Issued issued = good_ticket();
  std::string user = ticket::rtmp_user(issued.ticket.tid);
  auto connect_with = [&](const std::string& query) {  // returns the description
    UniqueFd socket = connect_to(port_);
    ByteVector out(1 + 2 * rtmp::kHandshakeBlock);
    out[0] = std::byte{3};
    ByteVector amf;
    rtmp::AmfWriter(amf).string("connect").number(1).begin_object().key("app").string("lt?" + query).end();
    rtmp::ChunkWriter().write(out, 3, {.type = rtmp::kCommandAmf0}, amf);
    ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
    std::string received;
    EXPECT_TRUE(wait_for([&] {
      std::array<char, 4096> buffer;
      ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (got > 0) received.append(buffer.data(), static_cast<size_t>(got));
      return got == 0 || received.find("Connect.Success") != std::string::npos;
    }));
    // A description is longer than one chunk of 128 bytes: take out the headers of the others.
    std::string text;
    for (char c : received)
      if (c != '\xc3') text += c;
    return text;
  };
  auto value = [](const std::string& text, const std::string& key, size_t size) {
    size_t at = text.find(key + "=");
    return at == std::string::npos ? "" : text.substr(at + key.size() + 1, size);
  };
  std::string challenge = connect_with("authmod=adobe&user=" + user);
  std::string salt = value(challenge, "salt", 8), opaque = value(challenge, "opaque", 32);
  std::string response =
      rtmp::adobe_response(user, salt, ticket::rtmp_password(issued.seed), opaque, "MTIzNA==");
  std::string query =
      "authmod=adobe&user=" + user + "&challenge=MTIzNA==&response=" + response + "&opaque=" + opaque;
  EXPECT_NE(connect_with(query).find("NetConnection.Connect.Success"), std::string::npos);
  EXPECT_NE(connect_with(query).find("detail=challenge-used-before"), std::string::npos);
}

TEST_F(ListenerTest, SilentPeersTimeOut) {
  start();
  UniqueFd silent = connect_to(port_);
  ASSERT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 1; }));
  advance(Policy().connect_timeout_us - 100'000);
  loop_.run_once(200);
  loop_.run_once(200);
  EXPECT_EQ(listener_->counters().unauthenticated, 1u);
  advance(200'000);
  EXPECT_TRUE(wait_until_empty());
  EXPECT_EQ(listener_->counters().timed_out, 1u);
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].text, "no connect in time");
}

TEST_F(ListenerTest, PeersThatNeverPublishTimeOut) {
  decide_ = [](const ticket::Ticket&, const ticket::Claimant&) -> Result<Grant> { return Grant{}; };
  start();
  ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued);
  ASSERT_TRUE(wait_for([&] {
    publisher.step();
    return publisher.phase() == Client::Phase::kCreateStream;
  }));
  // Connected and authenticated; now it says no more.
  advance(Policy().connect_timeout_us + 100'000);
  loop_.run_once(200);
  loop_.run_once(200);
  EXPECT_EQ(listener_->counters().timed_out, 0u);
  advance(Policy().publish_timeout_us - Policy().connect_timeout_us);
  EXPECT_TRUE(wait_until_empty());
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].text, "no publish in time");
}

TEST_F(ListenerTest, SlowPeersTimeOutToo) {
  start();
  UniqueFd slow = connect_to(port_);
  for (int64_t i = 0; i < Policy().connect_timeout_us / 100'000 + 1; ++i) {
    ::send(slow.get(), "\x03", 1, MSG_NOSIGNAL);
    advance(100'000);
    loop_.run_once(0);
  }
  EXPECT_TRUE(wait_until_empty());
  EXPECT_EQ(listener_->counters().timed_out, 1u);
}

TEST_F(ListenerTest, RefusedPeersThatStayAreClosedAfterTheLinger) {
  start();
  UniqueFd socket = connect_to(port_);
  ByteVector out(1 + 2 * rtmp::kHandshakeBlock);
  out[0] = std::byte{3};
  ByteVector amf;
  rtmp::AmfWriter(amf).string("connect").number(1).begin_object().key("app").string("lt").end();
  rtmp::ChunkWriter().write(out, 3, {.type = rtmp::kCommandAmf0}, amf);
  ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
  std::string received;
  ASSERT_TRUE(wait_for([&] {  // everything arrives, then the end of the stream
    std::array<char, 4096> buffer;
    ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) received.append(buffer.data(), static_cast<size_t>(got));
    return got == 0;
  }));
  EXPECT_NE(received.find("needs user and password"), std::string::npos);
  EXPECT_EQ(listener_->counters().unauthenticated, 1u);
  advance(1'100'000);
  EXPECT_TRUE(wait_until_empty());
  EXPECT_EQ(listener_->counters().timed_out, 0u);
}

TEST_F(ListenerTest, GarbageIsClosedAndCounted) {
  start();
  UniqueFd socket = connect_to(port_);
  ::send(socket.get(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
  EXPECT_TRUE(wait_for([&] { return !refused_.empty(); }));
  EXPECT_EQ(refused_[0].code, ticket::kBadRequest);
  EXPECT_NE(refused_[0].text.find("version 71"), std::string::npos) << refused_[0].text;
  EXPECT_TRUE(wait_until_empty());
}

TEST_F(ListenerTest, PeersThatLeaveAreForgottenQuietly) {
  start();
  { UniqueFd probe = connect_to(port_); }
  EXPECT_TRUE(wait_for([&] { return listener_->counters().gone == 1; }));
  EXPECT_TRUE(refused_.empty());
}

TEST_F(ListenerTest, FailuresExhaustTheBudgetOfASource) {
  Policy policy;
  policy.failures_per_source = 3;
  policy.failures_per_network = 100;
  start(policy);
  ticket::Issued issued = good_ticket();
  for (int i = 0; i < 3; ++i) {
    Publisher wrong(port_, ticket::rtmp_user(issued.ticket.tid), "WRONG", issued.ticket.wire_text());
    EXPECT_NE(refusal_of(wrong).find("wrong-password"), std::string::npos);
  }
  Publisher right = Publisher::of(port_, issued);
  EXPECT_NE(refusal_of(right).find("1402 too many failed attempts"), std::string::npos);
  EXPECT_EQ(refused_.back().code, ticket::kOverload);
  // Not from elsewhere, and not for ever.
  Publisher elsewhere = Publisher::of(port_, issued, "127.0.0.9");
  EXPECT_TRUE(wait_for([&] {
    elsewhere.step();
    return admitted_.size() == 1;
  }));
  advance(61'000'000);
  Publisher later = Publisher::of(port_, issued);
  EXPECT_TRUE(wait_for([&] {
    later.step();
    return admitted_.size() == 2;
  }));
}

TEST_F(ListenerTest, AFloodOfFailuresIsNotEvenRead) {
  Policy policy;
  policy.failures_per_source = 2;
  start(policy);
  auto garbage = [&](const char* from) {
    UniqueFd socket = connect_to(port_, from);
    ::send(socket.get(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    const uint64_t accepted = listener_->counters().accepted;
    EXPECT_TRUE(wait_for([&] {
      return listener_->counters().accepted > accepted && listener_->counters().unauthenticated == 0;
    }));
  };
  for (unsigned i = 0; i < 2 * FailureBudget::kFloodFactor; ++i) garbage("127.0.0.2");
  EXPECT_EQ(refused_.size(), 2 * FailureBudget::kFloodFactor);
  EXPECT_EQ(listener_->counters().flooded, 0u);
  garbage("127.0.0.2");
  EXPECT_EQ(listener_->counters().flooded, 1u);
  EXPECT_EQ(refused_.size(), 2 * FailureBudget::kFloodFactor) << "nor told of";
  garbage("127.0.0.3");
  EXPECT_EQ(listener_->counters().flooded, 1u);
  advance(61'000'000);
  garbage("127.0.0.2");
  EXPECT_EQ(listener_->counters().flooded, 1u);
}

TEST_F(ListenerTest, FailuresExhaustTheBudgetOfANetwork) {
  Policy policy;
  policy.failures_per_source = 2;
  policy.failures_per_network = 4;
  start(policy);
  ticket::Issued issued = good_ticket();
  for (const char* from : {"127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"}) {
    Publisher wrong(port_, ticket::rtmp_user(issued.ticket.tid), "WRONG", issued.ticket.wire_text(), from);
    EXPECT_NE(refusal_of(wrong).find("wrong-password"), std::string::npos);
  }
  Publisher neighbour = Publisher::of(port_, issued, "127.0.0.77");
  EXPECT_NE(refusal_of(neighbour).find("1402"), std::string::npos);
  Publisher elsewhere = Publisher::of(port_, issued, "127.0.1.1");
  EXPECT_TRUE(wait_for([&] {
    elsewhere.step();
    return admitted_.size() == 1;
  }));
}

TEST_F(ListenerTest, ConnectionsOfANetworkAreLimited) {
  Policy policy;
  policy.max_unauthenticated_per_network = 4;
  start(policy);
  std::vector<UniqueFd> sockets;
  for (int i = 0; i < 6; ++i) sockets.push_back(connect_to(port_, "127.0.0.5"));
  ASSERT_TRUE(wait_for([&] { return listener_->counters().accepted == 6; }));
  EXPECT_EQ(listener_->counters().unauthenticated, 4u);
  EXPECT_EQ(listener_->counters().over_network, 2u);
  char byte;
  EXPECT_TRUE(wait_for([&] { return ::recv(sockets[5].get(), &byte, 1, 0) == 0; }));
  sockets.push_back(connect_to(port_, "127.0.3.5"));
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 5; }));
  sockets.erase(sockets.begin());
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 4; }));
  sockets.push_back(connect_to(port_, "127.0.0.6"));
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 5; }));
}

TEST_F(ListenerTest, BeyondTheProcessLimitNewOnesWait) {
  Policy policy;
  policy.max_unauthenticated = 3;
  start(policy);
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(connect_to(port_, "127.0.0.5"));
  ASSERT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 3; }));
  ticket::Issued issued = good_ticket();
  Publisher waiting = Publisher::of(port_, issued);
  for (int i = 0; i < 10; ++i) {
    waiting.step();
    loop_.run_once(5);
  }
  EXPECT_EQ(listener_->counters().accepted, 3u);
  silent.pop_back();
  EXPECT_TRUE(wait_for([&] {
    waiting.step();
    return !admitted_.empty();
  }));
}

TEST_F(ListenerTest, ManyAtOnceAndGone) {
  start();
  ticket::Issued issued = good_ticket();
  std::vector<std::unique_ptr<Publisher>> publishers;
  for (int i = 0; i < 50; ++i) publishers.emplace_back(new Publisher(Publisher::of(port_, issued)));
  EXPECT_TRUE(wait_for([&] {
    for (auto& one : publishers) one->step();
    return admitted_.size() == 50;
  }));
  EXPECT_TRUE(wait_until_empty());
  listener_.reset();  // the admitted sockets are no longer its own
  char byte;
  EXPECT_EQ(::recv(admitted_[0].socket.get(), &byte, 1, MSG_DONTWAIT), -1);
}

TEST(Peers, Forms) {
  auto peer_of = [](const char* address, int family) {
    sockaddr_storage storage{};
    if (family == AF_INET) {
      auto* in = reinterpret_cast<sockaddr_in*>(&storage);
      in->sin_family = AF_INET;
      in->sin_port = htons(40123);
      ::inet_pton(AF_INET, address, &in->sin_addr);
    } else {
      auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
      in6->sin6_family = AF_INET6;
      in6->sin6_port = htons(40123);
      ::inet_pton(AF_INET6, address, &in6->sin6_addr);
    }
    return make_peer(storage);
  };
  Peer peer = peer_of("192.0.2.7", AF_INET);
  EXPECT_EQ(peer.text, "192.0.2.7:40123");
  EXPECT_EQ(peer.address, "192.0.2.7");
  EXPECT_EQ(peer.source, "192.0.2.7");
  EXPECT_EQ(peer.network, "192.0.2.0/24");
  peer = peer_of("::ffff:192.0.2.7", AF_INET6);
  EXPECT_EQ(peer.text, "192.0.2.7:40123");
  EXPECT_EQ(peer.network, "192.0.2.0/24");
  peer = peer_of("2001:db8:1:2:3:4:5:6", AF_INET6);
  EXPECT_EQ(peer.text, "[2001:db8:1:2:3:4:5:6]:40123");
  EXPECT_EQ(peer.source, "2001:db8:1:2::/64");
  EXPECT_EQ(peer.network, "2001:db8:1::/48");
}

}  // namespace
}  // namespace headgate::ingest::test
