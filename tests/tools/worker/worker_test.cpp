// SPDX-License-Identifier: LGPL-2.1-or-later
// A worker's sessions, from the handover to their end.
#include <rtmp/flv.h>
#include <ticket/ticket.h>

#include <algorithm>

#include "worker_fixture.h"

namespace headgate::worker {
namespace {

TEST_F(WorkerTest, ASessionIsToldFromItsBeginningToItsEnd) {
  Peer gate = peer("gate"), origin = peer("origin"), supervisor = peer("supervisor");
  ASSERT_TRUE(run_until([&] { return !supervisor.all<wire::Status>().empty(); }));
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 41);
  ASSERT_TRUE(run_until([&] { return !gate.all<wire::SessionOpened>().empty(); }));
  publisher.metadata(true, true);
  publisher.file(media());
  ASSERT_TRUE(run_until([&] { return origin.index().segments().size() >= 2; }));
  EXPECT_TRUE(publisher.is_told("NetStream.Publish.Start"));

  // An origin that comes late is told everything too.
  Peer late = peer("origin");
  ASSERT_TRUE(run_until([&] { return late.index().segments().size() >= 2; }));
  EXPECT_EQ(late.all<wire::SessionOpened>().at(0).session, 41u);

  publisher.unpublish();
  ASSERT_TRUE(run_until(
      [&] { return origin.closed_session(41) && gate.closed_session(41) && late.closed_session(41); }));
  EXPECT_EQ(origin.closed_session(41)->reason, "unpublish");
  playlist::StreamIndex index = origin.index();
  EXPECT_FALSE(index.run_open()) << "the run's end comes before the session's";
  ASSERT_GE(index.segments().size(), 3u);
  EXPECT_EQ(late.index().segments().size(), index.segments().size());
  int64_t ticks = 0;
  for (const auto& segment : index.segments()) ticks += segment.record.duration;
  EXPECT_NEAR(static_cast<double>(ticks) / playlist::kTimescale, 7.0, 0.1);
  // The gate does not care for records.
  EXPECT_TRUE(gate.all<wire::StreamRecords>().empty());
  ASSERT_TRUE(run_until([&] { return supervisor.all<wire::WorkerState>().back().sessions == 0; }));
}

TEST_F(WorkerTest, TheSameStationAgainEndsTheFormerSessionFirst) {
  Peer gate = peer("gate"), origin = peer("origin");
  AdmittedPublisher first, second;
  hand_over(gate, first, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 1; }));
  first.metadata(true, true);
  first.file(media());
  ASSERT_TRUE(run_until([&] { return origin.index().segments().size() >= 2; }));
  hand_over(gate, second, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  ASSERT_TRUE(gate.closed_session(1));
  EXPECT_EQ(gate.closed_session(1)->reason, "kick:superseded");
  auto told_before = [&](const auto& message) {
    auto* opened = std::get_if<wire::SessionOpened>(&message);
    return opened && opened->session == 2;
  };
  auto closed = std::find_if(gate.heard.begin(), gate.heard.end(),
                             [](const auto& m) { return std::holds_alternative<wire::SessionClosed>(m); });
  EXPECT_LT(closed, std::find_if(gate.heard.begin(), gate.heard.end(), told_before));
  second.metadata(true, true);
  second.file(media());
  second.unpublish();
  ASSERT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  EXPECT_EQ(gate.closed_session(2)->reason, "unpublish");
  playlist::StreamIndex index = origin.index();
  auto breaks = std::count_if(index.segments().begin(), index.segments().end(),
                              [](const auto& segment) { return segment.record.discontinuity; });
  EXPECT_EQ(breaks, 1);
}

TEST_F(WorkerTest, ConnectionsThatSayNonsenseOrNothingEndWithAReason) {
  Peer gate = peer("gate");
  AdmittedPublisher nonsense, silent;
  hand_over(gate, nonsense, 1, 1);
  hand_over(gate, silent, 2, 2);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  nonsense.message(9, 0, ByteVector(3, std::byte{0xff}));
  nonsense.disconnect();
  ASSERT_TRUE(run_until([&] { return gate.closed_session(1) != nullptr; }));
  ASSERT_TRUE(gate.channel->send(wire::Kick{2, "operator"}));
  ASSERT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  EXPECT_EQ(gate.closed_session(2)->reason, "kick:operator");
}

TEST_F(WorkerTest, WhoSendsMoreThanTheTicketAllowsIsToldAndEnded) {
  Peer gate = peer("gate");
  AdmittedPublisher within, over;
  hand_over(gate, within, 1, 1, 100'000);
  hand_over(gate, over, 2, 2, 1);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  // 40 kbit/s of audio (its bytes are all that matters), while the worker looks once a second.
  ByteVector frame(500, std::byte{0x21});
  frame[0] = std::byte{0xaf}, frame[1] = std::byte{1};
  uint32_t ms = 7000;
  for (AdmittedPublisher* one : {&within, &over}) {
    one->metadata(true, true);
    one->file(media());
  }
  auto sending = loop_.every_ms(100, [&] {
    ms += 21;
    for (AdmittedPublisher* one : {&within, &over}) one->try_message(rtmp::kAudio, ms, frame);
  });
  ASSERT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  loop_.cancel(sending);
  std::string reason = gate.closed_session(2)->reason;
  EXPECT_EQ(reason.find("kick:1406 OVER-RATE: "), 0u) << reason;
  EXPECT_NE(reason.find("this ticket allows 1."), reason.npos) << reason;
  EXPECT_TRUE(over.is_told("1406 OVER-RATE"));
  EXPECT_FALSE(gate.closed_session(1));
}

TEST_F(WorkerTest, WhoSendsACodecThatTheTicketDoesNotNameIsToldAndEnded) {
  Peer gate = peer("gate");
  AdmittedPublisher both, video_only;
  hand_over(gate, both, 1, 1, 0, ticket::kH264 | ticket::kAac);
  hand_over(gate, video_only, 2, 2, 0, ticket::kH264);
  ASSERT_TRUE(run_until([&] { return gate.all<wire::SessionOpened>().size() == 2; }));
  for (AdmittedPublisher* one : {&both, &video_only}) {
    one->metadata(true, true);
    one->file(media());
  }
  ASSERT_TRUE(run_until([&] { return gate.closed_session(2) != nullptr; }));
  EXPECT_EQ(gate.closed_session(2)->reason,
            "kick:1415 CODEC: this ticket is not for AAC. Choose another encoder.");
  EXPECT_TRUE(video_only.is_told("1415 CODEC"));
  EXPECT_FALSE(gate.closed_session(1));
}

TEST_F(WorkerTest, StoppedItClosesEveryRun) {
  Peer gate = peer("gate"), origin = peer("origin");
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 1);
  ASSERT_TRUE(run_until([&] { return !gate.all<wire::SessionOpened>().empty(); }));
  publisher.metadata(true, true);
  publisher.file(media());
  ASSERT_TRUE(run_until([&] { return origin.index().segments().size() >= 2; }));
  loop_.after_ms(0, [&] { worker_->stop(); });
  loop_.run();
  EXPECT_EQ(worker_->exit_code(), 0);
  worker_.reset();
  ASSERT_TRUE(run_until([&] { return origin.closed; }));
  ASSERT_TRUE(origin.closed_session(1));
  EXPECT_EQ(origin.closed_session(1)->reason, "kick:shutdown");
  EXPECT_FALSE(origin.index().run_open());
  EXPECT_EQ(test::files_under(scratch_.path(), ".part").size(), 0u);
}

TEST_F(WorkerTest, OnlyOneWorkerHasANumber) {
  Settings settings;
  settings.id = 3;
  settings.runtime_dir = settings.root = scratch_.path();
  Worker second(loop_, settings);
  EXPECT_FALSE(second.start());
}

}  // namespace
}  // namespace headgate::worker
