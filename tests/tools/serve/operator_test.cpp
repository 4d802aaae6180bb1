// SPDX-License-Identifier: LGPL-2.1-or-later
// The supervisor's part of control: events that are told again, verbs, a node that is being emptied.
#include <base/clock.h>
#include <gtest/gtest.h>
#include <serve/draining.h>
#include <serve/gate_keys.h>
#include <serve/node_events.h>
#include <serve/operations.h>

#include <filesystem>
#include <vector>

namespace headgate::serve {
namespace {

struct Told {
  std::vector<wire::NodeEvent> events;
  bool there = true;
  NodeEvents::Send send() {
    return [this](const wire::Message& message) {
      if (there) events.push_back(std::get<wire::NodeEvent>(message));
      return there;
    };
  }
};

TEST(NodeEvents, HaveIdsThatAscendAlsoWhenTheClockDoesNot) {
  ManualClock clock(5'000'000, 1);
  Told told;
  NodeEvents events(clock, told.send());
  EXPECT_EQ(events.add("node.ready", Severity::info,
                       {{"text", "it \"serves\""}, {"port", 7}, {"http", "a\"b"}, {"on", true}}),
            5'000'000u);
  clock.step_utc_us(-4'000'000);
  EXPECT_EQ(events.add("worker.died", Severity::error, {}), 5'000'001u);
  ASSERT_EQ(told.events.size(), 2u);
  EXPECT_EQ(told.events[0].text, "it \"serves\"");
  EXPECT_EQ(told.events[0].json, R"({"port":7,"http":"a\"b","on":true})");
  EXPECT_EQ(told.events[0].severity, "info");
  EXPECT_EQ(told.events[1].json, "{}");
  EXPECT_EQ(told.events[1].utc_us, 1'000'000);
}

TEST(NodeEvents, TheLastOnesAreToldToWhoComesLate) {
  ManualClock clock(1, 1);
  Told told;
  told.there = false;
  NodeEvents events(clock, told.send());
  for (size_t i = 0; i < kMaxNodeEvents + 10; ++i) events.add("node.reload", Severity::info, {});
  EXPECT_TRUE(told.events.empty());
  told.there = true;
  events.tell_all();
  ASSERT_EQ(told.events.size(), kMaxNodeEvents);
  EXPECT_EQ(told.events.front().id, 11u);
}

TEST(Operations, AVerbGetsItsArgumentsAndAnswersUnderTheRequestsId) {
  Operations operations;
  operations.add("kick", [](const Arguments& arguments, const Operations::Done& done) {
    EXPECT_EQ(arguments.text("session"), "17");
    EXPECT_EQ(arguments.number("worker"), 3);
    EXPECT_EQ(arguments.number("session"), std::nullopt);
    EXPECT_EQ(arguments.text("worker"), "");
    EXPECT_FALSE(arguments.truth("reconnect", true));
    EXPECT_TRUE(arguments.truth("none", true));
    done(202, "{}");
  });
  std::vector<wire::Message> answers;
  auto answer = [&](const wire::Message& message) { answers.push_back(message); };
  operations.carry_out({4, "kick", R"({"session":"17","worker":3,"reconnect":false})"}, answer);
  operations.carry_out({5, "dance", "nonsense"}, answer);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0], wire::Message(wire::Operated{4, 202, "{}"}));
  EXPECT_EQ(std::get<wire::Operated>(answers[1]).code, 501u);
}

TEST(NodeEvents, SayWhoWantedItAndWhy) {
  ManualClock clock(1, 1);
  Told told;
  NodeEvents events(clock, told.send());
  const Arguments arguments(R"({"by":"chief","from":"192.0.2.7","why":"the \"day\" is over","station":4})");
  events.add("node.draining", Severity::info, {{"text", "x"}, {"sessions", 3}}, arguments.actor());
  events.add("node.undrained", Severity::info, {}, Arguments(R"({"by":"chief"})").actor());
  ASSERT_EQ(told.events.size(), 2u);
  EXPECT_EQ(told.events[0].json,
            R"({"sessions":3,"by":"chief","from":"192.0.2.7","reason":"the \"day\" is over"})");
  EXPECT_EQ(told.events[1].json, R"({"by":"chief"})");
}

TEST(GateKeys, AreToldWhenTheyAreOthersOrWrong) {
  ManualClock clock(1, 1);
  Told told;
  NodeEvents events(clock, told.send());
  GateKeys keys(events);
  auto say = [&](const char* json) { return keys.told({"gate", 7, json}); };
  EXPECT_EQ(keys.json(), "null");
  EXPECT_FALSE(say(R"({"accepted":1})")) << "of a version that does not say";
  EXPECT_EQ(keys.json(), "null");
  EXPECT_TRUE(say(R"({"kids":"1","keys_digest":"aa","keys_problem":""})"));
  EXPECT_FALSE(say(R"({"accepted":2,"kids":"1","keys_digest":"aa","keys_problem":""})"));
  EXPECT_EQ(keys.json(), R"({"kids":"1","digest":"aa"})");
  EXPECT_TRUE(told.events.empty()) << "it was so before";
  EXPECT_TRUE(say(R"({"kids":"1,2","keys_digest":"bb","keys_problem":""})"));
  EXPECT_TRUE(say(R"({"kids":"1,2","keys_digest":"bb","keys_problem":"none there"})"));
  EXPECT_FALSE(say(R"({"kids":"1,2","keys_digest":"bb","keys_problem":"none there"})"));
  EXPECT_EQ(keys.json(), R"({"kids":"1,2","digest":"bb","problem":"none there"})");
  EXPECT_TRUE(say(R"({"kids":"1,2","keys_digest":"bb","keys_problem":""})"));
  ASSERT_EQ(told.events.size(), 3u);
  EXPECT_EQ(told.events[0].kind + told.events[0].json, R"(keys.taken{"kids":"1,2"})");
  EXPECT_EQ(told.events[1].kind + told.events[1].json, R"(keys.refused{"kids":"1,2","reason":"none there"})");
  EXPECT_EQ(told.events[1].severity, "error");
  EXPECT_EQ(told.events[2].kind, "keys.taken") << "what was wrong is mended";
  // A supervisor that begins tells of what is wrong.
  GateKeys next(events);
  EXPECT_TRUE(next.told({"gate", 7, R"({"kids":"1","keys_digest":"aa","keys_problem":"bad"})"}));
  EXPECT_EQ(told.events.back().kind, "keys.refused");
}

TEST(Draining, OutlivesWhoBeganItUntilItEnds) {
  char path[] = "/tmp/hg-drain-XXXXXX";
  const std::string folder = ::mkdtemp(path);
  {
    Draining draining(folder);
    draining.load();
    EXPECT_FALSE(draining.on());
    EXPECT_EQ(draining.json(), "null");
    ASSERT_TRUE(draining.begin(1'789'365'600'000'000));
    ASSERT_TRUE(draining.begin(1'999'999'999'000'000)) << "it has begun already";
  }
  Draining draining(folder);
  draining.load();
  EXPECT_EQ(draining.json(), R"({"since_utc":"2026-09-14T06:00:00.000Z"})");
  EXPECT_TRUE(draining.emptied());
  EXPECT_FALSE(draining.emptied());
  Draining next(folder);
  next.load();
  EXPECT_TRUE(next.on());
  EXPECT_FALSE(next.emptied()) << "the supervisor before has told it";
  next.end();
  ASSERT_TRUE(next.begin(1'999'999'999'000'000));
  EXPECT_TRUE(next.emptied()) << "it is another time";
  next.end();
  Draining after(folder);
  after.load();
  EXPECT_FALSE(after.on());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace headgate::serve
