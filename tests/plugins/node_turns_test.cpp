// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns of streams that have nothing in common but a folder.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "ladder/node_turns.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using Action = ladder::ReliefAction;
constexpr int64_t kSecond = 1'000'000'000;

class NodeTurnsTest : public ::testing::Test {
 protected:
  std::string root() const { return scratch_.path(); }
  void pressure(const std::string& percent) {
    std::filesystem::create_directories(root() + "/proc/pressure");
    std::ofstream(root() + "/proc/pressure/cpu") << "some avg10=" << percent << " avg60=0 avg300=0 total=1\n";
  }
  test::ScratchDirectory scratch_;
};

TEST_F(NodeTurnsTest, AreTakenByAllWhoWriteBelowOneRoot) {
  NodeTurns one(root(), root() + "/proc");
  EXPECT_TRUE(one.take(Action::pause, 100 * kSecond));
  NodeTurns other(root(), root() + "/proc");
  EXPECT_FALSE(other.take(Action::pause, 100 * kSecond + 1));
  EXPECT_TRUE(other.take(Action::pause, 101 * kSecond));
  EXPECT_FALSE(one.take(Action::resume, 115 * kSecond));
  EXPECT_TRUE(other.take(Action::resume, 116 * kSecond));
  EXPECT_FALSE(one.take(Action::resume, 117 * kSecond));
}

TEST_F(NodeTurnsTest, ThoseThatComeBackWaitWhereProcessorsAreWaitedFor) {
  NodeTurns turns(root(), root() + "/proc");
  pressure("41.00");
  ASSERT_TRUE(turns.take(Action::pause, 100 * kSecond));
  EXPECT_FALSE(turns.take(Action::resume, 116 * kSecond));
  pressure("39.00");
  EXPECT_TRUE(turns.take(Action::resume, 116 * kSecond));
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
