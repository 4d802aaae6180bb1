// SPDX-License-Identifier: LGPL-2.1-or-later
// What TLS handshakes may cost, with made-up costs.
#include <gtest/gtest.h>

#include "handshake_budget.h"

namespace headgate::ingest::test {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr HandshakePolicy kPolicy{{100'000, 100'000}, {30'000, 50'000}, 512};

TEST(HandshakeBudget, ANetworkIsStoppedByItsOwnDebt) {
  HandshakeBudget budget(kPolicy);
  budget.spent("a", 49'999, 0);
  EXPECT_TRUE(budget.may_begin("a", 0));
  budget.spent("a", 1, 0);
  EXPECT_FALSE(budget.may_begin("a", 0));
  EXPECT_TRUE(budget.may_begin("b", 0));
  // It owes 50,000 us and pays 30,000 a second.
  EXPECT_FALSE(budget.may_begin("a", 33));
  EXPECT_TRUE(budget.may_begin("a", 34));
}

TEST(HandshakeBudget, ManyNetworksAreStoppedTogether) {
  HandshakeBudget budget(kPolicy);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(budget.may_begin(std::to_string(i), 0));
    budget.spent(std::to_string(i), 1000, 0);
  }
  EXPECT_FALSE(budget.anybody_may_begin(0));
  EXPECT_FALSE(budget.may_begin("another", 0));
  EXPECT_TRUE(budget.may_begin("another", 10));
}

// However long it lasts, and whatever a handshake costs.
TEST(HandshakeBudget, AFloodGetsTheConstantRate) {
  for (int64_t cost : {350, 2000, 8000}) {
    HandshakeBudget budget(kPolicy);
    int64_t spent = 0;
    for (int64_t now = 0, n = 0; now < 10 * kSecond; now += 100) {
      const std::string network = std::to_string(++n % 5000);
      if (!budget.may_begin(network, now)) continue;
      budget.spent(network, cost, now);
      spent += cost;
    }
    EXPECT_LE(spent, 10 * kPolicy.all.us_per_second + kPolicy.all.most_us + cost);
    EXPECT_GE(spent, 10 * kPolicy.all.us_per_second);
  }
}

TEST(HandshakeBudget, WhatLedToAnAdmissionIsForgiven) {
  HandshakeBudget budget(kPolicy);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(budget.may_begin("carrier", 0)) << i;
    budget.spent("carrier", 2000, 0);
    budget.forgive("carrier", 2000, 0);
  }
  // Of what was paid off meanwhile nothing is left over for later.
  budget.spent("carrier", 10'000, 0);
  budget.forgive("carrier", 10'000, kSecond);
  budget.spent("carrier", 50'000, kSecond);
  EXPECT_FALSE(budget.may_begin("carrier", kSecond));
}

TEST(HandshakeBudget, WhoseNetworkWasAdmittedGetsInDuringAFlood) {
  HandshakeBudget budget(kPolicy);
  budget.spent("carrier", 350, 0);
  budget.forgive("carrier", 350, 0);
  for (int i = 0; i < 1000; ++i) budget.spent(std::to_string(i), 1000, kSecond);
  EXPECT_FALSE(budget.may_begin("newcomer", kSecond));
  EXPECT_TRUE(budget.may_begin("carrier", kSecond));
  // Its own debt holds for it as for everybody.
  budget.spent("carrier", 50'000, kSecond);
  EXPECT_FALSE(budget.may_begin("carrier", kSecond));
}

TEST(HandshakeBudget, AnAdmissionIsNotRememberedForEver) {
  HandshakeBudget budget(kPolicy);
  budget.forgive("carrier", 0, 0);
  const int64_t later = HandshakeBudget::kKnownUs;
  budget.spent("flood", 1000 * kSecond, later - 1);
  EXPECT_TRUE(budget.may_begin("carrier", later - 1));
  EXPECT_FALSE(budget.may_begin("carrier", later));
}

TEST(HandshakeBudget, MemoryIsBounded) {
  HandshakeBudget budget({{kSecond, 10'000 * kSecond}, {30'000, 50'000}, 512});
  for (size_t i = 0; i < HandshakeBudget::kMaxNetworks + 10; ++i) budget.spent(std::to_string(i), 60'000, 0);
  EXPECT_EQ(budget.in_debt(), HandshakeBudget::kMaxNetworks);
  EXPECT_FALSE(budget.may_begin("7", 0));
  EXPECT_TRUE(budget.may_begin(std::to_string(HandshakeBudget::kMaxNetworks + 1), 0));
  budget.drop_paid(kSecond);
  EXPECT_EQ(budget.in_debt(), HandshakeBudget::kMaxNetworks);
  budget.drop_paid(3 * kSecond);
  EXPECT_EQ(budget.in_debt(), 0u);
}

}  // namespace
}  // namespace headgate::ingest::test
