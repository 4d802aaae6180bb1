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

// The rows of devices. The holder "a" claims at 0 and is heard last then.
Claimant phone(uint8_t mark, uint64_t counter, const char* address = "a") {
  Device device;
  device.key[0] = static_cast<std::byte>(mark);
  device.counter = counter;
  return {address, device};
}
struct DeviceCase {
  const char* what;
  Claimant holder, claimant;
  int64_t claim_ms;
  int expected;  // a LeaseKind, or a refusal's code
  int policy = kTakeoverAfterSilence;
};
constexpr int code(LeaseKind kind) {
  return static_cast<int>(kind);
}
class DeviceLeases : public testing::TestWithParam<DeviceCase> {};

TEST_P(DeviceLeases, Table) {
  const DeviceCase& c = GetParam();
  LeaseTable table;
  Ticket ticket = ticket_with(1);
  ticket.flags = static_cast<uint16_t>(c.policy << kFlagTakeoverShift);
  ASSERT_TRUE(table.claim(ticket, c.holder, 0));
  auto asked = table.would_grant(ticket, c.claimant, c.claim_ms * kMs);
  auto second = table.claim(ticket, c.claimant, c.claim_ms * kMs);
  EXPECT_EQ(second ? code(second->kind) : second.error().code, c.expected) << c.what;
  EXPECT_EQ(asked ? code(*asked) : asked.error().code, c.expected) << c.what;
  if (second) return;
  EXPECT_LT(second.error().message.size(), 200u);
  Claimant back = c.holder;
  if (back.device) ++back.device->counter;
  EXPECT_TRUE(table.claim(ticket, back, c.claim_ms * kMs)) << "a refused claim changes nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Devices, DeviceLeases,
    testing::Values(
        DeviceCase{"N20: itself, 50 ms later, from elsewhere", phone(1, 7), phone(1, 8, "b"), 50,
                   code(LeaseKind::kResume)},
        DeviceCase{"itself, an hour later", phone(1, 7), phone(1, 8), 3'600'000, code(LeaseKind::kResume)},
        DeviceCase{"N18: itself, the same again", phone(1, 7), phone(1, 7), 50, kUnauthorized},
        DeviceCase{"N18: itself, an older one", phone(1, 7), phone(1, 6), 3'600'000, kUnauthorized},
        DeviceCase{"N19: another, at once", phone(1, 7), phone(2, 9), 0, kConflict},
        DeviceCase{"N19: another, silent 14 s", phone(1, 7), phone(2, 9), 14'000, kConflict},
        DeviceCase{"N19: another, silent 16 s", phone(1, 7), phone(2, 9), 16'000, kLocked},
        DeviceCase{"N19: another, silent 179 s", phone(1, 7), phone(2, 9), 179'000, kLocked},
        DeviceCase{"N19: another, silent 181 s", phone(1, 7), phone(2, 1), 181'000,
                   code(LeaseKind::kTakeover)},
        DeviceCase{"N19: another, never", phone(1, 7), phone(2, 9), 181'000, kLocked, kTakeoverNever},
        DeviceCase{"N19: another, contested", phone(1, 7), phone(2, 9), 181'000, code(LeaseKind::kTakeover),
                   kTakeoverContested},
        DeviceCase{"without a key, from the holder's address", phone(1, 7), Claimant{"a"}, 0, kConflict},
        DeviceCase{"without a key, silent 60 s", phone(1, 7), Claimant{"a"}, 60'000, kLocked},
        DeviceCase{"without a key, silent 181 s", phone(1, 7), Claimant{"a"}, 181'000,
                   code(LeaseKind::kTakeover)},
        DeviceCase{"a key comes to an address", Claimant{"a"}, phone(1, 7), 0, code(LeaseKind::kResume)},
        DeviceCase{"a key from elsewhere", Claimant{"a"}, phone(1, 7, "b"), 3000, kConflict},
        DeviceCase{"a key from elsewhere, silent", Claimant{"a"}, phone(1, 7, "b"), 4001,
                   code(LeaseKind::kTakeover)}),
    [](const auto& info) { return "case" + std::to_string(info.index); });

TEST(Leases, TheKeyThatCameIsTheHolder) {
  LeaseTable table;
  Ticket ticket = ticket_with(1);
  ASSERT_TRUE(table.claim(ticket, {"a"}, 0));
  ASSERT_TRUE(table.claim(ticket, phone(1, 7), 0));
  EXPECT_FALSE(table.claim(ticket, {"a"}, 5000 * kMs));
  EXPECT_EQ(table.claim(ticket, phone(1, 8, "c"), 5000 * kMs)->kind, LeaseKind::kResume);
  EXPECT_FALSE(table.claim(ticket, phone(1, 8, "c"), 5001 * kMs));
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
