// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <pipeline/silence.h>

namespace headgate::pipeline {
namespace {

constexpr int64_t kThresholdMs = 10'000, kPeriodMs = 1000;

// Looks each period, as the runner does; `seconds` of them.
class Watched {
 public:
  std::optional<std::string> pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      now_ms_ += kPeriodMs;
      for (Silence::Sink& sink : sinks)
        if (sink.name == flowing) ++sink.buffers;
      if (auto reason = silence_.look(now_ms_, sinks, stalled)) return reason;
    }
    return std::nullopt;
  }
  std::vector<Silence::Sink> sinks{{"a"}, {"b"}};
  std::string flowing, stalled;
  int64_t now_ms_ = 5'000'000;

 private:
  Silence silence_{kThresholdMs};
};

TEST(Silence, IsLookedForTenTimesInItsTime) {
  EXPECT_EQ(Silence(kThresholdMs).period_ms(), kPeriodMs);
  EXPECT_EQ(Silence(60'000).period_ms(), 1000);
  EXPECT_EQ(Silence(kLeastSilenceMs).period_ms(), 50);
}

TEST(Silence, IsThatNothingComesToAnySink) {
  Watched watched;
  watched.flowing = "a";
  EXPECT_EQ(watched.pass(100), std::nullopt);
  watched.flowing = "";
  EXPECT_EQ(watched.pass(9), std::nullopt);
  watched.flowing = "b";  // one is enough
  EXPECT_EQ(watched.pass(1), std::nullopt);
  watched.flowing = "";
  EXPECT_EQ(watched.pass(9), std::nullopt);
  EXPECT_EQ(watched.pass(1), "nothing has come to any sink for 10 s: who sends is silent");
}

TEST(Silence, IsAlsoThatNothingEverCame) {
  Watched watched;
  watched.sinks = {{"out"}};
  EXPECT_EQ(watched.pass(10), std::nullopt);  // the first look is where it begins
  EXPECT_EQ(watched.pass(1), "nothing has come to out for 10 s: who sends is silent");
}

TEST(Silence, IsASinkThatIsBusyWithOneBuffer) {
  Watched watched;
  watched.flowing = "a";
  watched.sinks[1].busy = true;
  EXPECT_EQ(watched.pass(10), std::nullopt);
  EXPECT_EQ(watched.pass(1), "b has taken nothing for 10 s: who receives does not read, or a disk hangs");
  // Busy with another each time is what a sink is for.
  Watched good;
  good.flowing = "a";
  good.sinks[0].busy = true;
  EXPECT_EQ(good.pass(100), std::nullopt);
}

TEST(Silence, OfASinkThatWaitsForWorkIsNone) {
  Watched watched;
  watched.flowing = "a";  // b has a branch that is not used
  EXPECT_EQ(watched.pass(1000), std::nullopt);
}

TEST(Silence, IsAStreamThatStaysStalled) {
  Watched watched;
  watched.flowing = "a";
  watched.stalled = "video (probe)";
  EXPECT_EQ(watched.pass(10), std::nullopt);
  watched.stalled = "";
  EXPECT_EQ(watched.pass(1), std::nullopt);
  watched.stalled = "video (probe)";
  EXPECT_EQ(watched.pass(9), std::nullopt);
  EXPECT_EQ(watched.pass(1), "video (probe) has been stalled for 10 s");
}

TEST(Silence, OfOneWhoDidNotListenDoesNotCount) {
  Watched watched;
  EXPECT_EQ(watched.pass(2), std::nullopt);
  watched.now_ms_ += 3'600'000;  // stopped, or the machine slept
  EXPECT_EQ(watched.pass(7), std::nullopt);
  EXPECT_NE(watched.pass(1), std::nullopt);
}

TEST(Silence, OfAPipelineWithoutSinksIsNotKnown) {
  Watched watched;
  watched.sinks.clear();
  EXPECT_EQ(watched.pass(100), std::nullopt);
}

TEST(Silence, SinksMayBecomeMore) {
  Watched watched;
  EXPECT_EQ(watched.pass(5), std::nullopt);
  watched.sinks.push_back({"c"});
  watched.flowing = "c";
  EXPECT_EQ(watched.pass(100), std::nullopt);
}

}  // namespace
}  // namespace headgate::pipeline
