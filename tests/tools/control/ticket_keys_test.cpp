// SPDX-License-Identifier: LGPL-2.1-or-later
// Tickets are checked with the keys that the node has now.
#include <base/encoding.h>
#include <common/log.h>
#include <control/ticket_keys.h>
#include <gtest/gtest.h>
#include <ticket/issuer.h>
#include <ticket/keys.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::control {
namespace {

constexpr int64_t kNow = 1'789'400'000;

class TicketKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/hg-keys-XXXXXX";
    folder_ = ::mkdtemp(path);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void add(uint8_t kid, uint32_t event = 77) {
    ASSERT_TRUE(ticket::create_keys(folder_, {.event = event, .kid = kid, .fleet = kid}));
  }
  std::string ticket_of(uint8_t kid) {
    auto keys = ticket::load_issuer_keys(folder_, kid, false);
    EXPECT_TRUE(keys);
    ticket::IssueRequest request;
    request.tid = ticket::new_ticket_id();
    request.station = 1;
    request.not_before = kNow - 60;
    request.expires = kNow + 60;
    return ticket::Issuer(*keys).issue(request)->ticket.wire_text();
  }
  bool is_right(const std::string& ticket) {
    const ticket::Verifier* verifier = keys_->verifier();
    return verifier && verifier->verify(ticket, kNow);
  }

  // What is logged while that is asked.
  std::string logged_of(const std::string& ticket) {
    testing::internal::CaptureStderr();
    is_right(ticket);
    return testing::internal::GetCapturedStderr();
  }

  std::string folder_;
  std::optional<TicketKeys> keys_;
};

TEST_F(TicketKeysTest, ThoseThatAreThereNow) {
  keys_.emplace(folder_, "", "");
  EXPECT_EQ(keys_->verifier(), nullptr);
  EXPECT_NE(keys_->problem().find("event.json"), std::string::npos) << keys_->problem();
  EXPECT_EQ(keys_->verifier(), nullptr);
  add(1);
  const std::string first = ticket_of(1);
  EXPECT_TRUE(is_right(first)) << keys_->problem();
  EXPECT_EQ(keys_->problem(), "");
  add(2);
  const std::string second = ticket_of(2);
  EXPECT_TRUE(is_right(second));
  std::filesystem::remove(folder_ + "/issuer-1.pub");
  EXPECT_FALSE(is_right(first));
  EXPECT_TRUE(is_right(second));
  // None of those that a password is made from.
  ASSERT_NE(keys_->verifier(), nullptr);
  EXPECT_FALSE(keys_->verifier()->seed_of(*ticket::parse_wire(second)));
}

TEST_F(TicketKeysTest, WhatIsWrongChangesNothing) {
  add(1);
  keys_.emplace(folder_, "", "");
  const std::string ticket = ticket_of(1);
  EXPECT_TRUE(is_right(ticket));
  std::filesystem::remove(folder_ + "/issuer-1.pub");
  EXPECT_TRUE(is_right(ticket)) << "as in the gate, which has no others";
  EXPECT_NE(keys_->problem(), "");
  std::filesystem::remove_all(folder_);
  add(1, 78);
  EXPECT_TRUE(is_right(ticket));
  EXPECT_NE(keys_->problem().find("that needs a restart"), std::string::npos) << keys_->problem();
}

TEST_F(TicketKeysTest, OnesThatWereWithdrawnAreNotRight) {
  add(1);
  const std::string list = folder_ + "/revoked", ticket = ticket_of(1), other = ticket_of(1);
  std::ofstream(list) << "# nobody yet\n";
  keys_.emplace(folder_, list, folder_ + "/kept");
  EXPECT_TRUE(is_right(ticket));
  std::ofstream(list) << to_hex(ticket::parse_wire(ticket)->tid) << "\n";
  EXPECT_FALSE(is_right(ticket));
  EXPECT_TRUE(is_right(other));
  std::ofstream(list) << "421\n";
  EXPECT_FALSE(is_right(ticket)) << "what is wrong changes nothing";
  EXPECT_TRUE(is_right(other));
}

TEST_F(TicketKeysTest, WithAWrongListTheGatesCopyIsTakenAndNoneIsNobodysWord) {
  add(1);
  const std::string list = folder_ + "/revoked", kept = folder_ + "/kept";
  const std::string ticket = ticket_of(1), other = ticket_of(1);
  std::ofstream(list) << "421\n";
  keys_.emplace(folder_, list, kept);
  EXPECT_EQ(keys_->verifier(), nullptr) << "nobody knows which tickets were withdrawn";
  EXPECT_NE(keys_->problem().find("the list of revoked tickets: "), std::string::npos) << keys_->problem();
  EXPECT_EQ(keys_->verifier(), nullptr) << "nor does another look make it right";
  std::ofstream(kept) << to_hex(ticket::parse_wire(ticket)->tid) << "\n";
  EXPECT_FALSE(is_right(ticket));
  EXPECT_EQ(keys_->problem(), "");
  EXPECT_TRUE(is_right(other));
  std::ofstream(list) << to_hex(ticket::parse_wire(other)->tid) << "\n";
  EXPECT_TRUE(is_right(ticket)) << "the list is right again";
  EXPECT_FALSE(is_right(other));
}

TEST_F(TicketKeysTest, TheLogSaysWhatTicketsAreCheckedWith) {
  tools::start_log("control-test");
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != text.npos; };
  add(1);
  const std::string list = folder_ + "/revoked", kept = folder_ + "/kept", ticket = ticket_of(1);
  std::ofstream(list) << "421\n";
  keys_.emplace(folder_, list, kept);
  std::string logged = logged_of(ticket);
  EXPECT_TRUE(has(logged, "tickets are not checked, ") && !has(logged, "as it was")) << logged;
  std::ofstream(kept) << "# none\n";
  logged = logged_of(ticket);
  EXPECT_TRUE(has(logged, "the gate's last right list") && !has(logged, "not checked")) << logged;
  std::ofstream(list) << "4210\n";
  logged = logged_of(ticket);
  EXPECT_TRUE(has(logged, "the list of revoked ones as it was")) << logged;
  std::filesystem::remove(folder_ + "/issuer-1.pub");
  logged = logged_of(ticket);
  EXPECT_TRUE(has(logged, "tickets are checked with the keys before")) << logged;
  keys_.emplace(folder_, list, kept);
  logged = logged_of(ticket);
  EXPECT_TRUE(has(logged, "tickets are not checked: ")) << logged;
}

}  // namespace
}  // namespace headgate::control
