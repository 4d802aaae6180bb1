// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands in front of a port: address lists, and proxies that say whose connection it is.
#include "publisher.h"
#include "socket_address.h"
#include "tls_client.h"

namespace headgate::ingest::test {
namespace {

using namespace std::string_literals;

class FrontTest : public Fixture {
 protected:
  FrontTest() {
    settings_.addresses = &addresses_;
    proxies_.replace(*AddressList::of_networks("127.0.0.1,127.0.7.0/24"));
  }
  void start_front(Policy policy = {}) {
    start(policy);
    listener_->add(listen_on_loopback(front_port_), settings_);
  }
  void deny(const std::string& network) { addresses_.replace(*AddressList::parse("deny " + network)); }
  static std::string line(const std::string& client) {
    return "PROXY TCP4 " + client + " 127.0.0.1 40000 1935\r\n";
  }
  static void send(int socket, const std::string& text) {
    ASSERT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // Whether the listener closes it, without a word.
  bool closed_unread(int socket) {
    return wait_for([&] {
      char byte;
      const ssize_t got = ::recv(socket, &byte, 1, 0);
      EXPECT_LE(got, 0);
      return got == 0 || (got < 0 && errno != EAGAIN);
    });
  }
  // The three connections of a publisher, each behind `header`.
  void publish_behind(const std::string& header) {
    ticket::Issued issued = keys_.issue(kStation, kNow - 3600, kNow + 3600);
    rtmp::PublishTarget target;
    target.app = "lt";
    target.tc_url = "rtmp://127.0.0.1/lt";
    target.stream_key = issued.ticket.wire_text();
    target.user = ticket::rtmp_user(issued.ticket.tid);
    target.password = ticket::rtmp_password(issued.seed);
    rtmp::Client client(target);
    UniqueFd socket;
    bool fresh = true;
    EXPECT_TRUE(wait_for([&] {
      if (std::exchange(fresh, false)) {
        socket = connect_to(front_port_);
        ByteVector first(as_bytes(header).begin(), as_bytes(header).end());
        const ByteVector out = client.take_output();
        first.insert(first.end(), out.begin(), out.end());
        ::send(socket.get(), first.data(), first.size(), MSG_NOSIGNAL);  // header and hello in one packet
      }
      const ByteVector out = client.take_output();
      ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
      std::array<std::byte, 4096> buffer;
      const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (got > 0 && !client.feed(Bytes(buffer).first(static_cast<size_t>(got)))) ADD_FAILURE();
      if (client.phase() == rtmp::Client::Phase::kReconnect) {
        client.restart();
        fresh = true;
      }
      return !admitted_.empty();
    }));
  }

  AddressFilter addresses_{true}, proxies_{false};
  PortSettings settings_;
  uint16_t front_port_ = 0;
};

TEST_F(FrontTest, DeniedAddressesAreClosedUnread) {
  start_front();
  deny("127.0.5.0/24");
  UniqueFd denied = connect_to(front_port_, "127.0.5.9"), allowed = connect_to(front_port_, "127.0.6.9");
  send(denied.get(), std::string(1537, '\3'));
  EXPECT_TRUE(closed_unread(denied.get()));
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 1; }));
  EXPECT_EQ(listener_->counters().denied, 1u);
  EXPECT_TRUE(refused_.empty()) << "nobody is told of each of them";
  // Who is connected stays; the list holds from the next connection on.
  deny("127.0.6.0/24");
  UniqueFd later = connect_to(front_port_, "127.0.6.9");
  EXPECT_TRUE(closed_unread(later.get()));
  EXPECT_EQ(listener_->counters().unauthenticated, 1u);
}

TEST_F(FrontTest, ThePeerIsWhoTheProxyNames) {
  settings_.proxies = &proxies_;
  start_front();
  publish_behind(line("203.0.113.9"));
  ASSERT_EQ(admitted_.size(), 1u);
  EXPECT_EQ(admitted_[0].peer.text, "203.0.113.9:40000");
  EXPECT_EQ(admitted_[0].peer.network, "203.0.113.0/24");
}

TEST_F(FrontTest, BinaryHeadersToo) {
  settings_.proxies = &proxies_;
  start_front();
  publish_behind("\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"s + "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"s +
                 std::string(16, '\1') + "\x9c\x40\7\x8f"s);
  ASSERT_EQ(admitted_.size(), 1u);
  EXPECT_EQ(admitted_[0].peer.text, "[2001:db8::7]:40000");
}

TEST_F(FrontTest, AProxysOwnConnectionIsItsOwn) {
  settings_.proxies = &proxies_;
  start_front();
  publish_behind("\r\n\r\n\0\r\nQUIT\n\x20\0\0\3abc"s);
  ASSERT_EQ(admitted_.size(), 1u);
  EXPECT_EQ(admitted_[0].peer.address, "127.0.0.1");
}

TEST_F(FrontTest, AHeaderInPieces) {
  settings_.proxies = &proxies_;
  start_front();
  UniqueFd socket = connect_to(front_port_);
  for (char c : line("203.0.113.9")) {
    send(socket.get(), std::string(1, c));
    loop_.run_once(1);
  }
  send(socket.get(), "GET");
  EXPECT_TRUE(wait_for([&] { return !refused_.empty(); }));
  EXPECT_NE(refused_[0].text.find("version 71"), std::string::npos) << refused_[0].text;
  EXPECT_EQ(refused_[0].peer.address, "203.0.113.9");
}

TEST_F(FrontTest, WithoutAHeaderNobodyIsLetIn) {
  settings_.proxies = &proxies_;
  start_front();
  UniqueFd plain = connect_to(front_port_);
  send(plain.get(), std::string(1537, '\3'));
  EXPECT_TRUE(wait_for([&] { return refused_.size() == 1; }));
  EXPECT_EQ(refused_[0].text, "no PROXY header");
  EXPECT_TRUE(closed_unread(plain.get()));
  UniqueFd silent = connect_to(front_port_);
  send(silent.get(), "PROXY TCP4 ");
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 1; }));
  loop_.run_once(20);
  advance(Policy().connect_timeout_us + 100'000);
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 0; }));
  EXPECT_EQ(refused_.back().text, "no PROXY header in time");
  UniqueFd gone = connect_to(front_port_);
  send(gone.get(), "PROXY TCP4 ");
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 1; }));
  gone.reset();
  EXPECT_TRUE(wait_for([&] { return listener_->counters().gone == 1; }));
}

TEST_F(FrontTest, OnlyProxiesMaySayWhoComes) {
  settings_.proxies = &proxies_;
  start_front();
  UniqueFd stranger = connect_to(front_port_, "127.0.8.1");
  send(stranger.get(), line("203.0.113.9"));
  EXPECT_TRUE(closed_unread(stranger.get()));
  EXPECT_EQ(listener_->counters().denied, 1u);
  UniqueFd proxy = connect_to(front_port_, "127.0.7.44");
  send(proxy.get(), line("203.0.113.9"));
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 1; }));
  // And a port that expects no header takes it for what it is there: garbage.
  UniqueFd other = connect_to(port_);
  send(other.get(), line("203.0.113.9"));
  EXPECT_TRUE(wait_for([&] { return !refused_.empty(); }));
  EXPECT_NE(refused_[0].text.find("version 80"), std::string::npos) << refused_[0].text;
}

TEST_F(FrontTest, TheListIsAboutClientsNotTheirProxy) {
  settings_.proxies = &proxies_;
  start_front();
  addresses_.replace(*AddressList::parse("deny all\nallow 203.0.113.0/24"));
  UniqueFd allowed = connect_to(front_port_), denied = connect_to(front_port_);
  send(allowed.get(), line("203.0.113.9"));
  send(denied.get(), line("203.0.114.9"));
  EXPECT_TRUE(closed_unread(denied.get()));
  EXPECT_EQ(listener_->counters().denied, 1u);
  EXPECT_EQ(listener_->counters().unauthenticated, 1u);
}

TEST_F(FrontTest, WhomTheProxyDoesNotKnowTheListHasToAllow) {
  settings_.proxies = &proxies_;
  start_front();
  addresses_.replace(*AddressList::parse("deny all\nallow 127.0.7.0/24"));
  const std::string front = "\r\n\r\n\0\r\nQUIT\n"s;
  uint64_t denied = 0;
  for (const std::string& header :
       {"PROXY UNKNOWN\r\n"s, front + "\x21\0\0\0"s, front + "\x21\x31\0\xd8"s + std::string(216, 'u')}) {
    UniqueFd unknown = connect_to(front_port_);
    send(unknown.get(), header);
    EXPECT_TRUE(closed_unread(unknown.get()));
    EXPECT_EQ(listener_->counters().denied, ++denied);
    UniqueFd allowed = connect_to(front_port_, "127.0.7.44");
    send(allowed.get(), header + "GET");
    const size_t before = refused_.size();
    EXPECT_TRUE(wait_for([&] { return refused_.size() > before; }));
  }
  // The proxy itself, which only looks.
  UniqueFd local = connect_to(front_port_);
  send(local.get(), front + "\x20\0\0\0"s + "GET");
  EXPECT_TRUE(wait_for([&] { return refused_.size() == 4; }));
  EXPECT_EQ(listener_->counters().denied, denied);
}

TEST_F(FrontTest, LimitsAreTheClientsOwn) {
  settings_.proxies = &proxies_;
  Policy policy;
  policy.max_unauthenticated_per_network = 2;
  policy.failures_per_source = 1;
  start_front(policy);
  std::vector<UniqueFd> sockets;
  auto come = [&](const std::string& client) {
    sockets.push_back(connect_to(front_port_));
    if (!client.empty()) send(sockets.back().get(), line(client));
    for (int i = 0; i < 5; ++i) loop_.run_once(2);
    return listener_->counters().unauthenticated;
  };
  for (int i = 0; i < 4; ++i) come("");  // not said yet: nobody's
  EXPECT_EQ(listener_->counters().unauthenticated, 4u);
  EXPECT_EQ(come("203.0.113.1"), 5u);
  EXPECT_EQ(come("203.0.113.2"), 6u);
  EXPECT_EQ(come("203.0.113.3"), 6u);
  EXPECT_EQ(listener_->counters().over_network, 1u);
  EXPECT_EQ(come("203.0.114.3"), 7u);
  sockets.clear();
  EXPECT_TRUE(wait_for([&] { return listener_->counters().unauthenticated == 0; }));
  EXPECT_EQ(come("203.0.113.4"), 1u) << "places are given back";
}

TEST_F(FrontTest, TlsComesBehindTheHeader) {
  TemporaryFolder folder;
  CertificateFiles files = write_certificate(folder.path, "behind", kNow - 60, kNow + 60);
  Certificates certificates(*clock_, files.certificate, files.key);
  ASSERT_TRUE(certificates.load());
  Relays relays;
  settings_.proxies = &proxies_;
  settings_.certificates = &certificates;
  settings_.relays = &relays;
  start_front();
  UniqueFd socket = connect_to(front_port_);
  send(socket.get(), line("203.0.113.9"));
  TlsClient client(std::move(socket));
  EXPECT_TRUE(wait_for([&] { return client.connected(); }));
  EXPECT_EQ(client.server_name(), "behind");
  ASSERT_EQ(client.send("GET", 3), 3);
  EXPECT_TRUE(wait_for([&] { return !refused_.empty(); }));
  EXPECT_EQ(refused_[0].peer.address, "203.0.113.9");
  EXPECT_NE(refused_[0].text.find("version 71"), std::string::npos) << refused_[0].text;
  listener_.reset();  // before what it points to
}

}  // namespace
}  // namespace headgate::ingest::test
