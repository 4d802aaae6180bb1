// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <ticket/lease.h>

#include <vector>

#include "tv1.h"

namespace headgate::ticket {
namespace {

constexpr int64_t kMs = 1000;

Ticket ticket_with(uint8_t id, uint32_t expires = 1000) {
  Ticket ticket;
  ticket.tid[0] = static_cast<std::byte>(id);
  ticket.expires = expires;
  return ticket;
}

// N21 and the stock rows of the lease table. The holder "a" claims at 0 and is heard last at `heard_ms`.
struct Case {
  const char* what;
  int64_t heard_ms;
  const char* address;
  int64_t claim_ms;
  std::optional<LeaseKind> granted;  // none: 1409
};
class LeaseCases : public testing::TestWithParam<Case> {};

TEST_P(LeaseCases, Table) {
  const Case& c = GetParam();
  LeaseTable table;
  Ticket ticket = ticket_with(1);
  auto first = table.claim(ticket, {"a"}, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, LeaseKind::kFirst);
  EXPECT_EQ(first->epoch, 1u);
  table.received(ticket.tid, first->epoch, c.heard_ms * kMs);
  auto second = table.claim(ticket, {c.address}, c.claim_ms * kMs);
  ASSERT_EQ(second.has_value(), c.granted.has_value());
  if (second) {
    EXPECT_EQ(second->kind, *c.granted);
    EXPECT_EQ(second->epoch, 2u);
    EXPECT_FALSE(table.holds(ticket.tid, first->epoch));
    EXPECT_TRUE(table.holds(ticket.tid, second->epoch));
  } else {
    EXPECT_EQ(second.error().code, kConflict);
    EXPECT_TRUE(second.error().message.starts_with("IN-USE: "));
    EXPECT_LT(second.error().message.size(), 200u);
    EXPECT_TRUE(table.holds(ticket.tid, first->epoch)) << "a refused claim changes nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Stock, LeaseCases,
    testing::Values(Case{"same address, holder alive", 5000, "a", 5000, LeaseKind::kResume},
                    Case{"same address, 50 ms after its drop", 5000, "a", 5050, LeaseKind::kResume},
                    Case{"same address, long silent", 0, "a", 3'600'000, LeaseKind::kResume},
                    Case{"other address, holder alive", 5000, "b", 5000, std::nullopt},
                    Case{"other address, silent 3.9 s", 5000, "b", 8900, std::nullopt},
                    Case{"other address, silent 4 s", 5000, "b", 9000, std::nullopt},
                    Case{"other address, silent 4.001 s", 5000, "b", 9001, LeaseKind::kTakeover},
                    Case{"other address, never heard", 0, "b", 4001, LeaseKind::kTakeover}),
    [](const auto& info) { return "case" + std::to_string(info.index); });

TEST(Leases, TicketsDoNotMeet) {
  LeaseTable table;
  EXPECT_EQ(table.claim(ticket_with(1), {"a"}, 0)->kind, LeaseKind::kFirst);
  EXPECT_EQ(table.claim(ticket_with(2), {"b"}, 0)->kind, LeaseKind::kFirst);
  EXPECT_EQ(table.size(), 2u);
}

TEST(Leases, SupersededSessionKeepsNothingAlive) {
  LeaseTable table;
  Ticket ticket = ticket_with(1);
  uint64_t old_epoch = table.claim(ticket, {"a"}, 0)->epoch;
  auto taken = table.claim(ticket, {"b"}, 5000 * kMs);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->kind, LeaseKind::kTakeover);
  table.received(ticket.tid, old_epoch, 60'000 * kMs);  // the old one still sends
  auto back = table.claim(ticket, {"a"}, 9001 * kMs);
  ASSERT_TRUE(back) << "its data must not count for the new holder";
  EXPECT_EQ(back->epoch, 3u);
}

TEST(Leases, TheHolderIsTheLastOneGranted) {
  LeaseTable table;
  Ticket ticket = ticket_with(1);
  ASSERT_TRUE(table.claim(ticket, {"a"}, 0));
  ASSERT_TRUE(table.claim(ticket, {"b"}, 5000 * kMs));
  EXPECT_FALSE(table.claim(ticket, {"a"}, 6000 * kMs)) << "the address taken over from is a stranger now";
  EXPECT_EQ(table.claim(ticket, {"b"}, 6000 * kMs)->kind, LeaseKind::kResume);
}

TEST(Leases, ExpiredTicketsAreForgotten) {
  LeaseTable table;
  ASSERT_TRUE(table.claim(ticket_with(1, 1000), {"a"}, 0));
  ASSERT_TRUE(table.claim(ticket_with(2, 2000), {"a"}, 0));
  table.drop_expired(1000 + kGraceSeconds);
  EXPECT_EQ(table.size(), 2u);
  table.drop_expired(1000 + kGraceSeconds + 1);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_FALSE(table.holds(ticket_with(1).tid, 1));
  EXPECT_TRUE(table.holds(ticket_with(2).tid, 1));
}

TEST(Leases, UnknownTicketsAreIgnored) {
  LeaseTable table;
  table.received(ticket_with(1).tid, 1, 0);
  EXPECT_FALSE(table.holds(ticket_with(1).tid, 1));
  EXPECT_EQ(table.size(), 0u);
}

TEST(Leases, KindsHaveNames) {
  EXPECT_STREQ(name_of(LeaseKind::kFirst), "first");
  EXPECT_STREQ(name_of(LeaseKind::kResume), "resume");
  EXPECT_STREQ(name_of(LeaseKind::kTakeover), "takeover");
}

}  // namespace
}  // namespace headgate::ticket
