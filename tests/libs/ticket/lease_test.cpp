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
  ticket.flags = kTakeoverAfterSilence << kFlagTakeoverShift;
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
  auto asked = table.would_grant(ticket, {c.address}, c.claim_ms * kMs);
  auto second = table.claim(ticket, {c.address}, c.claim_ms * kMs);
  ASSERT_EQ(asked.has_value(), second.has_value()) << "to ask changes nothing, and is told the same";
  if (asked) {
    EXPECT_EQ(*asked, second->kind);
  } else {
    EXPECT_EQ(asked.error().code, second.error().code);
  }
  ASSERT_EQ(second.has_value(), c.granted.has_value());
  if (second) {
    EXPECT_EQ(second->kind, *c.granted);
    EXPECT_EQ(second->epoch, 2u);
  } else {
    EXPECT_EQ(second.error().code, kConflict);
    EXPECT_TRUE(second.error().message.starts_with("IN-USE: "));
    EXPECT_LT(second.error().message.size(), 200u);
    auto third = table.claim(ticket, {"a"}, c.claim_ms * kMs);
    ASSERT_TRUE(third) << "a refused claim changes nothing";
    EXPECT_EQ(third->kind, LeaseKind::kResume);
    EXPECT_EQ(third->epoch, 2u);
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

TEST(Leases, ATicketThatMayNotBeTakenOverIsNot) {
  LeaseTable table;
  Ticket ticket = ticket_with(1);
  ticket.flags = kTakeoverNever << kFlagTakeoverShift;
  ASSERT_TRUE(table.claim(ticket, {"a"}, 0));
  auto early = table.claim(ticket, {"b"}, 1000 * kMs);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, kConflict);
  for (int64_t ms : {4001, 181'000, 3'600'000}) {
    auto late = table.claim(ticket, {"b"}, ms * kMs);
    ASSERT_FALSE(late) << ms;
    EXPECT_EQ(late.error().code, kLocked);
    EXPECT_TRUE(late.error().message.starts_with("LOCKED: "));
    EXPECT_LT(late.error().message.size(), 200u);
  }
  EXPECT_EQ(table.claim(ticket, {"a"}, 3'600'000 * kMs)->kind, LeaseKind::kResume);
}

// Contested tracks are not recorded by this version: the contender is refused like any other.
TEST(Leases, AContenderWaitsForSilence) {
  LeaseTable table;
  Ticket ticket = ticket_with(1);
  ticket.flags = kTakeoverContested << kFlagTakeoverShift;
  ASSERT_TRUE(table.claim(ticket, {"a"}, 0));
  EXPECT_FALSE(table.claim(ticket, {"b"}, 4000 * kMs));
  EXPECT_EQ(table.claim(ticket, {"b"}, 4001 * kMs)->kind, LeaseKind::kTakeover);
}

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
  EXPECT_EQ(table.claim(ticket_with(1, 1000), {"a"}, 0)->kind, LeaseKind::kFirst);
  EXPECT_EQ(table.claim(ticket_with(2, 2000), {"a"}, 0)->kind, LeaseKind::kResume);
}

TEST(Leases, UnknownTicketsAreIgnored) {
  LeaseTable table;
  table.received(ticket_with(1).tid, 1, 0);
  EXPECT_EQ(table.size(), 0u);
}

TEST(Leases, KindsHaveNames) {
  EXPECT_STREQ(name_of(LeaseKind::kFirst), "first");
  EXPECT_STREQ(name_of(LeaseKind::kResume), "resume");
  EXPECT_STREQ(name_of(LeaseKind::kTakeover), "takeover");
}

}  // namespace
}  // namespace headgate::ticket
