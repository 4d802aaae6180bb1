// SPDX-License-Identifier: LGPL-2.1-or-later
#include <guard/worker_health.h>

#include <gtest/gtest.h>

namespace headgate::guard {
namespace {

using Do = WorkerVerdict::Do;

constexpr uint64_t kMiB = 1024 * 1024;

// A worker of twenty streams, looked at once a second.
class WorkerHealthTest : public testing::Test {
 protected:
  void SetUp() override {
    look_.now_ms = 1'000'000;
    look_.sessions = 20;
    look_.usage = Usage{};
    look_.usage->resident_bytes = 100 * kMiB;
    look_.usage->max_fds = 1000;
    look_.usage->open_fds = 100;
    for (uint32_t i = 1; i <= 20; ++i) look_.marks.push_back({i, 77, i, 0, false});
  }
  // The first verdict within so many seconds, in which it uses so much of a processor.
  WorkerVerdict after(int seconds, double processors = 0.05) {
    for (seconds_ = 1; seconds_ <= seconds; ++seconds_) {
      look_.now_ms += 1000;
      look_.usage->cpu_us += static_cast<int64_t>(processors * 1e6);
      for (wire::Mark& mark : look_.marks)
        if (!stands_.count(mark.session)) mark.service += 10;
      if (auto verdict = health_.look(look_); verdict.what != Do::nothing) return verdict;
    }
    return {};
  }

  WorkerLimits limits_{};
  WorkerHealth health_{limits_};
  WorkerLook look_;
  std::map<uint64_t, bool> stands_;
  int seconds_ = 0;  // when the verdict came
};

TEST_F(WorkerHealthTest, AHealthyOneIsLeftAlone) {
  EXPECT_EQ(after(3600).what, Do::nothing);
  EXPECT_NEAR(*health_.round_ms(), 200, 1);
}

TEST_F(WorkerHealthTest, AThreadThatDoesNotComeBackIsTheWorkersEnd) {
  after(60);
  look_.marks[4].service += 1;
  stands_[5] = true;
  const auto verdict = after(40);
  EXPECT_EQ(verdict.what, Do::kill);
  EXPECT_EQ(verdict.kind, "still");
  EXPECT_NEAR(seconds_, 31, 1);
  EXPECT_NE(verdict.reason.find("station 5 of event 77"), std::string::npos) << verdict.reason;
  ASSERT_TRUE(verdict.of);
  EXPECT_EQ(verdict.of->station, 5u);
  EXPECT_EQ(verdict.reason.find("processor"), std::string::npos) << verdict.reason;
}

TEST_F(WorkerHealthTest, OneThatSpinsIsSeenSooner) {
  after(60);
  look_.marks[4].service += 1;
  for (const wire::Mark& mark : look_.marks) stands_[mark.session] = true;  // they share the thread
  const auto verdict = after(40, 1.0);
  EXPECT_EQ(verdict.what, Do::kill);
  EXPECT_NEAR(seconds_, 11, 1);
  EXPECT_NE(verdict.reason.find("using a processor"), std::string::npos) << verdict.reason;
}

TEST_F(WorkerHealthTest, AThreadThatIsGoneBetweenStreamsIsSeenByAllOfThem) {
  after(60);
  for (const wire::Mark& mark : look_.marks)
    if (mark.session != 20) stands_[mark.session] = true;
  EXPECT_EQ(after(120).what, Do::nothing) << "one that is on its way out is not served any more";
  stands_[20] = true;
  const auto verdict = after(40);
  EXPECT_EQ(verdict.what, Do::kill);
  EXPECT_EQ(verdict.reason, "no stream has been served for 30 s");
  look_.marks.clear();
  EXPECT_EQ(after(100).what, Do::nothing) << "nobody is to be served";
}

TEST_F(WorkerHealthTest, OneThatCannotDieIsToldOnce) {
  after(60);
  look_.marks[4].service += 1;
  stands_[5] = true;
  ASSERT_EQ(after(40).what, Do::kill);
  EXPECT_EQ(after(600).what, Do::nothing);
}

TEST_F(WorkerHealthTest, AMachineThatSleptIsNoThreadThatStoodStill) {
  after(60);
  look_.marks[4].service += 1;
  look_.usage->resident_bytes = 2'000 * kMiB;
  for (const wire::Mark& mark : look_.marks) stands_[mark.session] = true;
  EXPECT_EQ(after(25).what, Do::nothing);
  look_.now_ms += 3'600'000;  // over night; the first look comes before the threads
  EXPECT_EQ(after(29).what, Do::nothing);
  EXPECT_EQ(after(5).kind, "still") << "they do not come back: from the beginning";
}

TEST_F(WorkerHealthTest, WhatIsTooMuchIsSoForAMinuteOfTheMachinesOwn) {
  look_.usage->resident_bytes = 2'000 * kMiB;
  EXPECT_EQ(after(30).what, Do::nothing);
  look_.now_ms += 3'600'000;
  EXPECT_EQ(after(55).what, Do::nothing);
  EXPECT_EQ(after(10).what, Do::drain);
}

TEST_F(WorkerHealthTest, SlowRoundsAreMeasured) {
  after(20);
  for (int i = 0; i < 10; ++i) {
    look_.now_ms += 1000;
    for (wire::Mark& mark : look_.marks) mark.service += mark.session == 7 ? 1 : 10;
    health_.look(look_);
  }
  EXPECT_NEAR(*health_.round_ms(), 2000, 10) << "the slowest one's";
}

TEST_F(WorkerHealthTest, WhoHasMoreMemoryThanHisStreamsNeedIsReplacedAndThenEnded) {
  look_.usage->resident_bytes = (256 + 20 * 64 + 1) * kMiB;
  after(30);
  look_.usage->resident_bytes -= 2 * kMiB;
  EXPECT_EQ(after(60).what, Do::nothing) << "a peak";
  look_.usage->resident_bytes += 2 * kMiB;
  auto verdict = after(100);
  EXPECT_EQ(verdict.what, Do::drain);
  EXPECT_EQ(verdict.kind, "memory");
  EXPECT_NEAR(seconds_, 61, 1);
  EXPECT_EQ(verdict.reason, "has 1537 MiB of memory with 20 streams, for which 1536 are enough");
  verdict = after(700);
  EXPECT_EQ(verdict.what, Do::end);
  EXPECT_NEAR(seconds_, 600, 2);
}

TEST_F(WorkerHealthTest, MemoryThatIsSharedCountsInParts) {
  look_.usage->resident_bytes = 10'000 * kMiB;
  look_.usage->proportional_bytes = 500 * kMiB;
  EXPECT_EQ(after(100).what, Do::nothing);
}

// Before its share of what is in memory is known all of that would be counted as its own; and while it holds
// up who looks at it, what was seen last is no reason to end it.
TEST_F(WorkerHealthTest, MemoryThatWasNotLookedAtIsNotJudged) {
  limits_.memory_mib = 2000;
  health_.limit(limits_);
  look_.usage->resident_bytes = 10'000 * kMiB;
  look_.usage->look_age_ms = -1;
  EXPECT_EQ(after(100).what, Do::nothing);
  look_.usage->proportional_bytes = 1'900 * kMiB;
  look_.usage->open_fds = 999;
  look_.usage->look_age_ms = kStaleLookMs;
  EXPECT_EQ(after(100).what, Do::nothing);
  look_.usage->look_age_ms = kStaleLookMs - 1;
  EXPECT_EQ(after(59).what, Do::nothing) << "it counts from here";
  EXPECT_EQ(after(10).kind, "memory");
}

TEST_F(WorkerHealthTest, TheHardLimitIsHardAtOnce) {
  limits_.memory_mib = 2000;
  WorkerHealth health(limits_);
  look_.usage->resident_bytes = 2001 * kMiB;
  EXPECT_EQ(health.look(look_).what, Do::end);
}

// A leak of 20 MiB a second has taken the machine's memory long before anybody who is only drained has ended.
TEST_F(WorkerHealthTest, WithoutAHardLimitItIsFourTimesWhatStreamsMayHave) {
  look_.usage->resident_bytes = 4 * 1536 * kMiB;
  EXPECT_EQ(after(30).what, Do::nothing);
  look_.usage->resident_bytes += kMiB;
  const auto verdict = after(1);
  EXPECT_EQ(verdict.what, Do::end);
  EXPECT_EQ(verdict.kind, "memory");
  EXPECT_EQ(verdict.reason, "has 6145 MiB of memory with 20 streams; it may have 6144 in all");
  limits_.memory_mib = 0;
  health_.limit(limits_);
  EXPECT_EQ(after(25).what, Do::nothing) << "none is wanted";
}

TEST_F(WorkerHealthTest, RungsThatViewersAskForMayHaveMemoryToo) {
  look_.rungs = 2;
  look_.usage->resident_bytes = (1536 + 2 * 128) * kMiB;
  EXPECT_EQ(after(200).what, Do::nothing);
  look_.usage->resident_bytes += kMiB;
  const auto verdict = after(100);
  EXPECT_EQ(verdict.what, Do::drain);
  EXPECT_EQ(verdict.reason, "has 1793 MiB of memory with 20 streams and 2 rungs, for which 1792 are enough");
  look_.usage->resident_bytes = 4 * 1792 * kMiB;
  EXPECT_EQ(after(10).what, Do::nothing);
  look_.usage->resident_bytes += kMiB;
  EXPECT_EQ(after(1).what, Do::end);
}

TEST_F(WorkerHealthTest, ButNoMoreThanHalfOfTheMachine) {
  limits_.machine_mib = 8000;
  health_.limit(limits_);
  look_.usage->resident_bytes = 4000 * kMiB;
  EXPECT_EQ(after(10).what, Do::nothing);
  look_.usage->resident_bytes = 4001 * kMiB;
  EXPECT_EQ(after(1).what, Do::end);
  // Who takes what he may is left, however small the machine is.
  limits_.machine_mib = 1000;
  health_.limit(limits_);
  look_.usage->resident_bytes = 1536 * kMiB;
  EXPECT_EQ(after(100).what, Do::nothing);
  look_.usage->resident_bytes = 1537 * kMiB;
  EXPECT_EQ(after(1).what, Do::end);
}

// Its share of what is in memory is known each ten seconds; what is its own alone, each second.
TEST_F(WorkerHealthTest, TheHardLimitWaitsForNoLook) {
  limits_.memory_mib = 2000;
  health_.limit(limits_);
  look_.usage->look_age_ms = -1;
  look_.usage->anonymous_bytes = 2000 * kMiB;
  EXPECT_EQ(after(10).what, Do::nothing);
  look_.usage->anonymous_bytes = 2001 * kMiB;
  EXPECT_EQ(after(1).what, Do::end);
}

TEST_F(WorkerHealthTest, WhoBurnsMoreThanHisStreamsMayIsReplaced) {
  look_.sessions = 1;
  look_.marks.resize(1);
  auto verdict = after(150, 1.6);
  EXPECT_EQ(verdict.what, Do::drain);
  EXPECT_EQ(verdict.kind, "cpu");
  EXPECT_NEAR(seconds_, 121, 2) << "a minute's mean, for a minute";
  EXPECT_NE(verdict.reason.find("1.6 processors"), std::string::npos) << verdict.reason;
}

TEST_F(WorkerHealthTest, RungsThatViewersAskForMayCostMore) {
  look_.sessions = 1;
  look_.marks.resize(1);
  look_.rungs = 1;
  EXPECT_EQ(after(300, 3.4).what, Do::nothing);
  EXPECT_EQ(after(300, 3.7).what, Do::drain);
}

TEST_F(WorkerHealthTest, WhatAStreamMayCostMayChange) {
  look_.usage->resident_bytes = (256 + 20 * 100) * kMiB;
  after(30);
  limits_.stream_memory_mib = 100;
  health_.limit(limits_);
  EXPECT_EQ(after(200).what, Do::nothing);
  limits_.stream_memory_mib = 99;
  health_.limit(limits_);
  EXPECT_EQ(after(100).kind, "memory");
}

TEST_F(WorkerHealthTest, DescriptorsThatRunOut) {
  look_.usage->open_fds = 901;
  const auto verdict = after(100);
  EXPECT_EQ(verdict.what, Do::drain);
  EXPECT_EQ(verdict.reason, "has 901 of 1000 descriptors open");
}

TEST_F(WorkerHealthTest, WithoutALimitNothingIsTooMuch) {
  limits_.stream_memory_mib = limits_.stream_cpu = 0;
  WorkerHealth health(limits_);
  look_.usage->resident_bytes = 100'000 * kMiB;
  for (int i = 0; i < 200; ++i) {
    look_.now_ms += 1000;
    look_.usage->cpu_us += 8'000'000;
    for (wire::Mark& mark : look_.marks) mark.service += 10;
    EXPECT_EQ(health.look(look_).what, Do::nothing);
  }
}

}  // namespace
}  // namespace headgate::guard
