// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/encoding.h>
#include <gate/sessions.h>
#include <gtest/gtest.h>

namespace headgate::gate {
namespace {

constexpr int64_t kSecond = 1'000'000;

ticket::Ticket ticket_of(uint32_t station, uint8_t mark = 1) {
  ticket::Ticket out;
  out.event = 77;
  out.station = station;
  out.tid[0] = static_cast<std::byte>(mark);
  out.tid[1] = static_cast<std::byte>(station);
  out.expires = 2'000'000'000;
  out.flags = ticket::kTakeoverAfterSilence << ticket::kFlagTakeoverShift;
  return out;
}

ticket::Claimant at(const std::string& address) {
  return {address};
}

class SessionsTest : public testing::Test {
 protected:
  Result<Sessions::Choice> choose(uint32_t station, const std::string& from = "192.0.2.7", uint8_t mark = 1) {
    return sessions_.choose(ticket_of(station, mark), at(from), workers_);
  }
  // Chooses and begins.
  Sessions::Choice begin(uint64_t id, uint32_t station, const std::string& from = "192.0.2.7",
                         uint8_t mark = 1) {
    auto choice = choose(station, from, mark);
    EXPECT_TRUE(choice) << choice.error().message;
    sessions_.begin(id, ticket_of(station, mark), *choice);
    return *choice;
  }
  int refusal(uint32_t station, const std::string& from = "192.0.2.7", uint8_t mark = 1) {
    auto choice = choose(station, from, mark);
    EXPECT_FALSE(choice);
    if (choice) return 0;
    text_ = choice.error().message;
    return choice.error().code;
  }
  void media(uint64_t id, int64_t ahead_us = 0) {
    wire::SessionHealth health;
    health.session = id;
    health.last_media_mono_us = clock_.mono_us() + ahead_us;
    sessions_.health(health);
  }

  ManualClock clock_{1'700'000'000 * kSecond, 1'000 * kSecond};
  Sessions sessions_{clock_};
  std::vector<Candidate> workers_ = {{"w0", 0, 0, 10, true, ""}, {"w1", 1, 0, 10, true, ""}};
  std::string text_;
};

TEST_F(SessionsTest, ATicketThatMayNotBeTakenOverStaysWhereItWas) {
  ticket::Ticket ticket = ticket_of(1);
  ticket.flags = 0;
  auto choice = sessions_.choose(ticket, at("192.0.2.7"), workers_);
  ASSERT_TRUE(choice);
  sessions_.begin(1, ticket, *choice);
  clock_.advance_us(3600 * kSecond);
  auto other = sessions_.choose(ticket, at("198.51.100.9"), workers_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ticket::kLocked);
  EXPECT_TRUE(sessions_.choose(ticket, at("192.0.2.7"), workers_));
}

TEST_F(SessionsTest, ADeviceComesBackFromAnywhereAtOnce) {
  ticket::Device phone;
  phone.counter = 1;
  ticket::Claimant claimant{"192.0.2.7", phone};
  auto choice = sessions_.choose(ticket_of(1), claimant, workers_);
  ASSERT_TRUE(choice);
  sessions_.begin(1, ticket_of(1), *choice);
  media(1);
  claimant = {"198.51.100.9", phone};
  auto again = sessions_.choose(ticket_of(1), claimant, workers_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ticket::kUnauthorized);
  ++claimant.device->counter;
  choice = sessions_.choose(ticket_of(1), claimant, workers_);
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->claim, ticket::LeaseKind::kResume);
  ASSERT_EQ(choice->superseded.size(), 1u);
  sessions_.begin(2, ticket_of(1), *choice);
  EXPECT_FALSE(sessions_.choose(ticket_of(1), claimant, workers_)) << "the counter that was used last counts";
  EXPECT_EQ(refusal(1, "192.0.2.7"), ticket::kConflict);
}

TEST_F(SessionsTest, ToAskChangesNothingAndIsToldWhatChoosingWouldBe) {
  auto asked = [&](uint32_t station, const std::string& from, uint8_t mark = 1) {
    auto may = sessions_.may_enter(ticket_of(station, mark), at(from), workers_);
    return may ? 0 : may.error().code;
  };
  EXPECT_EQ(asked(1, "198.51.100.9"), 0);
  EXPECT_EQ(begin(1, 1).claim, ticket::LeaseKind::kFirst);
  EXPECT_EQ(asked(1, "192.0.2.7"), 0);
  EXPECT_EQ(asked(1, "198.51.100.9"), ticket::kConflict);
  EXPECT_EQ(asked(1, "192.0.2.7", 2), ticket::kConflict);
  clock_.advance_us(5 * kSecond);
  EXPECT_EQ(asked(1, "198.51.100.9"), 0);
  EXPECT_EQ(choose(1)->claim, ticket::LeaseKind::kResume);
  for (Candidate& worker : workers_) worker.accepting = false;
  EXPECT_EQ(asked(2, "192.0.2.7"), ticket::kDown);
  workers_[0].reason = std::string(wire::kNoStorageFront) + "full";
  EXPECT_EQ(asked(2, "192.0.2.7"), ticket::kNoStorage);
}

TEST_F(SessionsTest, FillsOneWorkerBeforeTheNext) {
  workers_ = {{"w0", 0, 0, 2, true, ""}, {"w1", 1, 0, 3, true, ""}};
  // Sessions that are on their way count, though the workers do not report them yet.
  EXPECT_EQ(begin(1, 1).worker, "w0");
  EXPECT_EQ(begin(2, 2).worker, "w0");
  EXPECT_EQ(begin(3, 3).worker, "w1");
  workers_[0].capacity = 10;
  workers_[1].sessions = 1;  // and one on its way, as the other has two
  EXPECT_EQ(begin(4, 4).worker, "w0");
  workers_[1].capacity = 20;
  workers_[1].sessions = 8;
  EXPECT_EQ(begin(5, 5).worker, "w1");
  workers_[1].sessions = workers_[1].capacity;
  EXPECT_EQ(begin(6, 6).worker, "w0");
}

TEST_F(SessionsTest, ASessionThatIsOpenAndNotCountedYetTakesItsPlace) {
  workers_ = {{"w0", 0, 0, 1, true, ""}, {"w1", 1, 0, 1, true, ""}};
  begin(1, 1);
  // The worker's word that it is open comes before its word of how many it has.
  sessions_.opened({1, 77, 1, to_hex(ticket_of(1).tid), "192.0.2.7:1000", "rtmp", "", 0}, "w0");
  EXPECT_EQ(begin(2, 2).worker, "w1") << "not the one place too many of a full worker";
}

TEST_F(SessionsTest, AReconnectGoesWhereTheStationWas) {
  EXPECT_EQ(begin(1, 1).worker, "w0");
  sessions_.closed(1, "disconnect");
  workers_[0].sessions = 9;
  EXPECT_EQ(begin(2, 1).worker, "w0");
  sessions_.closed(2, "disconnect");
  workers_[0].sessions = 10;  // full: elsewhere
  EXPECT_EQ(begin(3, 1).worker, "w1");
}

TEST_F(SessionsTest, AReconnectReplacesItsOldSessionEvenOnAFullWorker) {
  begin(1, 1);
  sessions_.opened({1, 77, 1, to_hex(ticket_of(1).tid), "192.0.2.7:1000", "rtmp", "", 0}, "w0");
  workers_[0].sessions = workers_[0].capacity;
  media(1);
  Sessions::Choice choice = begin(2, 1);
  EXPECT_EQ(choice.worker, "w0");
  EXPECT_EQ(choice.claim, ticket::LeaseKind::kResume);
  ASSERT_EQ(choice.superseded.size(), 1u);
  EXPECT_EQ(choice.superseded[0].id, 1u);
  EXPECT_EQ(choice.superseded[0].worker, "w0");
}

TEST_F(SessionsTest, ADrainingWorkerLosesItsReconnects) {
  begin(1, 1);
  workers_[0].accepting = false;
  workers_[0].reason = "draining";
  Sessions::Choice choice = begin(2, 1);
  EXPECT_EQ(choice.worker, "w1");
  EXPECT_EQ(choice.superseded.size(), 1u);
}

TEST_F(SessionsTest, RefusalsSayWhy) {
  workers_[0] = {"w0", 0, 0, 10, false, "draining"};
  workers_[1] = {"w1", 1, 0, 10, false, "archive: the archive's disk is full"};
  EXPECT_EQ(refusal(1), ticket::kNoStorage);
  EXPECT_NE(text_.find("the archive's disk is full"), std::string::npos);
  workers_[1].reason = "draining";
  EXPECT_EQ(refusal(1), ticket::kDown);
  workers_[1] = {"w1", 1, 10, 10, true, ""};
  EXPECT_EQ(refusal(1), ticket::kDown);
  EXPECT_NE(text_.find("full"), std::string::npos);
  workers_.clear();
  EXPECT_EQ(refusal(1), ticket::kDown);
  EXPECT_NE(text_.find("no worker"), std::string::npos);
}

TEST_F(SessionsTest, ARefusedAttemptTakesNoLease) {
  begin(1, 1);
  auto workers = std::exchange(workers_, {});
  EXPECT_EQ(refusal(1), ticket::kDown);
  workers_ = workers;
  media(1);
  EXPECT_EQ(refusal(1, "198.51.100.1"), ticket::kConflict) << "the first one still holds it";
}

TEST_F(SessionsTest, AChoiceThatComesToNothingLeavesTheLeaseWhereItWas) {
  begin(1, 1);
  EXPECT_TRUE(choose(1));  // its worker died before it had the connection
  clock_.advance_us(5 * kSecond);
  media(1);
  EXPECT_EQ(refusal(1, "198.51.100.1"), ticket::kConflict) << "the running session refreshes it";
}

TEST_F(SessionsTest, AnotherAddressOnlyAfterSilence) {
  begin(1, 1);
  for (int i = 0; i < 10; ++i) {
    clock_.advance_us(kSecond);
    media(1);
  }
  clock_.advance_us(3 * kSecond);
  EXPECT_EQ(refusal(1, "198.51.100.1"), ticket::kConflict);
  clock_.advance_us(2 * kSecond);
  Sessions::Choice choice = begin(2, 1, "198.51.100.1");
  EXPECT_EQ(choice.claim, ticket::LeaseKind::kTakeover);
  EXPECT_EQ(choice.superseded.size(), 1u);
  // What the old one still receives no longer counts.
  sessions_.closed(1, "disconnect");
  media(1);
  clock_.advance_us(5 * kSecond);
  EXPECT_TRUE(choose(1, "203.0.113.1"));
}

TEST_F(SessionsTest, AWorkerCannotReportTheFuture) {
  begin(1, 1);
  media(1, 3600 * kSecond);
  clock_.advance_us(5 * kSecond);
  EXPECT_TRUE(choose(1, "198.51.100.1"));
}

TEST_F(SessionsTest, TwoTicketsOfOneStation) {
  begin(1, 1);
  media(1);
  EXPECT_EQ(refusal(1, "192.0.2.7", 2), ticket::kConflict);
  EXPECT_NE(text_.find("another ticket"), std::string::npos);
  clock_.advance_us(5 * kSecond);
  EXPECT_EQ(begin(2, 1, "192.0.2.7", 2).superseded.size(), 1u);
}

TEST_F(SessionsTest, SessionsOfLivingWorkersAreFoundAgain) {
  // After a restart: only what the workers tell.
  wire::SessionOpened told{9, 77, 1, to_hex(ticket_of(1).tid), "192.0.2.7:1000", "rtmp", "", 0};
  EXPECT_FALSE(sessions_.opened(told, "w1"));
  EXPECT_TRUE(sessions_.opened(told, "w1")) << "told again";
  media(9);
  EXPECT_EQ(refusal(1, "198.51.100.1"), ticket::kConflict);
  Sessions::Choice choice = begin(10, 1);
  EXPECT_EQ(choice.claim, ticket::LeaseKind::kResume);
  EXPECT_EQ(choice.worker, "w1");
  ASSERT_EQ(choice.superseded.size(), 1u);
  EXPECT_EQ(choice.superseded[0].id, 9u);
}

TEST_F(SessionsTest, ADevicesKeyHoldsForTheNextGate) {
  std::vector<ticket::Holding> kept;
  sessions_.keep([&](const ticket::Holding& one) { kept.push_back(one); });
  ticket::Device phone;
  phone.key[0] = std::byte{1};
  phone.counter = 5;
  ticket::Claimant claimant{"192.0.2.7", phone};
  ticket::Ticket ticket = ticket_of(1);
  ticket.flags = 0;  // nobody may take it over, ever
  auto choice = sessions_.choose(ticket, claimant, workers_);
  ASSERT_TRUE(choice);
  sessions_.begin(1, ticket, *choice);
  ASSERT_EQ(kept.size(), 1u);

  // Its session may still be there, or not.
  for (const bool streams : {true, false}) {
    Sessions next(clock_);
    next.restore(kept);
    if (streams) next.opened({1, 77, 1, to_hex(ticket.tid), "192.0.2.7:1000", "rtmps", "", 0}, "w1");
    clock_.advance_us(3600 * kSecond);
    ticket::Device other = phone;
    other.key[0] = std::byte{2};
    other.counter = 99;
    for (const ticket::Claimant& stranger :
         {ticket::Claimant{"192.0.2.7", other}, at("192.0.2.7"), at("198.51.100.9")}) {
      auto refused = next.choose(ticket, stranger, workers_);
      ASSERT_FALSE(refused) << "the binding is forgotten";
      EXPECT_EQ(refused.error().code, ticket::kLocked);
    }
    auto replayed = next.choose(ticket, claimant, workers_);
    ASSERT_FALSE(replayed) << "an attempt that was made before is let in";
    EXPECT_EQ(replayed.error().code, ticket::kUnauthorized);
    ticket::Device back = phone;
    back.counter = 6;
    auto again = next.choose(ticket, {"198.51.100.9", back}, workers_);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->claim, ticket::LeaseKind::kResume);
    EXPECT_EQ(again->superseded.size(), streams ? 1u : 0u);
    // What its session receives keeps its lease alive.
    if (!streams) continue;
    next.health({1, 77, 1, clock_.mono_us(), 0, 0, {}});
    auto alive = next.choose(ticket, at("198.51.100.9"), workers_);
    ASSERT_FALSE(alive);
    EXPECT_EQ(alive.error().code, ticket::kConflict);
  }
}

TEST_F(SessionsTest, FoundSessionsOverIpv6) {
  sessions_.opened({9, 77, 1, to_hex(ticket_of(1).tid), "[2001:db8::7]:1000", "rtmp", "", 0}, "w1");
  media(9);
  EXPECT_TRUE(choose(1, "2001:db8::7"));
  EXPECT_EQ(refusal(1, "2001:db8::8"), ticket::kConflict);
}

TEST_F(SessionsTest, AWorkersDeathEndsItsSessions) {
  workers_[0].capacity = 1;  // so that the second goes elsewhere
  begin(1, 1);
  begin(2, 2);
  sessions_.worker_lost("w0");
  EXPECT_EQ(sessions_.all().size(), 1u);
  EXPECT_TRUE(begin(3, 1).superseded.empty());
}

// A node that is full, from a gate that has been running for a while.
class FullNode : public SessionsTest {
 protected:
  void SetUp() override {
    clock_.advance_us(60 * kSecond);
    rule("cpu: busy");
  }
  void rule(const std::string& full) { sessions_.rule({full, 100'000, {}, {}}); }
  void open(uint64_t id, uint32_t station, int64_t grace_ms = -1) {
    begin(id, station);
    wire::SessionOpened told{id, 77, station, to_hex(ticket_of(station).tid), "192.0.2.7:1", "rtmp", "", 0};
    told.grace_ms = grace_ms;
    sessions_.opened(told, "w0");
  }
};

TEST_F(FullNode, RefusesNewStationsAndLetsThoseInThatStream) {
  EXPECT_EQ(refusal(1), ticket::kOverload);
  EXPECT_EQ(text_.rfind("NODE-FULL: ", 0), 0u) << text_;
  EXPECT_NE(text_.find("cpu: busy"), std::string::npos) << text_;
  rule("");
  open(1, 1);
  rule("cpu: busy");
  EXPECT_TRUE(choose(1)) << "it streams";
  EXPECT_EQ(refusal(2), ticket::kOverload);
}

TEST_F(FullNode, LetsThoseInWhoseStreamsWait) {
  rule("");
  open(1, 1);
  open(2, 2, 5'000);
  open(3, 3);
  open(4, 4);
  rule("cpu: busy");
  sessions_.closed(1, "disconnect");
  sessions_.closed(2, "disconnect");
  sessions_.closed(3, "unpublish");
  sessions_.worker_lost("w0");
  EXPECT_TRUE(choose(1));
  EXPECT_TRUE(choose(2));
  EXPECT_EQ(refusal(3), ticket::kOverload) << "it said goodbye";
  EXPECT_TRUE(choose(4)) << "its worker died";
  clock_.advance_us(6 * kSecond);
  EXPECT_EQ(refusal(2), ticket::kOverload) << "its description's grace is over";
  EXPECT_TRUE(choose(1));
  clock_.advance_us(100 * kSecond);
  EXPECT_EQ(refusal(1), ticket::kOverload);
  sessions_.drop_expired();
  EXPECT_EQ(refusal(1), ticket::kOverload);
}

TEST_F(SessionsTest, AGateThatHasJustStartedTurnsNobodyAwayWhoMayHaveBeenHere) {
  sessions_.rule({"cpu: busy", 100'000, {}, {}});
  EXPECT_TRUE(choose(1));
  clock_.advance_us(16 * kSecond);
  EXPECT_EQ(refusal(1), ticket::kOverload);
}

TEST_F(SessionsTest, AnIsolatedStationHasItsOwnWorkerOrNone) {
  const uint32_t number = wire::kFirstOwnWorker + 2;
  wire::Isolation isolation{77, 1, number, false, 0, "its input has ended 2 workers"};
  sessions_.rule({"", 0, {isolation}, {}});
  EXPECT_EQ(refusal(1), ticket::kDown) << "it has not been started yet";
  workers_.push_back({"own", number, 0, 1, true, ""});
  EXPECT_EQ(begin(1, 1).worker, "own");
  EXPECT_EQ(begin(2, 1).worker, "own") << "it comes again";
  for (uint32_t station = 2; station < 22; ++station) EXPECT_NE(begin(100 + station, station).worker, "own");
  EXPECT_EQ(refusal(30), ticket::kDown) << "full, but for a place that is somebody's own";
  isolation.refused = true;
  isolation.until_mono_us = clock_.mono_us() + 90 * kSecond;
  sessions_.rule({"", 0, {isolation}, {}});
  EXPECT_EQ(refusal(1), ticket::kOverload);
  EXPECT_EQ(text_, "QUARANTINE: its input has ended 2 workers. Try again in 91 seconds.");
  clock_.advance_us(91 * kSecond);
  EXPECT_TRUE(choose(1));
  sessions_.rule({});
  workers_[0].capacity = 100;
  EXPECT_NE(choose(1)->worker, "own");
}

TEST_F(SessionsTest, AStationThatIsSetApartSharesAWorkerWithThoseOfItsGroupAlone) {
  begin(1, 1);
  const uint32_t number = wire::kFirstOwnWorker + 1;
  sessions_.rule({"", 0, {}, {{77, 1, number}, {77, 2, number}, {78, 3, number}}});
  EXPECT_EQ(refusal(1), ticket::kDown) << "it has not been started yet";
  EXPECT_EQ(text_,
            "DOWN: the place of this station and others took too much of this server; another is being made. "
            "Try again in a few seconds.");
  workers_.push_back({"apart", number, 0, 10, true, ""});
  EXPECT_EQ(begin(2, 1).worker, "apart") << "though it was somewhere else";
  EXPECT_EQ(begin(3, 2).worker, "apart");
  EXPECT_NE(begin(4, 3).worker, "apart") << "of another event";
  workers_.back().accepting = false;
  workers_.back().reason = "stopping";
  EXPECT_EQ(refusal(2), ticket::kDown);
  EXPECT_NE(text_.find("another is being made"), text_.npos) << text_;
  sessions_.rule({});
  EXPECT_NE(begin(5, 2).worker, "apart") << "it may share one again";
}

// Nothing is being made for it, and the ticket's next server may have room.
TEST_F(SessionsTest, WhatKeepsAWorkerOfSomebodysOwnFromTakingAnybodyIsSaid) {
  const uint32_t apart = wire::kFirstOwnWorker, own = apart + 1;
  sessions_.rule({"", 0, {{77, 1, own, false, 0, "its input has ended 2 workers"}}, {{77, 2, apart}}});
  workers_.push_back({"apart", apart, 0, 10, false, std::string(wire::kNoStorageFront) + "the disk is full"});
  workers_.push_back({"own", own, 0, 10, false, workers_.back().reason});
  for (const uint32_t station : {1, 2}) {
    EXPECT_EQ(refusal(station), ticket::kNoStorage);
    EXPECT_EQ(text_,
              "NO-STORAGE: this server cannot record (the disk is full). Use the ticket's next server.");
  }
  for (Candidate& worker : workers_) worker.reason = wire::kDraining;
  for (const uint32_t station : {1, 2}) {
    EXPECT_EQ(refusal(station), ticket::kDown);
    EXPECT_EQ(text_, "DOWN: this server takes no streams now (draining). Try again in a few seconds.");
  }
}

}  // namespace
}  // namespace headgate::gate
