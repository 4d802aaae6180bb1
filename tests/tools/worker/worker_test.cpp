// SPDX-License-Identifier: LGPL-2.1-or-later
// A worker with the real elements and the real description, spoken to over its socket as gate, origin and
// supervisor do.
#include <gst/gst.h>
#include <playlist/stream_index.h>
#include <plugins/publisher.h>
#include <rtmp/flv.h>
#include <ticket/ticket.h>
#include <wire/channel.h>
#include <worker/worker.h>

#include <base/io.h>

#include <algorithm>
#include <filesystem>

#include "troubled_element.h"

namespace headgate::worker {
namespace {

using test::AdmittedPublisher;

constexpr uint32_t kEvent = 7, kStation = 12;

// One end that connects to the worker and keeps what it hears.
struct Peer {
  std::unique_ptr<wire::Channel> channel;
  std::vector<wire::Message> heard;
  bool closed = false;

  Peer(Loop& loop, const std::string& path, const std::string& role) {
    auto opened = wire::Channel::connect(loop, path);
    EXPECT_TRUE(opened) << opened.error().message;
    channel = *std::move(opened);
    channel->start(
        [this](wire::Message message, std::vector<UniqueFd>) { heard.push_back(std::move(message)); },
        [this] { closed = true; });
    channel->send(wire::Hello{role});
  }

  template <typename T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const auto& message : heard)
      if (auto* one = std::get_if<T>(&message)) out.push_back(*one);
    return out;
  }
  const wire::SessionClosed* closed_session(uint64_t session) const {
    for (const auto& message : heard)
      if (auto* one = std::get_if<wire::SessionClosed>(&message); one && one->session == session) return one;
    return nullptr;
  }
  // The index that an origin would have.
  playlist::StreamIndex index() const {
    playlist::StreamIndex out;
    for (const auto& batch : all<wire::StreamRecords>()) {
      ByteReader reader(batch.records);
      while (reader.remaining() > 0) {
        auto record = playlist::decode(reader.bytes(reader.u32()));
        EXPECT_TRUE(record && reader.ok());
        if (record) out.add(*record);
      }
    }
    return out;
  }
};

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override { start(2); }

  // A session of these does nothing with its media, and what a "troubled" does.
  void start_troubled(Settings settings) {
    trouble::register_troubled();
    auto description =
        Description::parse(R"({"name": "t", "elements": "ticketsrc name=source tick-ms=10 troubled"})", "t");
    ASSERT_TRUE(description) << description.error().message;
    settings.description = *description;
    start(2, std::move(settings), true);
  }

  void start(uint32_t capacity, Settings settings = {}, bool has_description = false) {
    worker_.reset();
    settings.id = 3;
    settings.runtime_dir = settings.root = scratch_.path();
    settings.node = "n01";
    settings.capacity = capacity;
    settings.parameters = {{"tick-ms", "10"}, {"idle-ms", "60000"}};
    if (!has_description) {
      auto description = Description::load(PIPELINES "/station.json");
      ASSERT_TRUE(description) << description.error().message;
      settings.description = *description;
    }
    settings.event = kEvent;
    settings.claims = {.window_us = 1'000'000, .cut_us = 2'000'000, .tolerance_percent = 10};
    worker_ = std::make_unique<Worker>(loop_, std::move(settings));
    auto started = worker_->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  Peer peer(const std::string& role) { return Peer(loop_, scratch_.path() + "/worker-3.sock", role); }

  bool run_until(const std::function<bool()>& done) {
    bool late = false;
    auto timer = loop_.after_ms(test::kPatienceMs, [&] { late = true; });
    while (!done() && !late) loop_.run_once(-1);
    loop_.cancel(timer);
    return done();
  }

  void hand_over(Peer& gate, AdmittedPublisher& publisher, uint64_t session, uint32_t station = kStation,
                 uint32_t max_kbps = 0, uint32_t codecs = 0) {
    wire::Handoff handoff;
    handoff.session = session;
    handoff.event = kEvent;
    handoff.station = station;
    handoff.ticket_id = "aa";
    handoff.peer = "192.0.2.1:5";
    handoff.protocol = "rtmp";
    handoff.claim = "first";
    handoff.max_kbps = max_kbps;
    handoff.codecs = codecs;
    handoff.state = publisher.session_state();
    ASSERT_TRUE(gate.channel->send(handoff, {publisher.session_fd()}));
    publisher.handed_over();
  }

  static const test::MediaFile& media() {
    static const test::MediaFile file = test::encode(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 7 -c:v libx264 -bf 0 -g 25 -c:a "
        "aac");
    return file;
  }

  test::ScratchDirectory scratch_;
  Loop loop_;
  std::unique_ptr<Worker> worker_;
};

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
  EXPECT_TRUE(gate.closed_session(2)->reason.starts_with("error:")) << gate.closed_session(2)->reason;
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
