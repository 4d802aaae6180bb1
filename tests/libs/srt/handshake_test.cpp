// SPDX-License-Identifier: LGPL-2.1-or-later
// Who gets in over SRT, and the exact reject code that everybody else hears.
#include <algorithm>

#include "device_key.h"
#include "srt_support.h"

namespace headgate::srt::test {

using ingest::test::DeviceKey;

namespace {

class Handshake : public Fixture {
 protected:
  void refusal_is_told(int code, std::string_view word) {
    ASSERT_TRUE(wait_for([&] { return !refused_.empty(); }));
    EXPECT_EQ(refused_.back().code, code);
    EXPECT_TRUE(refused_.back().text.starts_with(word)) << refused_.back().text;
    EXPECT_EQ(refused_.back().peer.address, "127.0.0.1");
    refused_.clear();
  }
};

TEST_F(Handshake, ATicketAndItsPassphraseGetIn) {
  start();
  const auto issued = issue();
  Caller caller = Caller::of(port_, issued);
  ASSERT_TRUE(wait_for([&] { return !admitted_.empty(); }));
  EXPECT_TRUE(wait_for([&] { return caller.connected(); }));
  const Admitted& one = admitted_.front();
  EXPECT_EQ(one.ticket.tid, issued.ticket.tid);
  EXPECT_EQ(one.ticket.station, kStation);
  EXPECT_EQ(one.peer.address, "127.0.0.1");
  EXPECT_EQ(one.grant.claim, "first");
  EXPECT_EQ(one.grant.tag, 7u);
  EXPECT_TRUE(one.user_agent.starts_with("SRT/1.")) << one.user_agent;
  EXPECT_FALSE(one.device);
  ASSERT_TRUE(wait_for([&] { return listener_->counters().links == 1; }));
  const Counters counters = listener_->counters();
  EXPECT_EQ(counters.asked, 1u);
  EXPECT_EQ(counters.admitted, 1u);
  EXPECT_EQ(counters.pending, 0u);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(Handshake, TheShortFormGetsIn) {
  start();
  const auto issued = issue();
  Caller caller(port_, "publish:421:" + issued.ticket.wire_text(), passphrase_of(issued));
  EXPECT_TRUE(wait_for([&] { return !admitted_.empty(); }));
}

TEST_F(Handshake, ADeviceProvesItsKey) {
  start();
  ASSERT_TRUE(verifier_->set_endpoints({"gate.example:9000"}));
  const auto issued = issue();
  const DeviceKey phone;
  std::vector<ticket::Claimant> asked;
  may_enter_ = [&](const ticket::Ticket&, const ticket::Claimant& claimant) {
    asked.push_back(claimant);
    return Result<void>();
  };
  decide_ = [&](const ticket::Ticket&, const ticket::Claimant& claimant) {
    asked.push_back(claimant);
    return ingest::Grant{"first", 7};
  };
  auto id = [&](const char* endpoint) {
    return stream_id(issued) + ",lts_d=" + phone.public_text() +
           ",lts_p=" + phone.proof_text(issued.ticket, 5, endpoint);
  };
  Caller caller(port_, id("gate.example:9000"), passphrase_of(issued));
  ASSERT_TRUE(wait_for([&] { return !admitted_.empty(); }));
  ASSERT_TRUE(admitted_.front().device);
  EXPECT_EQ(admitted_.front().device->counter, 5u);
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].device, admitted_.front().device);
  EXPECT_EQ(asked[1].device, admitted_.front().device);
  EXPECT_EQ(code_of(id("gate.example:9001"), passphrase_of(issued)), ticket::kUnauthorized);
  refusal_is_told(ticket::kUnauthorized, "BAD-DEVICE");
}

TEST_F(Handshake, StreamIdsThatAreNone) {
  start();
  const auto issued = issue();
  for (const std::string& id : {std::string(), std::string("mystream"), std::string("#!::m=publish,r=421"),
                                stream_id(issued) + ",m=publish", stream_id(issued) + "=",
                                "#!::m=publish,r=422,u=" + issued.ticket.wire_text()})
    EXPECT_EQ(code_of(id, passphrase_of(issued)), ticket::kBadRequest) << id;
  EXPECT_EQ(code_of("#!::r=421,u=" + issued.ticket.wire_text(), passphrase_of(issued)), ticket::kBadMode);
  refusal_is_told(ticket::kBadMode, "BAD-MODE");
}

// N12
TEST_F(Handshake, WrongAndMissingPassphrases) {
  start();
  const auto issued = issue(), other = issue();
  EXPECT_EQ(code_of(stream_id(issued), passphrase_of(other)), SRT_REJ_BADSECRET);
  refusal_is_told(ticket::kUnauthorized, "BAD-PASSPHRASE");
  EXPECT_EQ(code_of(stream_id(issued), ""), SRT_REJ_UNSECURE);
  refusal_is_told(ticket::kUnauthorized, "BAD-PASSPHRASE");
  EXPECT_EQ(listener_->counters().refused[ticket::kUnauthorized], 2u);
  EXPECT_TRUE(admitted_.empty());
}

// A gate that was held up finds all that a caller has sent meanwhile.
TEST_F(Handshake, WhatACallerRepeatsIsToldOnce) {
  clock_ = &manual_clock_;
  start();
  const auto issued = issue(), other = issue();
  uint16_t from = 0;
  udp_on_loopback(from).reset();
  const auto refuse = [&](uint64_t times) {
    Caller caller(port_, stream_id(issued), passphrase_of(other), "127.0.0.1", from);
    ASSERT_TRUE(wait_for([&] { return caller.over(); }));
    ASSERT_TRUE(wait_for([&] { return listener_->counters().refused[ticket::kUnauthorized] == times; }));
  };
  refuse(1);
  code_of(stream_id(issued), "");
  refuse(3);
  manual_clock_.advance_us(3'000'000);
  refuse(4);
  code_of("no ticket", "");
  ASSERT_TRUE(wait_for([&] { return !refused_.empty() && refused_.back().code == ticket::kBadRequest; }));
  EXPECT_EQ(refused_.size(), 4u);
}

TEST_F(Handshake, TicketsThatAreNotGoodNow) {
  start();
  const int64_t now = clock_->utc_seconds();
  EXPECT_EQ(code_of(keys_.issue(kStation, now + 1000, now + 5000)), ticket::kForbidden);
  refusal_is_told(ticket::kForbidden, "EARLY");
  EXPECT_EQ(code_of(keys_.issue(kStation, now - 5000, now - 1000)), ticket::kForbidden);
  refusal_is_told(ticket::kForbidden, "EXPIRED");
  ingest::test::Keys others(kEvent + 1);
  EXPECT_EQ(code_of(others.issue(kStation, now - 10, now + 1000)), ticket::kForbidden);
  refusal_is_told(ticket::kForbidden, "FOREIGN-EVENT");
  ingest::test::Keys forged;
  EXPECT_EQ(code_of(forged.issue(kStation, now - 10, now + 1000)), ticket::kUnauthorized);
  refusal_is_told(ticket::kUnauthorized, "BAD-SIGNATURE");
}

// N11
TEST_F(Handshake, RevokedTickets) {
  start();
  const auto issued = issue();
  {
    Caller caller = Caller::of(port_, issued);
    EXPECT_TRUE(wait_for([&] { return !admitted_.empty(); }));
  }
  verifier_->set_revoked({issued.ticket.tid});
  EXPECT_EQ(code_of(issued), ticket::kForbidden);
  refusal_is_told(ticket::kForbidden, "REVOKED");
}

TEST_F(Handshake, TheNodesReasonIsHeardInTheHandshake) {
  for (const int code : {ticket::kConflict, ticket::kLocked, ticket::kDown, ticket::kNoStorage}) {
    may_enter_ = [code](const ticket::Ticket&, const ticket::Claimant&) {
      return Result<void>(Unexpected(code, "NODE: reason."));
    };
    if (!listener_) start();
    EXPECT_EQ(code_of(issue()), code);
    refusal_is_told(code, "NODE");
  }
  EXPECT_TRUE(admitted_.empty());
}

// What the passphrase has proved may still meet a lease that somebody else took meanwhile.
TEST_F(Handshake, RefusedAfterwardsIsDisconnected) {
  start();
  decide_ = [](const ticket::Ticket&, const ticket::Claimant&) {
    return Result<ingest::Grant>(Unexpected(ticket::kConflict, "IN-USE: by another."));
  };
  Caller caller = Caller::of(port_, issue());
  ASSERT_TRUE(wait_for([&] { return !refused_.empty(); }));
  refusal_is_told(ticket::kConflict, "IN-USE");
  EXPECT_TRUE(wait_for([&] { return caller.over(); }));
  EXPECT_TRUE(admitted_.empty());
}

TEST_F(Handshake, FailuresExhaustTheSourceAndNoOther) {
  Policy policy;
  policy.failures_per_source = 3;
  start(policy);
  const auto issued = issue();
  EXPECT_EQ(code_of("mystream", ""), ticket::kBadRequest);
  EXPECT_EQ(code_of(stream_id(issued), "not the passphrase"), SRT_REJ_BADSECRET);
  EXPECT_EQ(code_of("mystream", ""), ticket::kBadRequest);
  EXPECT_EQ(code_of(issued), ticket::kOverload);
  EXPECT_EQ(code_of("mystream", ""), ticket::kOverload);
  Caller neighbour = Caller::of(port_, issued, "127.0.7.1");
  EXPECT_TRUE(wait_for([&] { return neighbour.connected(); }));
}

TEST_F(Handshake, AnAddressThatMayNotConnect) {
  forbidden_ = "127.0.8.1";
  start();
  const auto issued = issue();
  EXPECT_EQ(code_of(issued, "127.0.8.1"), ticket::kForbidden);
  ASSERT_TRUE(wait_for([&] { return !refused_.empty(); }));
  EXPECT_TRUE(refused_.back().text.starts_with("ADDRESS")) << refused_.back().text;
  EXPECT_TRUE(refused_.back().ticket_id.empty());
  Caller other = Caller::of(port_, issued);
  EXPECT_TRUE(wait_for([&] { return other.connected(); }));
}

TEST_F(Handshake, ANodesReasonIsNoFailure) {
  Policy policy;
  policy.failures_per_source = 2;
  start(policy);
  may_enter_ = [](const ticket::Ticket&, const ticket::Claimant&) {
    return Result<void>(Unexpected(ticket::kDown, "DOWN: now."));
  };
  for (int i = 0; i < 4; ++i) EXPECT_EQ(code_of(issue()), ticket::kDown);
}

// N14; a longer one is refused by libsrt, on either side.
TEST_F(Handshake, TheLongestStreamId) {
  start();
  const auto issued = issue();
  std::string id = stream_id(issued) + ",acme_fill=";
  id.resize(ticket::kMaxStreamIdSize, 'x');
  Caller caller(port_, id, passphrase_of(issued));
  EXPECT_TRUE(wait_for([&] { return !admitted_.empty(); }));
}

TEST_F(Handshake, AWholeNetworkComesBackAtOnce) {
  start();
  constexpr size_t kCallers = 50;
  std::vector<ticket::Issued> tickets;
  for (size_t i = 0; i < kCallers; ++i) tickets.push_back(issue(static_cast<uint32_t>(1 + i)));
  for (int round = 0; round < 2; ++round) {
    admitted_.clear();
    std::vector<Caller> callers;
    for (const auto& issued : tickets) callers.push_back(Caller::of(port_, issued));
    ASSERT_TRUE(wait_for([&] { return admitted_.size() == kCallers; })) << admitted_.size();
    ASSERT_TRUE(wait_for([&] { return std::ranges::all_of(callers, &Caller::connected); }));
  }
  const Counters counters = listener_->counters();
  EXPECT_EQ(counters.asked, 2 * kCallers);
  RecordProperty("mean_check_us", static_cast<int>(counters.check_us / static_cast<int64_t>(counters.asked)));
  RecordProperty("longest_check_us", static_cast<int>(counters.longest_check_us));
}

}  // namespace
}  // namespace headgate::srt::test
