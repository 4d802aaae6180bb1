// SPDX-License-Identifier: LGPL-2.1-or-later
// An app's own form over RTMPS: no secret is sent, and the device proves a key of its own.
#include <ticket/lease.h>
#include <ticket/publish_name.h>

#include "device_key.h"
#include "publisher.h"
#include "tls_fixture.h"

namespace headgate::ingest::test {
namespace {

constexpr char kEndpoint[] = "gate.example:443";

class AppTest : public TlsTest {
 protected:
  void start_app() {
    start_tls();
    ASSERT_TRUE(verifier_->set_endpoints({"gate.example:1935", kEndpoint}));
    decide_ = [this](const ticket::Ticket& ticket, const ticket::Claimant& claimant) -> Result<Grant> {
      auto lease = leases_.claim(ticket, claimant, clock_->mono_us());
      if (!lease) return Unexpected(lease.error());
      return Grant{ticket::name_of(lease->kind), lease->epoch};
    };
  }
  std::string name(uint64_t counter, const std::string& endpoint = kEndpoint, uint32_t station = kStation) {
    const std::string proof = phone_.proof_text(issued_.ticket, counter, endpoint);
    const auto mac = ticket::possession_mac(issued_.seed, issued_.ticket,
                                            *ticket::parse_device_proof(phone_.public_text(), proof));
    return std::to_string(station) + "?t=" + issued_.ticket.wire_text() + "&d=" + phone_.public_text() +
           "&p=" + proof + "&m=" + to_base64url(mac);
  }
  std::string refused_with(const std::string& publish_name) {
    TlsPublisher publisher(tls_port_, target(publish_name));
    return refusal_of(publisher);
  }
  std::string admitted_as(const std::string& publish_name) {
    TlsPublisher publisher(tls_port_, target(publish_name));
    EXPECT_TRUE(wait_for([&] {
      publisher.step();
      return !admitted_.empty();
    }));
    if (admitted_.empty()) return "";
    const Admitted one = std::move(admitted_.front());
    admitted_.clear();
    EXPECT_EQ(one.ticket.tid, issued_.ticket.tid);
    EXPECT_TRUE(one.device && one.device->key == phone_.public_key());
    return one.grant.claim;
  }

  const ticket::Issued issued_ = ticket(0);  // of no flag
  const DeviceKey phone_;
  ticket::LeaseTable leases_;
};

TEST_F(AppTest, GetsInAndComesBack) {
  start_app();
  EXPECT_EQ(admitted_as(name(5)), "first");
  EXPECT_EQ(admitted_as(name(6, "gate.example:1935")), "resume");
  EXPECT_NE(refused_with(name(6)).find("1401 REPLAY"), std::string::npos);
  EXPECT_NE(refused_with(name(5)).find("1401 REPLAY"), std::string::npos);
  EXPECT_EQ(admitted_as(name(7)), "resume");
}

TEST_F(AppTest, WhatIsNotProvedIsRefused) {
  start_app();
  EXPECT_NE(refused_with(name(5, "other.example:443")).find("1401 BAD-DEVICE"), std::string::npos);
  EXPECT_NE(refused_with(name(5, kEndpoint, kStation + 1)).find("1400 WRONG-STATION"), std::string::npos);
  std::string wrong_mac = name(5);
  wrong_mac.replace(wrong_mac.size() - 22, 22, 22, 'A');
  EXPECT_NE(refused_with(wrong_mac).find("1401 m= is not made with"), std::string::npos);
  EXPECT_NE(refused_with(name(5).substr(0, 200)).find("1400 MALFORMED"), std::string::npos);
  // Neither is the secret sent, nor may it be.
  EXPECT_NE(refused_with(bearer(issued_)).find("1403 this ticket's secret may not be sent"),
            std::string::npos);
}

TEST_F(AppTest, NotInTheOpen) {
  start_app();
  const ticket::Issued plain = ticket(ticket::kFlagChallengePlain);
  Publisher publisher(port_, ticket::rtmp_user(plain.ticket.tid), ticket::rtmp_password(plain.seed), name(5));
  ASSERT_TRUE(wait_for([&] {
    publisher.step();
    return publisher.phase() == Client::Phase::kRefused;
  }));
  ASSERT_FALSE(refused_.empty());
  EXPECT_EQ(refused_.back().code, ticket::kBadRequest);
}

TEST_F(AppTest, ANodeThatDoesNotKnowItsNameTakesTheTicketAlone) {
  start_app();
  ASSERT_TRUE(verifier_->set_endpoints({}));
  TlsPublisher publisher(tls_port_, target(name(5, "other.example:443")));
  ASSERT_TRUE(wait_for([&] {
    publisher.step();
    return !admitted_.empty();
  }));
  EXPECT_FALSE(admitted_[0].device);
}

}  // namespace
}  // namespace headgate::ingest::test
