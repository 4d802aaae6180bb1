// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns of streams that have nothing in common but a folder.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "ladder/node_turns.h"
#include "ladder/video_ladder.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using Action = ladder::ReliefAction;
constexpr int64_t kSecond = 1'000'000'000;

class NodeTurnsTest : public ::testing::Test {
 protected:
  std::string root() const { return scratch_.path(); }
  NodeTurns turns() const { return NodeTurns(root(), root() + "/proc", root() + "/sys"); }
  void pressure(const std::string& percent, const std::string& file = "proc/pressure/cpu") {
    scratch_.write(file, "some avg10=" + percent + " avg60=0 avg300=0 total=1\n");
  }
  test::ScratchDirectory scratch_;
};

TEST_F(NodeTurnsTest, AreTakenByAllWhoWriteBelowOneRoot) {
  NodeTurns one = turns();
  EXPECT_TRUE(one.take(Action::pause, 100 * kSecond));
  NodeTurns other = turns();
  EXPECT_FALSE(other.take(Action::pause, 100 * kSecond + 1));
  EXPECT_TRUE(other.take(Action::pause, 101 * kSecond));
  EXPECT_FALSE(one.take(Action::resume, 115 * kSecond));
  EXPECT_TRUE(other.take(Action::resume, 116 * kSecond));
  EXPECT_FALSE(one.take(Action::resume, 117 * kSecond));
}

TEST_F(NodeTurnsTest, ThoseThatComeBackWaitWhereProcessorsAreWaitedFor) {
  NodeTurns one = turns();
  pressure("41.00");
  ASSERT_TRUE(one.take(Action::pause, 100 * kSecond));
  EXPECT_FALSE(one.take(Action::resume, 116 * kSecond));
  pressure("39.00");
  EXPECT_TRUE(one.take(Action::resume, 116 * kSecond));
}

TEST_F(NodeTurnsTest, AnEncoderIsSlowForWantOfAProcessorWhereTheseAreWaitedFor) {
  const NodeTurns one = turns();
  EXPECT_TRUE(one.short_of_processors()) << "the kernel does not say";
  pressure("19.00");
  EXPECT_FALSE(one.short_of_processors());
  pressure("21.00");
  EXPECT_TRUE(one.short_of_processors());
}

// Only where others wait for processors is a rung's going the machine's fault, which keeps new stations out:
// not where one thread cannot decode a source as fast as it comes.
TEST(PauseCauseTest, IsTheMachineOnlyWhereProcessorsAreWaitedFor) {
  for (const bool slow : {false, true}) {
    EXPECT_STREQ(name_of(pause_cause(false, true, slow)), "processors");
    EXPECT_STREQ(name_of(pause_cause(false, false, slow)), "encoder");
    EXPECT_STREQ(name_of(pause_cause(true, true, slow)), "source");
  }
  EXPECT_STREQ(text_of(pause_cause(false, false, true)), "its encoder is slower than the source");
  EXPECT_STREQ(text_of(pause_cause(false, false, false)), "encoding falls behind");
}

// What else the machine does may wait for processors that the node's own work has.
TEST_F(NodeTurnsTest, OthersThatWaitForProcessorsDelayNobody) {
  const std::string own = "sys/fs/cgroup/system.slice/headgate.service/cpu.pressure";
  NodeTurns one = turns();
  scratch_.write("proc/self/cgroup", "0::/system.slice/headgate.service\n");
  pressure("99.00");
  pressure("41.00", own);
  ASSERT_TRUE(one.take(Action::pause, 100 * kSecond));
  EXPECT_FALSE(one.take(Action::resume, 116 * kSecond));
  pressure("39.00", own);
  EXPECT_TRUE(one.take(Action::resume, 116 * kSecond));
}

TEST_F(NodeTurnsTest, LeaveNothingBehindAndNothingOnTheArchivesDisk) {
  struct stat folder {};
  ASSERT_EQ(::stat(root().c_str(), &folder), 0);
  const std::string file = std::string(kTurnsFront) + std::to_string(::geteuid()) + "-" +
                           std::to_string(folder.st_dev) + "-" + std::to_string(folder.st_ino);
  {
    NodeTurns one(root());
    { NodeTurns other(root()); }
    EXPECT_TRUE(std::filesystem::exists(file)) << "somebody has it";
    EXPECT_TRUE(std::filesystem::is_empty(root()));
    EXPECT_TRUE(one.take(Action::pause, 100 * kSecond));
    NodeTurns another(root());
    EXPECT_FALSE(another.take(Action::pause, 100 * kSecond)) << "it is still there for who comes";
  }
  EXPECT_FALSE(std::filesystem::exists(file));
  // Somebody else's, or none that is a file, is not taken.
  std::filesystem::create_symlink(root() + "/elsewhere", file);
  NodeTurns alone(root());
  EXPECT_TRUE(alone.take(Action::pause, 100 * kSecond));
  EXPECT_FALSE(std::filesystem::exists(root() + "/elsewhere"));
  std::filesystem::remove(file);
}

TEST_F(NodeTurnsTest, WhoCannotShareThemTakesThemAlone) {
  NodeTurns one(root() + "/nowhere"), other(root() + "/nowhere");
  EXPECT_TRUE(one.take(Action::pause, 100 * kSecond));
  EXPECT_FALSE(one.take(Action::pause, 100 * kSecond));
  EXPECT_TRUE(other.take(Action::pause, 100 * kSecond));
}

}  // namespace
}  // namespace headgate::abrhlssink
