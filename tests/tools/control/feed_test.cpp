// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions of a worker that speaks another protocol: nobody says that they are over while it lives. And which
// of several a station's session is.
#include <base/clock.h>
#include <base/json.h>
#include <control/feed.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wire/channel.h>
#include <wire/version.h>

#include <cstring>

#include "loop_test.h"

namespace headgate::control {
namespace {

// A process that listens as worker 3, greets in another protocol, and lives until it is let go.
class OtherWorker {
 public:
  explicit OtherWorker(const std::string& folder) {
    const std::string path = folder + "/worker-3.sock";
    const int listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    int leave[2];
    if (::pipe(leave) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(leave[1]);
      if (::listen(listener, 8) != 0) std::_Exit(1);  // the peer that the kernel names is who listens
      char byte;
      if (::write(ready_[1], "", 1) != 1) std::_Exit(1);
      const int peer = ::accept(listener, nullptr, nullptr);
      const auto hello = wire::greeting({wire::kVersion.major + 1, 0});
      if (::send(peer, hello.data(), hello.size(), 0) < 0) std::_Exit(1);
      std::_Exit(::read(leave[0], &byte, 1) == 0 ? 0 : 1);
    }
    ::close(listener);
    ::close(leave[0]);
    leave_ = leave[1];
    char byte;
    if (::read(ready_[0], &byte, 1) != 1) std::abort();
  }
  ~OtherWorker() { end(); }
  void end() {
    if (leave_ < 0) return;
    ::close(std::exchange(leave_, -1));
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  struct Pipe {
    int ends[2];
    Pipe() {
      if (::pipe(ends) != 0) std::abort();
    }
    int operator[](int end) const { return ends[end]; }
  };
  Pipe ready_;
  pid_t pid_ = 0;
  int leave_ = -1;
};

// Listens in this process, and tells what it is to.
class FakeWorker {
 public:
  FakeWorker(Loop& loop, const std::string& path, uint32_t number) : number_(number) {
    auto acceptor = wire::Acceptor::listen(loop, path, [this](std::unique_ptr<wire::Channel> channel) {
      channel_ = std::move(channel);
      channel_->start([](const wire::Message&, const std::vector<UniqueFd>&) {}, [] {});
      channel_->send(wire::WorkerState{number_, 1, 0, 9, true, ""});
    });
    if (!acceptor) std::abort();
    acceptor_ = *std::move(acceptor);
  }
  bool connected() const { return channel_ != nullptr; }
  void opened(uint64_t session, uint32_t event, int64_t since_utc_us) {
    channel_->send(
        wire::SessionOpened{session, event, 7, "", "192.0.2.1:1", "srt", "someone", since_utc_us, -1});
  }
  wire::Channel& channel() { return *channel_; }
  void health(uint64_t session, const std::string& json) {
    channel_->send(wire::SessionHealth{session, 1, 7, 0, 0, 0, json});
  }
  void closed(uint64_t session) { channel_->send(wire::SessionClosed{session, 1, 7, "unpublish"}); }

 private:
  const uint32_t number_;
  std::unique_ptr<wire::Acceptor> acceptor_;
  std::unique_ptr<wire::Channel> channel_;
};

class FeedTest : public test::LoopTest {
 protected:
  void SetUp() override {
    EventLog log(system_clock(), folder_ + "/events");
    log.open();
    log.add("session.opened", kInfo, "one", R"({"session":"5","worker":3})");
    log.add("session.opened", kInfo, "two", R"({"session":"6","worker":4})");
    log.add("session.opened", kInfo, "three", R"({"session":"7","worker":null})");
  }

  // "5 session.unknown", in order, of what was added since.
  static std::vector<std::string> told(const EventLog& log) {
    std::vector<std::string> out;
    for (const auto& kept : log.after(3, 100)) {
      const auto facts = facts_of(kept.line);
      out.push_back(facts->session + " " + facts->kind);
    }
    return out;
  }
};

TEST_F(FeedTest, SessionsOfAWorkerOfAnotherProtocolAreOpenUntilItEnds) {
  OtherWorker worker(folder_);
  EventLog log(system_clock(), folder_ + "/events");
  log.open();
  Feed feed(loop_, system_clock(), folder_, log);
  ASSERT_TRUE(feed.start());
  ASSERT_TRUE(wait_for([&] { return log.last_id() >= 6; }));
  EXPECT_EQ(told(log),
            (std::vector<std::string>{"5 session.unknown", "6 session.closed", "7 session.closed"}));
  worker.end();
  ASSERT_TRUE(wait_for([&] { return log.last_id() >= 7; }));
  EXPECT_EQ(told(log).back(), "5 session.closed");
}

// Numbers of a gate that retires are lower than those of its successor, and both let publishers in; those of
// one that was started when the clock had been set back are lower than older ones.
TEST_F(FeedTest, AStationsSessionIsTheOneThatBeganLast) {
  constexpr int64_t kSecond = 1'000'000, kHour = 3600 * kSecond;
  ManualClock clock(1000 * kHour, 500 * kSecond);
  EventLog log(clock, folder_ + "/events");
  log.open();
  Feed feed(loop_, clock, folder_, log);
  ASSERT_TRUE(feed.start());
  FakeWorker first(loop_, folder_ + "/worker-1.sock", 1), second(loop_, folder_ + "/worker-2.sock", 2);
  FakeWorker own(loop_, folder_ + "/pipeline-hall.sock", tools::kFirstPipelineNumber + 1);
  ASSERT_TRUE(wait_for([&] { return first.connected() && second.connected() && own.connected(); }));
  const auto after = [&](uint64_t session, bool there) {
    EXPECT_TRUE(wait_for([&] { return (feed.find(session) != nullptr) == there; }));
    const Session* one = feed.of_station(7);
    return one ? one->opened.session : 0;
  };
  const int64_t begun_us = clock.utc_us() - 100 * kSecond;
  // As a control that is started meanwhile is told of them, in any order.
  first.opened(100, 1, begun_us + 10 * kSecond);
  EXPECT_EQ(after(100, true), 100U);
  second.opened(200, 1, begun_us);
  EXPECT_EQ(after(200, true), 100U) << "the older one has the higher number";
  // As they come, the clock having been set back.
  clock.advance_us(kSecond);
  clock.step_utc_us(-kHour);
  first.opened(50, 1, clock.utc_us());
  EXPECT_EQ(after(50, true), 50U);
  // And what the node archives itself, newer than all, of this event and of another one.
  clock.advance_us(kSecond);
  own.opened(300, 1, clock.utc_us());
  EXPECT_EQ(after(300, true), 50U);
  own.opened(400, 9, clock.utc_us());
  EXPECT_EQ(after(400, true), 50U);
  EXPECT_EQ(feed.of_station(7, 9)->opened.session, 400U);
  EXPECT_EQ(feed.of_station(7, 1)->opened.session, 50U);
  EXPECT_EQ(feed.of_station(8), nullptr);
  EXPECT_EQ(feed.of_station(7, 2), nullptr);
  first.closed(50);
  EXPECT_EQ(after(50, false), 100U);
  first.closed(100);
  EXPECT_EQ(after(100, false), 200U);
  second.closed(200);
  EXPECT_EQ(after(200, false), 400U) << "nobody publishes any more";
}

TEST_F(FeedTest, RenditionsThatArePausedAreToldOnceAndNotTooOften) {
  ManualClock clock(1'000'000'000'000, 500'000'000);
  EventLog log(clock, folder_ + "/events");
  log.open();
  Feed feed(loop_, clock, folder_, log);
  ASSERT_TRUE(feed.start());
  FakeWorker worker(loop_, folder_ + "/worker-1.sock", 1);
  ASSERT_TRUE(wait_for([&] { return worker.connected(); }));
  worker.opened(100, 1, clock.utc_us());
  ASSERT_TRUE(wait_for([&] { return feed.find(100) != nullptr; }));
  // What is told of renditions, once as many bytes were: "720p paused processors".
  uint64_t count = 0;
  const auto told = [&](const std::string& json) {
    worker.health(100, json);
    worker.channel().send(wire::SessionHealth{100, 1, 7, 0, ++count, 0, ""});
    EXPECT_TRUE(wait_for([&] { return feed.find(100)->received_bytes == count; }));
    std::vector<std::string> out;
    for (const auto& kept : log.after(0, 100)) {
      const Json line = Json::object_of(kept.line);
      const Json& fields = line.at("fields");
      if (!line.text("kind").starts_with("rendition.")) continue;
      EXPECT_EQ(fields.text("session"), "100");
      EXPECT_EQ(fields.integer("station"), 7);
      EXPECT_EQ(fields.text("since_utc"), "then");
      EXPECT_EQ(line.text("severity"), line.text("kind") == "rendition.paused" ? kWarning : kInfo);
      out.push_back(fields.text("rendition") + " " + line.text("kind").substr(10) + " " +
                    fields.text("cause"));
    }
    return out;
  };
  const auto paused = [](const std::string& name) {
    return R"({"rendition":")" + name + R"(","reason":"too much","cause":"processors","since_utc":"then"})";
  };
  const std::string one = R"({"paused":[)" + paused("720p") + "]}",
                    two = R"({"paused":[)" + paused("480p") + "," + paused("720p") + "]}";
  std::vector<std::string> expected = {"720p paused processors"};
  EXPECT_EQ(told("{}"), std::vector<std::string>());
  EXPECT_EQ(told(one), expected);
  EXPECT_EQ(told(one), expected) << "once";
  EXPECT_EQ(told(two), expected) << "not yet";
  clock.advance_us(kHealthPauseUs);
  expected.push_back("480p paused processors");
  EXPECT_EQ(told(two), expected);
  EXPECT_EQ(told("{}"), expected);
  EXPECT_EQ(told(two), expected);
  clock.advance_us(kHealthPauseUs);
  EXPECT_EQ(told(two), expected) << "what came and went";
  EXPECT_EQ(told(one), (expected.push_back("480p resumed "), expected));
  clock.advance_us(kHealthPauseUs);
  EXPECT_EQ(told("{}"), (expected.push_back("720p resumed "), expected)) << "without other news of it";
}

TEST_F(FeedTest, AStationWhoseSessionsFailAgainAndAgainIsAnAlarmOnce) {
  ManualClock clock(1'000'000'000'000, 500'000'000);
  EventLog log(clock, folder_ + "/events");
  log.open();
  Feed feed(loop_, clock, folder_, log);
  ASSERT_TRUE(feed.start());
  FakeWorker worker(loop_, folder_ + "/worker-2.sock", 2);
  ASSERT_TRUE(wait_for([&] { return worker.connected(); }));
  uint64_t session = 100;
  // As it refuses one of that station; told in all.
  const auto refuse = [&](uint32_t station, const std::string& reason) {
    worker.channel().send(wire::SessionClosed{++session, 1, station, reason});
    worker.opened(++session, 1, clock.utc_us());  // what came before it has been heard
    EXPECT_TRUE(wait_for([&] { return feed.find(session) != nullptr; }));
    std::vector<Json> out;
    for (const auto& kept : log.after(0, 100))
      if (Json line = Json::object_of(kept.line); line.text("kind") == "session.alarm") out.push_back(line);
    return out;
  };
  const std::string failed = std::string(wire::kTooManyErrorsFront) + "10 times within a minute";
  EXPECT_EQ(refuse(7, "error:worker is full").size(), 0U);
  const auto first = refuse(7, failed);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].text("severity"), kError);
  EXPECT_EQ(first[0].at("fields").json(),
            R"({"event":1,"station":7,"worker":2,"reason":"its pipeline failed 10 times within a minute"})");
  clock.advance_us(kAlarmPauseUs - 1);
  EXPECT_EQ(refuse(7, failed).size(), 1U) << "still the same";
  EXPECT_EQ(refuse(8, failed).size(), 2U) << "another one";
  clock.advance_us(kAlarmPauseUs - 1);
  EXPECT_EQ(refuse(7, failed).size(), 2U) << "it went on";
  clock.advance_us(kAlarmPauseUs);
  EXPECT_EQ(refuse(7, failed).size(), 3U);
}

}  // namespace
}  // namespace headgate::control
