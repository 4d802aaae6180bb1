// SPDX-License-Identifier: LGPL-2.1-or-later
// A ladder's rungs between an origin and a session's pipeline.
#include <base/json.h>

#include "worker_fixture.h"

namespace headgate::worker {
namespace {

std::vector<wire::StreamRecords> of(const Peer& origin, const std::string& rendition) {
  std::vector<wire::StreamRecords> out;
  for (const auto& batch : origin.all<wire::StreamRecords>())
    if (batch.rendition == rendition) out.push_back(batch);
  return out;
}

TEST_F(WorkerTest, AnOriginsWishReachesThePipelineAndItsRecordsHaveTheRenditionsName) {
  start_troubled({});
  Peer gate = peer("gate"), origin = peer("origin");
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 5);
  ASSERT_TRUE(run_until([&] { return !origin.all<wire::SessionOpened>().empty(); }));
  origin.channel->send(wire::WantRendition{4, "720p"});     // no such session
  origin.channel->send(wire::WantRendition{5, "../720p"});  // no such name
  origin.channel->send(wire::WantRendition{5, "720p"});
  ASSERT_TRUE(run_until([&] { return !of(origin, "720p").empty(); }));
  const wire::StreamRecords batch = of(origin, "720p").at(0);
  EXPECT_EQ(batch.session, 5u);
  EXPECT_EQ(batch.station, kStation);
  ByteReader reader(batch.records);
  const auto record = playlist::decode(reader.bytes(reader.u32()));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(std::get<playlist::RenditionRecord>(*record).state, playlist::RenditionState::running);
  EXPECT_EQ(origin.all<wire::StreamRecords>().size(), 1u);
  // Said again, it is kept once; an origin that comes later is told.
  origin.channel->send(wire::WantRendition{5, "720p"});
  ASSERT_TRUE(run_until([&] { return of(origin, "720p").size() == 2; }));
  Peer late = peer("origin");
  ASSERT_TRUE(run_until([&] { return !of(late, "720p").empty(); }));
  EXPECT_EQ(of(late, "720p").at(0).records, batch.records);
}

TEST_F(WorkerTest, ARenditionThatIsPausedIsToldToControlAndToTheSupervisor) {
  start_troubled({});
  Peer gate = peer("gate"), origin = peer("origin"), control = peer("control");
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 5);
  ASSERT_TRUE(run_until([&] { return !origin.all<wire::SessionOpened>().empty(); }));
  origin.channel->send(wire::WantRendition{5, "720p"});
  origin.channel->send(wire::WantRendition{5, trouble::kPaused});
  const auto health = [](const Peer& told) {
    Json out;
    for (const auto& one : told.all<wire::SessionHealth>())
      if (!one.json.empty()) out = Json::object_of(one.json);
    return out;
  };
  ASSERT_TRUE(run_until([&] { return health(control).has("paused") && health(origin).has("paused"); }));
  size_t paused = 0;
  health(control).each("paused", [&](const Json& one) {
    ++paused;
    EXPECT_EQ(one.text("rendition"), trouble::kPaused);
    EXPECT_EQ(one.text("reason"), "it is slow");
    EXPECT_EQ(one.text("cause"), "processors");
    EXPECT_FALSE(one.text("since_utc").empty());
  });
  EXPECT_EQ(paused, 1U);
  Peer supervisor = peer("supervisor");
  ASSERT_TRUE(run_until([&] { return !supervisor.all<wire::Status>().empty(); }));
  const Json status = Json::object_of(supervisor.all<wire::Status>().back().json);
  EXPECT_EQ(status.integer("ladder_rungs"), 2);
  EXPECT_EQ(status.integer("ladder_paused"), 1);
}

// Who asks for a picture gets it, and it is no rung: as many as may be encoded at a time are none here.
TEST_F(WorkerTest, APictureThatIsWantedIsToldToOrigins) {
  Settings settings;
  settings.max_rungs = 0;
  start_troubled(std::move(settings));
  Peer gate = peer("gate"), origin = peer("origin");
  AdmittedPublisher publisher;
  hand_over(gate, publisher, 5);
  ASSERT_TRUE(run_until([&] { return !origin.all<wire::SessionOpened>().empty(); }));
  origin.channel->send(wire::WantRendition{4, wire::kPoster});  // no such session
  origin.channel->send(wire::WantRendition{5, wire::kPoster});
  ASSERT_TRUE(run_until([&] { return !origin.all<wire::SessionPicture>().empty(); }));
  const Bytes bytes = as_bytes(trouble::kPicture);
  const wire::SessionPicture expected{5, kEvent, kStation, ByteVector(bytes.begin(), bytes.end())};
  EXPECT_EQ(origin.all<wire::SessionPicture>(), std::vector{expected});
  EXPECT_TRUE(gate.all<wire::SessionPicture>().empty());
}

}  // namespace
}  // namespace headgate::worker
