// SPDX-License-Identifier: LGPL-2.1-or-later
// Many who only hold connections, and somebody who wants to publish.
#include "publisher.h"

namespace headgate::ingest::test {
namespace {

class CrowdTest : public Fixture {
 protected:
  const int64_t kTimeUs = Policy().undisturbed_us;

  ticket::Issued good_ticket() { return keys_.issue(kStation, kNow - 3600, kNow + 3600); }
  // Somebody who says nothing, and comes again whenever he is closed.
  struct Idler {
    std::string from;
    UniqueFd socket;
  };
  void idle(const std::string& from) { idlers_.push_back({from, connect_to(port_, from.c_str())}); }
  void renew() {
    char byte;
    for (Idler& one : idlers_)
      if (::recv(one.socket.get(), &byte, 1, 0) >= 0 || errno != EAGAIN) {
        one.socket = connect_to(port_, one.from.c_str());
        ++renewed_;
      }
  }
  bool fills_up(size_t most) {
    return wait_for([&] { return listener_->counters().unauthenticated == most; });
  }
  bool is_admitted(Publisher& publisher) {
    return wait_for([&] {
      renew();
      publisher.step();
      return !admitted_.empty();
    });
  }
  static bool is_there(const Publisher& publisher) {
    char byte;
    return ::recv(publisher.socket(), &byte, 1, MSG_PEEK) != 0;
  }
  static Policy small(size_t all, size_t of_network) {
    Policy policy;
    policy.max_unauthenticated = all;
    policy.max_unauthenticated_per_network = of_network;
    return policy;
  }

  std::vector<Idler> idlers_;
  uint64_t renewed_ = 0;
};

TEST_F(CrowdTest, IdlersOfManyNetworksKeepNobodyOut) {
  start(small(20, 5));
  for (int i = 0; i < 20; ++i) idle("127.0." + std::to_string(i % 4) + ".1");
  ASSERT_TRUE(fills_up(20));
  advance(kTimeUs);
  const ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued, "127.0.9.1");
  EXPECT_TRUE(is_admitted(publisher));
  EXPECT_EQ(publisher.connections, 3) << "none of his was closed";
  EXPECT_GE(renewed_, 3u);
  const Counters counters = listener_->counters();
  EXPECT_GE(counters.made_way, 3u);
  EXPECT_EQ(counters.timed_out, 0u);
  EXPECT_LE(counters.unauthenticated, 20u);
  EXPECT_TRUE(refused_.empty()) << "some of them may have been honest";
}

TEST_F(CrowdTest, IdlersWhoComeAnewAllTheTimeDoNotDriveOutWhoIsSlow) {
  start(small(20, 5));
  const ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued, "127.0.9.1");
  ASSERT_TRUE(fills_up(1));
  for (int i = 0; i < 20; ++i) idle("127.0." + std::to_string(i % 4) + ".1");
  ASSERT_TRUE(fills_up(20)) << "one waits";
  for (int64_t us = 0; us < 3'000'000; us += kTimeUs - 100'000) {
    advance(kTimeUs - 100'000);
    const uint64_t accepted = listener_->counters().accepted;
    for (Idler& one : idlers_) one.socket = connect_to(port_, one.from.c_str());
    ASSERT_TRUE(wait_for([&] { return listener_->counters().accepted >= accepted + 20; }));
    ASSERT_TRUE(is_there(publisher));
  }
  advance(kTimeUs);  // for the other two connections of a challenge
  EXPECT_TRUE(is_admitted(publisher));
  EXPECT_EQ(publisher.connections, 3) << "none of his was closed";
}

TEST_F(CrowdTest, IdlersOfOnesOwnNetworkKeepNobodyOut) {
  start(small(100, 5));
  for (int i = 0; i < 5; ++i) idle("127.0.3.1");
  ASSERT_TRUE(fills_up(5));
  advance(kTimeUs);
  const ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued, "127.0.3.2");
  EXPECT_TRUE(is_admitted(publisher));
  EXPECT_EQ(publisher.connections, 3);
  EXPECT_GE(listener_->counters().over_network, 3u);
  EXPECT_EQ(listener_->counters().made_way, 0u);
}

TEST_F(CrowdTest, SmallNetworksNeedNotWait) {
  start(small(20, 20));
  for (int i = 0; i < 19; ++i) idle("127.0.3.1");
  ASSERT_TRUE(fills_up(19));
  for (int i = 0; i < 5; ++i) idle("127.0." + std::to_string(100 + i) + ".1");
  EXPECT_TRUE(wait_for([&] { return listener_->counters().accepted == 24; })) << "though all have just come";
  EXPECT_EQ(listener_->counters().made_way, 5u);
  char byte;
  for (const Idler& one : idlers_) {
    const bool closed = ::recv(one.socket.get(), &byte, 1, 0) == 0;
    EXPECT_EQ(closed, &one - idlers_.data() < 5) << one.from;
  }
}

TEST_F(CrowdTest, WhoHasProvedHisPasswordStays) {
  Policy policy = small(10, 10);
  policy.undisturbed_us = 0;
  start(policy);
  const ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued, "127.0.3.1");
  ASSERT_TRUE(wait_for([&] {
    publisher.step();
    return publisher.phase() == rtmp::Client::Phase::kCreateStream;
  }));
  for (int i = 0; i < 9; ++i) idle("127.0.3.1");  // as one of the network and the source that has most
  ASSERT_TRUE(wait_for([&] {
    renew();
    return listener_->counters().made_way >= 30;
  }));
  EXPECT_TRUE(is_admitted(publisher));
  EXPECT_EQ(publisher.connections, 3);
}

TEST_F(CrowdTest, IdlersWithAllDescriptorsKeepNobodyOut) {
  start();
  for (int i = 0; i < 4; ++i) idle("127.0.3.1");
  ASSERT_TRUE(fills_up(4));
  advance(kTimeUs);
  UniqueFd newcomer = connect_to(port_, "127.0.9.1");
  NoMoreDescriptors none;
  EXPECT_TRUE(wait_for([&] { return listener_->counters().accepted == 5; }));
  EXPECT_EQ(listener_->counters().made_way, 1u);
  EXPECT_EQ(listener_->counters().unauthenticated, 4u);
}

TEST_F(CrowdTest, ProxiesThatDoNotSayWhomTheyCarryKeepNobodyOut) {
  start(small(4, 2));
  AddressFilter proxies(false);
  proxies.replace(*AddressList::of_networks("127.0.7.0/24"));
  PortSettings behind;
  behind.proxies = &proxies;
  uint16_t port = 0;
  listener_->add(listen_on_loopback(port), behind);
  std::vector<UniqueFd> unsaid;
  for (int i = 0; i < 4; ++i) unsaid.push_back(connect_to(port, "127.0.7.1"));
  ASSERT_TRUE(fills_up(4));
  advance(kTimeUs);
  const ticket::Issued issued = good_ticket();
  Publisher publisher = Publisher::of(port_, issued, "127.0.9.1");
  EXPECT_TRUE(is_admitted(publisher));
  EXPECT_EQ(listener_->counters().over_network, 0u) << "nothing is counted against a proxy";
  listener_.reset();  // before what it points to
}

}  // namespace
}  // namespace headgate::ingest::test
