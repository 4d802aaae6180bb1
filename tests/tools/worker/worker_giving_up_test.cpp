// SPDX-License-Identifier: LGPL-2.1-or-later
// What makes a worker give up, and how it ends then.
#include <algorithm>

#include "worker_fixture.h"

namespace headgate::worker {
namespace {

TEST_F(WorkerTest, AWorkerThatCannotEndSessionsGivesUp) {
  Settings settings;
  settings.stuck_ms = 100;
  settings.last_words_ms = 500;
  start_troubled(settings);
  Peer gate = peer("gate"), supervisor = peer("supervisor");
  AdmittedPublisher stuck, well;
  hand_over(gate, stuck, 1, 1);
  hand_over(gate, well, 2, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  trouble::hang_at_the_end();
  ASSERT_TRUE(gate.channel->send(wire::Kick{1, "operator"}));
  ASSERT_TRUE(run_until([&] { return !gate.all<wire::WorkerState>().back().accepting; }));
  EXPECT_EQ(gate.all<wire::WorkerState>().back().reason, "a session does not end");
  EXPECT_FALSE(gate.closed_session(2)) << "what runs goes on";
  // The last one that runs is over, though it cannot be ended here either: so is the process.
  ASSERT_TRUE(gate.channel->send(wire::Kick{2, "operator"}));
  auto late = loop_.after_ms(test::kPatienceMs, [&] { loop_.stop(); });
  loop_.run();
  loop_.cancel(late);
  EXPECT_NE(worker_->exit_code(), 0);
  trouble::let_go();
  ASSERT_TRUE(run_until([&] { return gate.closed_session(1) && gate.closed_session(2); }));
  EXPECT_NE(worker_->exit_code(), 0);
}

TEST_F(WorkerTest, WhatRunsWhenAWorkerIsGivenUpHasItsTime) {
  Settings settings;
  settings.stuck_ms = 100;
  settings.give_up_ms = 1500;
  start_troubled(settings);
  Peer gate = peer("gate");
  AdmittedPublisher stuck, well;
  hand_over(gate, stuck, 1, 1);
  hand_over(gate, well, 2, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  trouble::hang_at_the_end();
  ASSERT_TRUE(gate.channel->send(wire::Kick{1, "operator"}));
  auto late = loop_.after_ms(test::kPatienceMs, [&] { loop_.stop(); });
  loop_.run();  // until the time is over
  loop_.cancel(late);
  EXPECT_NE(worker_->exit_code(), 0);
  EXPECT_FALSE(gate.closed_session(2));
  trouble::let_go();
  ASSERT_TRUE(run_until([&] { return gate.closed_session(1) != nullptr; }));
}

TEST_F(WorkerTest, ARunThatCannotBeOpenedEndsOneSession) {
  start_troubled({});
  Peer gate = peer("gate");
  AdmittedPublisher well, unlucky, next;
  hand_over(gate, well, 1, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 1; }));
  trouble::archive_is(trouble::Archive::run_fails);
  hand_over(gate, unlucky, 2, 2);
  ASSERT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  trouble::archive_is(trouble::Archive::well);
  const std::string reason = gate.closed_session(2)->reason;
  EXPECT_TRUE(reason.starts_with("error:")) << reason;
  EXPECT_NE(reason.find("\"srt://a.example:9000/***\""), reason.npos) << reason;
  // Told before the session was closed, if the worker had given up.
  EXPECT_TRUE(gate.all<wire::WorkerState>().back().accepting);
  hand_over(gate, next, 3, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 3; }));
  EXPECT_FALSE(gate.closed_session(1));
}

TEST_F(WorkerTest, ADiskThatFailsEndsTheWorker) {
  start_troubled({});
  Peer gate = peer("gate");
  trouble::archive_is(trouble::Archive::disk_broken);
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 1);
  auto late = loop_.after_ms(test::kPatienceMs, [&] { loop_.stop(); });
  loop_.run();
  loop_.cancel(late);
  trouble::archive_is(trouble::Archive::well);
  EXPECT_NE(worker_->exit_code(), 0);
  ASSERT_TRUE(gate.closed_session(1));
  EXPECT_EQ(gate.closed_session(1)->reason.find("kick:1507 NO-STORAGE"), 0u);
  EXPECT_TRUE(publisher.is_told("1507 NO-STORAGE"));
  EXPECT_TRUE(gate.all<wire::WorkerState>().back().reason.starts_with(wire::kNoStorageFront));
}

TEST_F(WorkerTest, GivenUpItWaitsForSessionsThatAreOnTheirWayOut) {
  start_troubled({});
  Peer gate = peer("gate"), supervisor = peer("supervisor");
  trouble::hang_at_the_end();
  trouble::archive_is(trouble::Archive::disk_broken);
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 1);
  // The session hangs over the tick that comes after the failure, however soon.
  auto tick_has_passed = [&] {
    auto given_up = std::find_if(supervisor.heard.begin(), supervisor.heard.end(), [](const auto& message) {
      auto* state = std::get_if<wire::WorkerState>(&message);
      return state && !state->accepting;
    });
    return std::any_of(given_up, supervisor.heard.end(),
                       [](const auto& message) { return std::holds_alternative<wire::Status>(message); });
  };
  auto look = loop_.every_ms(10, [&] {
    if (tick_has_passed()) trouble::let_go();
  });
  auto late = loop_.after_ms(test::kPatienceMs, [&] { loop_.stop(); });
  loop_.run();
  loop_.cancel(late);
  loop_.cancel(look);
  trouble::let_go();
  trouble::archive_is(trouble::Archive::well);
  EXPECT_TRUE(tick_has_passed());
  EXPECT_FALSE(worker_->stuck());
  EXPECT_NE(worker_->exit_code(), 0);
  ASSERT_TRUE(gate.closed_session(1));
  EXPECT_TRUE(publisher.is_told("1507 NO-STORAGE"));
}

}  // namespace
}  // namespace headgate::worker
