// SPDX-License-Identifier: LGPL-2.1-or-later
// Who a worker takes, who waits, and who is refused.
#include <base/io.h>

#include <filesystem>

#include "worker_fixture.h"

namespace headgate::worker {
namespace {

TEST_F(WorkerTest, AFullOrDrainingWorkerRefusesAndSaysSo) {
  Peer gate = peer("gate"), supervisor = peer("supervisor");
  AdmittedPublisher a, b, c;
  hand_over(gate, a, 1, 1);
  hand_over(gate, b, 2, 2);
  hand_over(gate, c, 3, 3);
  ASSERT_TRUE(run_until([&] { return gate.closed_session(3) != nullptr; }));
  EXPECT_EQ(gate.closed_session(3)->reason, "error:worker is full");
  EXPECT_TRUE(c.is_told("1503 DOWN: all places are taken"));
  EXPECT_EQ(gate.all<wire::SessionOpened>().size(), 2u);
  ASSERT_TRUE(supervisor.channel->send(wire::Drain{}));
  ASSERT_TRUE(run_until([&] {
    auto states = gate.all<wire::WorkerState>();
    return !states.empty() && !states.back().accepting;
  }));
  EXPECT_EQ(gate.all<wire::WorkerState>().back().reason, "draining");
  EXPECT_EQ(gate.all<wire::WorkerState>().back().sessions, 2u);
}

TEST_F(WorkerTest, WhoWasOnTheWayWhenDrainingBeganIsTaken) {
  Settings settings;
  settings.on_its_way_ms = test::kPatienceMs;
  start_troubled(settings);
  Peer gate = peer("gate"), supervisor = peer("supervisor");
  ASSERT_TRUE(supervisor.channel->send(wire::Drain{}));
  ASSERT_TRUE(run_until([&] {
    auto states = supervisor.all<wire::WorkerState>();
    return !states.empty() && !states.back().accepting;
  }));
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 1; }));
  ASSERT_TRUE(run_until([&] { return supervisor.all<wire::WorkerState>().back().sessions == 1; }));
}

TEST_F(WorkerTest, WhoComesToADrainedWorkerIsRefused) {
  Settings settings;
  settings.on_its_way_ms = 0;
  start_troubled(settings);
  Peer gate = peer("gate");
  ASSERT_TRUE(gate.channel->send(wire::Drain{}));
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 1);
  ASSERT_TRUE(run_until([&] { return gate.closed_session(1) != nullptr; }));
  EXPECT_EQ(gate.closed_session(1)->reason, "error:draining");
}

TEST_F(WorkerTest, WhoFailsTooOftenWithinAMinuteIsRefused) {
  start_troubled({}, R"({"errors-per-minute": 2})");
  Peer gate = peer("gate"), control = peer("control");
  AdmittedPublisher first, second, third, other;
  trouble::archive_is(trouble::Archive::run_fails);
  hand_over(gate, first, 1);
  EXPECT_TRUE(run_until([&] { return gate.closed_session(1) != nullptr; }));
  hand_over(gate, second, 2);
  EXPECT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  trouble::archive_is(trouble::Archive::well);
  EXPECT_EQ(gate.all<wire::SessionOpened>().size(), 2u) << "both were taken";
  hand_over(gate, third, 3);
  ASSERT_TRUE(run_until([&] { return gate.closed_session(3) != nullptr; }));
  EXPECT_EQ(gate.closed_session(3)->reason, "error:its pipeline failed 2 times within a minute");
  EXPECT_TRUE(run_until([&] { return control.closed_session(3) != nullptr; })) << "it is an alarm";
  EXPECT_TRUE(third.is_told("1402 OVERLOAD: this station failed 2 times within a minute"));
  hand_over(gate, other, 4, kStation + 1);
  EXPECT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 3; })) << "another station";
}

TEST_F(WorkerTest, WhereNothingCanBeRecordedNobodyIsTaken) {
  std::string path = scratch_.path() + "/lta/" + std::to_string(kEvent) + "/VOLUME.json";
  ASSERT_TRUE(make_directories(scratch_.path() + "/lta/" + std::to_string(kEvent)));
  ASSERT_TRUE(replace_file(path, as_bytes("not what it should be")));
  start(2);
  Peer gate = peer("gate"), origin = peer("origin");
  ASSERT_TRUE(run_until([&] { return !gate.all<wire::WorkerState>().empty(); }));
  EXPECT_FALSE(gate.all<wire::WorkerState>().back().accepting);
  std::string reason = gate.all<wire::WorkerState>().back().reason;
  EXPECT_TRUE(reason.starts_with(wire::kNoStorageFront)) << reason;
  EXPECT_EQ(reason.find(scratch_.path()), reason.npos) << "publishers are told it";
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 1);
  ASSERT_TRUE(run_until([&] { return gate.closed_session(1) != nullptr; }));
  EXPECT_EQ(gate.closed_session(1)->reason, "error:" + reason);
  EXPECT_TRUE(publisher.is_told("1507 NO-STORAGE"));
  EXPECT_TRUE(origin.all<wire::SessionOpened>().empty());
  // Mended, it takes sessions again by itself.
  std::filesystem::remove(path);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::WorkerState>().back().accepting; }));
  AdmittedPublisher again;
  hand_over(gate, again, 2);
  ASSERT_TRUE(run_until([&] { return !gate.all<wire::SessionOpened>().empty(); }));
}

TEST_F(WorkerTest, WhoWaitsForASessionThatDoesNotEndIsToldSo) {
  Settings settings;
  settings.pending_ms = 200;
  start_troubled(settings);
  Peer gate = peer("gate");
  AdmittedPublisher first, second, third;
  hand_over(gate, first, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 1; }));
  trouble::hang_at_the_end();
  hand_over(gate, second, 2);
  ASSERT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  EXPECT_EQ(gate.closed_session(2)->reason, "error:its last session does not end");
  EXPECT_TRUE(second.is_told("1503 DOWN: this station's last session does not end"));
  EXPECT_FALSE(gate.closed_session(1));
  // When it ends after all, the next one is taken.
  hand_over(gate, third, 3);
  trouble::let_go();
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  EXPECT_EQ(gate.all<wire::SessionOpened>().back().session, 3u);
}

TEST_F(WorkerTest, WhoWaitedIsJudgedAgainWhenHisTurnComes) {
  start_troubled({});
  Peer gate = peer("gate");
  AdmittedPublisher first, second;
  hand_over(gate, first, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 1; }));
  trouble::hang_at_the_end();
  hand_over(gate, second, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::WorkerState>().back().sessions == 2; }));
  ASSERT_TRUE(gate.channel->send(wire::Drain{}));
  ASSERT_TRUE(run_until([&] { return !gate.all<wire::WorkerState>().back().accepting; }));
  EXPECT_FALSE(gate.closed_session(2));
  trouble::let_go();
  ASSERT_TRUE(run_until([&] { return gate.closed_session(1) && gate.closed_session(2); }));
  EXPECT_EQ(gate.closed_session(2)->reason, "error:draining");
  EXPECT_TRUE(second.is_told("1503 DOWN: draining"));
  EXPECT_EQ(gate.all<wire::SessionOpened>().size(), 1u);
}

TEST_F(WorkerTest, WhoWaitsHasHisPlaceOnAFullWorker) {
  start_troubled({});
  Peer gate = peer("gate");
  AdmittedPublisher publishers[4];
  hand_over(gate, publishers[0], 1, 1);
  hand_over(gate, publishers[1], 2, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  trouble::hang_at_the_end();
  hand_over(gate, publishers[2], 3, 1);
  hand_over(gate, publishers[3], 4, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::WorkerState>().back().sessions == 4; }));
  trouble::let_go();
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 4; }));
  EXPECT_FALSE(gate.closed_session(3));
  EXPECT_FALSE(gate.closed_session(4));
}

TEST_F(WorkerTest, WhoWaitsWhenAWorkerIsGivenUpIsToldWhy) {
  start_troubled({});
  Peer gate = peer("gate");
  AdmittedPublisher first, second, other;
  hand_over(gate, first, 1, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 1; }));
  trouble::hang_at_the_end();
  hand_over(gate, second, 2, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::WorkerState>().back().sessions == 2; }));
  trouble::archive_is(trouble::Archive::disk_broken);
  hand_over(gate, other, 3, 2);
  ASSERT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  trouble::archive_is(trouble::Archive::well);
  EXPECT_EQ(gate.closed_session(2)->reason, "error:archive: the archive's disk fails");
  EXPECT_TRUE(second.is_told("1507 NO-STORAGE: archive: the archive's disk fails"));
  EXPECT_FALSE(gate.closed_session(1)) << "it hangs still";
  trouble::let_go();
  ASSERT_TRUE(run_until([&] { return gate.closed_session(1) && gate.closed_session(3); }));
}

}  // namespace
}  // namespace headgate::worker
