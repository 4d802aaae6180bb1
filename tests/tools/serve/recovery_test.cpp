// SPDX-License-Identifier: LGPL-2.1-or-later
// The archive's recovery, as a program of a line of shell.
#include "serve/recovery.h"

#include <base/json.h>
#include <sys/stat.h>

#include "tasks_fixture.h"

namespace headgate::serve {
namespace {

class RecoveryTest : public TasksFixture {
 protected:
  void recover(const std::string& script) {
    recovery_.emplace(
        loop_, clock_, tasks_, events_, [script] { return shell(script); }, [this] { ++changes_; },
        [this](int) { return cpu_us_; });
    recovery_->ask();
  }
  std::string state() const { return Json::object_of(recovery_->json()).text("state"); }
  // Looks each second for so long.
  void pass(int64_t ms) {
    for (int64_t passed_ms = 0; passed_ms < ms; passed_ms += 1000) {
      clock_.advance_us(1'000'000);
      recovery_->look();
    }
  }

  ManualClock clock_;
  std::vector<wire::NodeEvent> told_;
  NodeEvents events_{clock_, [this](const wire::Message& message) {
                       told_.push_back(std::get<wire::NodeEvent>(message));
                       return true;
                     }};
  std::vector<std::string> kinds() const {
    std::vector<std::string> out;
    for (const auto& one : told_) out.push_back(one.kind);
    return out;
  }
  std::optional<int64_t> cpu_us_ = 1;
  int changes_ = 0;
  std::optional<Recovery> recovery_;
};

using Kinds = std::vector<std::string>;

TEST_F(RecoveryTest, IsToldWhereThereIsAnArchive) {
  recover("echo 0 0; echo 3 3");
  EXPECT_TRUE(wait_for([&] { return kinds() == Kinds{"recovery.started", "recovery.done"}; }));
  EXPECT_EQ(state(), "done");
}

TEST_F(RecoveryTest, ANewNodeHasNothingToRecover) {
  recover("true");
  EXPECT_TRUE(wait_for([&] { return state() == "done"; }));
  EXPECT_EQ(kinds(), Kinds());
}

TEST_F(RecoveryTest, WhatIsDamagedIsTold) {
  recover("echo 0 0; exit 1");
  EXPECT_TRUE(wait_for([&] { return kinds() == Kinds{"recovery.started", "recovery.failed"}; }));
  EXPECT_EQ(state(), "failed");
}

// As on a volume that does not answer: from a FIFO that nobody writes to nothing ever comes.
TEST_F(RecoveryTest, OneThatDoesNothingAnyMoreIsToldAndEnded) {
  const std::string fifo = folder_ + "/volume";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  recover("echo 0 3; read line < " + fifo);
  EXPECT_EQ(state(), "running");
  ASSERT_TRUE(wait_for([&] { return !told_.empty(); }));
  pass(kRecoverStillMs - 1000);
  cpu_us_ = 2;  // it works, if slowly
  pass(kRecoverStillMs - 1000);
  EXPECT_EQ(kinds(), Kinds{"recovery.started"});
  pass(2000);
  EXPECT_EQ(kinds(), (Kinds{"recovery.started", "recovery.failed"})) << "at once, whenever it ends";
  EXPECT_EQ(state(), "failed");
  pass(kRecoverStillMs);
  const int changes = changes_;
  EXPECT_TRUE(wait_for([&] { return changes_ > changes; })) << "it has ended";
  EXPECT_EQ(told_.size(), 2U) << "once";
  EXPECT_EQ(state(), "failed");
}

TEST_F(RecoveryTest, OneThatDoesNotEvenBeginIsEnded) {
  const std::string fifo = folder_ + "/volume";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  recover("read line < " + fifo);
  pass(kRecoverStillMs + 1000);
  EXPECT_EQ(kinds(), Kinds{"recovery.failed"});
  EXPECT_EQ(state(), "failed");
}

}  // namespace
}  // namespace headgate::serve
