// SPDX-License-Identifier: LGPL-2.1-or-later
// One supervisor at a node, and what is left of one that cannot become another.
#include "serve/succession.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "tasks_fixture.h"

namespace headgate::serve {
namespace {

class SuccessionTest : public TasksFixture {
 protected:
  Succession succession() { return {loop_, tasks_, listeners_}; }
  // As a supervisor leaves it to the program that it becomes.
  void leave(const std::string& path) {
    auto lock = open_file(path, O_RDWR | O_CREAT, 0600);
    ASSERT_TRUE(lock);
    ASSERT_EQ(::setenv("HEADGATE_HERITAGE", ("lock=" + std::to_string(lock->get())).c_str(), 1), 0);
    lock->release();
  }

  NodeListeners listeners_;
};

TEST_F(SuccessionTest, ThereIsOneAtAFolder) {
  auto first = succession(), second = succession();
  ASSERT_TRUE(first.take(folder_, "/data"));
  EXPECT_FALSE(first.succeeds());
  const auto taken = second.take(folder_, "/data");
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("another `headgate serve` runs on /data"), std::string::npos)
      << taken.error().message;
}

TEST_F(SuccessionTest, WhoCannotBecomeAnotherGoesOn) {
  auto first = succession(), second = succession();
  ASSERT_TRUE(first.take(folder_, "/data"));
  std::optional<int> code;
  tasks_.run(shell("sleep 1000"), [&code](int one) { code = one; });
  Self nobody{"headgate", {}};
  nobody.program.path = folder_ + "/none";
  const auto became = first.become(nobody);
  ASSERT_FALSE(became);
  EXPECT_NE(became.error().message.find(nobody.program.path), std::string::npos) << became.error().message;
  EXPECT_FALSE(code) << "not from within the call";
  EXPECT_TRUE(wait_for([&code] { return code.has_value(); }));
  EXPECT_EQ(code, kWasEnded);
  EXPECT_FALSE(second.take(folder_, "/data")) << "it has the lock still";
}

TEST_F(SuccessionTest, TheNextHasTheLockOfTheOneBefore) {
  leave(folder_ + "/supervisor.lock");
  auto next = succession();
  const auto taken = next.take(folder_, "/data");
  EXPECT_TRUE(taken) << (taken ? "" : taken.error().message);
  EXPECT_TRUE(next.succeeds());
  EXPECT_EQ(std::getenv("HEADGATE_HERITAGE"), nullptr) << "its children have it, too";
}

TEST_F(SuccessionTest, SettingsOfAnotherNodeAreNotTaken) {
  leave(folder_ + "/elsewhere.lock");
  auto next = succession();
  const auto taken = next.take(folder_, "/data");
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("the settings are of a node at " + folder_), std::string::npos)
      << taken.error().message;
}

}  // namespace
}  // namespace headgate::serve
